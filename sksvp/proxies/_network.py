"""Our own networks."""

from typing import Any

import numpy as np

from ._linear_text import LinearText
from ._pipelines import classifier_of
from ._proxy import Proxy


class Network(LinearText):
    """A network of ``sksvp.estimators``: it has epochs that can be watched, and weights to start from."""

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return LinearText.is_kind_of(classifier) and hasattr(classifier, "net_params")

    def _has_epochs(self, recorders: tuple[str, ...]) -> bool:
        return True

    def epochs_trained(self, n_watched: int) -> int:
        return len(self.classifier.history_)

    def _can_start_warm(self) -> bool:
        return True

    def _fit_from(self, start: Proxy, X: Any, y: np.ndarray) -> None:
        if self.is_frozen:
            super()._fit_from(start, X, y)
            return
        from ._warm_weights import WarmWeights

        # By its whole recipe, from former weights.
        classifier = classifier_of(self.estimator)
        net_params = classifier.net_params
        weights = start.classifier.net_.module_.state_dict()
        callbacks = [*((net_params or {}).get("callbacks") or []), ("warm_weights", WarmWeights(weights))]
        classifier.set_params(net_params={**(net_params or {}), "callbacks": callbacks})
        self.estimator.fit(X, y)
        classifier.set_params(net_params=net_params)
