"""What numpydoc asks of the docstrings of all public names."""

import re
from importlib import import_module

import numpy as np
import pytest
from numpydoc.validate import validate
from sklearn.linear_model import LogisticRegression, SGDClassifier

from sksvp import (
    CoresetClassifier,
    ProxyActiveLearner,
    ProxyCoresetSampler,
    ProxyCoresetSelector,
    estimators,
)
from sksvp.proxies import Incremental

_PACKAGES = (
    "",
    ".active",
    ".agreement",
    ".coreset",
    ".datasets",
    ".estimators",
    ".experiments",
    ".labelling",
    ".networks",
    ".plotting",
    ".proxies",
    ".strategies",
    ".text",
)
# Not asked for: examples, See Also and extended summaries everywhere (EX01, SA01, ES01); types of returned values
# alone on their line (RT02), descriptions of returned values beside their types (RT03); line breaks beside the
# quotes (GL01, GL02).
_NOT_ASKED = {"EX01", "SA01", "ES01", "RT02", "RT03", "GL01", "GL02"}
# An override may leave these to the docstring of its base.
_OF_THE_BASE = {"GL08", "PR01", "RT01", "RT03", "YD01"}
_HIDDEN = re.compile("_.*|get_metadata_routing|set_[a-z_]+_request")


def _public_objects() -> dict[str, object]:
    """Return functions, classes, and the methods that this package gives them, by the places of their definitions."""
    found = {}
    for package in _PACKAGES:
        module = import_module(f"sksvp{package}")
        for thing in (getattr(module, name) for name in module.__all__):
            if not callable(thing):
                continue
            found[f"{thing.__module__}.{thing.__qualname__}"] = thing
            for base in thing.__mro__ if isinstance(thing, type) else ():
                if base.__module__.startswith("sksvp"):
                    for name, member in vars(base).items():
                        is_method = callable(getattr(base, name)) or isinstance(member, property)
                        if is_method and not _HIDDEN.fullmatch(name):
                            found[f"{base.__module__}.{base.__qualname__}.{name}"] = base
    return found


_OBJECTS = _public_objects()


def _overrides(place: str) -> bool:
    """Tell whether a method has a namesake with a docstring in a base of its class."""
    owner, name = _OBJECTS[place], place.rpartition(".")[2]
    if not isinstance(owner, type) or place.endswith(f".{owner.__qualname__}"):
        return False
    return any(getattr(vars(base).get(name), "__doc__", None) for base in owner.__mro__[1:]) or (
        # torch documents the call of a module.
        name == "forward"
    )


@pytest.mark.parametrize("place", sorted(_OBJECTS))
def test_docstring(place):
    forgiven = _NOT_ASKED | (_OF_THE_BASE if _overrides(place) else set())
    found = [f"{code} {text}" for code, text in validate(place)["errors"] if code not in forgiven]
    assert found == []


_rng = np.random.default_rng(0)
_ROWS, _IMAGES = _rng.normal(size=(40, 3)), _rng.integers(0, 255, (40, 32, 32, 3), dtype=np.uint8)
_TEXTS, _LABELS = ["a fine film", "what a waste"] * 20, [0, 1] * 20
_SHORT = {"max_epochs": 1, "batch_size": 16, "device": "cpu", "random_state": 0}
_LINEAR = LogisticRegression()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (ProxyCoresetSelector(_LINEAR, random_state=0), _ROWS),
        (ProxyCoresetSampler(_LINEAR, random_state=0), _ROWS),
        (CoresetClassifier(_LINEAR, ProxyCoresetSelector(_LINEAR, random_state=0)), _ROWS),
        (ProxyActiveLearner(_LINEAR, rounds=[4], initial_size=20, random_state=0), _ROWS),
        (Incremental(SGDClassifier(), n_epochs=1), _ROWS),
        (estimators.ResNetClassifier(8, **_SHORT), _IMAGES),
        (estimators.WhitenedConvNetClassifier((4, 4, 4), **_SHORT), _IMAGES),
        (estimators.VDCNNClassifier(length=64, widths=(8, 8, 8, 8), hidden=8, **_SHORT), _TEXTS),
        (estimators.BagOfNgramsClassifier(max_epochs=1), _TEXTS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_fitted_attributes_are_documented(estimator, X):
    (estimator.fit_resample if isinstance(estimator, ProxyCoresetSampler) else estimator.fit)(X, _LABELS)
    documented = set(re.findall(r"\b\w+_\b", estimator.__doc__.partition("Attributes\n")[2]))
    fitted = {
        name for name in dir(estimator) if re.fullmatch(r"[a-z]\w*_", name) and hasattr(estimator, name)
    }
    assert fitted - documented == set()
