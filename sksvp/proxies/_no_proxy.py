"""The rows themselves in place of a proxy."""

from collections.abc import Iterable
from typing import Any

from ._proxy import Proxy


class NoProxy(Proxy):
    """No proxy at all: X itself, a table of numbers, serves as features, and nothing is trained."""

    def __init__(self, estimator: None = None, *, classes: Any = None):
        super().__init__(estimator, classes=classes)

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return classifier is None

    def _has_inputs(self) -> bool:
        return True

    def __str__(self) -> str:
        return "proxy=None"

    def check_gives(self, requires: Iterable[str]) -> None:
        missing = [kind for kind in requires if kind not in self.gives]
        if missing:
            raise ValueError(
                f"The strategy needs {' and '.join(missing)}, which a proxy gives, and proxy is None: give a proxy, "
                f"such as LogisticRegression(), or a strategy that needs none: {', '.join(self._served())}."
            )

    def check_params(self) -> None:
        pass
