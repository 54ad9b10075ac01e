"""Selection via proxy: choose what to label or to train on with a small model in place of the large one."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .active import ProxyActiveLearner
    from .coreset import CoresetClassifier, ProxyCoresetSampler, ProxyCoresetSelector, RankingSettled, pilot

__version__ = "0.1.0"

__all__ = [
    "CoresetClassifier",
    "ProxyActiveLearner",
    "ProxyCoresetSampler",
    "ProxyCoresetSelector",
    "RankingSettled",
    "pilot",
]

_MODULES = {name: ".active" if name == "ProxyActiveLearner" else ".coreset" for name in __all__}


def __getattr__(name: str):
    # torch and scikit-learn load with the first name that needs them, not with the package.
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
