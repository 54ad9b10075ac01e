"""Our own networks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._linear_text import LinearText
from ._proxy import Proxy

# Parameters that decide the shape of a network's weights.
_ARCHITECTURE = ("depth", "block", "network", "hidden", "pooling", "shortcut", "widths", "image_shape")


class Network(LinearText):
    """A network of ``sksvp.estimators``: it has epochs that can be watched, and weights to start from."""

    has_epochs = True

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return LinearText.is_kind_of(classifier) and hasattr(classifier, "net_params")

    def epochs_trained(self, n_watched: int) -> int:
        return len(self.classifier.history_)

    def _can_start_warm(self) -> bool:
        return True

    def _nests_in(self, target: Any) -> bool:
        one, other = self.classifier, target.classifier
        if type(one) is not type(other):
            return False
        differ = {name for name in _ARCHITECTURE if getattr(one, name, None) != getattr(other, name, None)}
        if not differ <= {"depth", "block"} or not (differ and hasattr(one, "block")):
            return not differ
        from ..networks import resolve_block

        (kind, n_blocks), (its_kind, its_blocks) = (
            resolve_block(net.depth, net.block) for net in (one, other)
        )
        return kind == its_kind and n_blocks <= its_blocks

    @contextmanager
    def _starting_from(self, start: Proxy | None) -> Iterator[None]:
        if start is None:
            yield
            return
        from ._warm_weights import WarmWeights

        # The whole recipe is run again, from former weights.
        classifier, net_params = self.classifier, self.classifier.net_params
        weights = start.classifier.net_.module_.state_dict()
        callbacks = [*((net_params or {}).get("callbacks") or []), ("warm_weights", WarmWeights(weights))]
        classifier.set_params(net_params={**(net_params or {}), "callbacks": callbacks})
        yield
        classifier.set_params(net_params=net_params)
