"""Nets of skorch's."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np

from ..strategies import recorder_names
from ._proxy import Proxy
from ._torch_seed import is_skorch_net
from ._training import Training


@contextmanager
def naming_labels_out_of_range(y: np.ndarray) -> Iterator[None]:
    """Explain torch's error where a network has no output for a label."""
    try:
        yield
    except IndexError as error:
        if "out of bounds" not in str(error):
            raise
        raise ValueError(
            f"y has labels up to {np.max(y)}, but the skorch net has fewer outputs: labels must be 0 .. n - 1 for n "
            f"outputs, or texts ({error})."
        ) from error


class SkorchNet(Proxy):
    """A net of skorch's: callbacks see its training, and labels that no torch loss takes are numbered."""

    streams = True
    shows_visits = True
    has_epochs = True

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return is_skorch_net(classifier)

    def free_recorders(self, needed: Iterable[str], *, is_kept: bool = False) -> tuple[str, ...]:
        from ._skorch_training import can_be_recorded

        if not can_be_recorded(self.classifier):
            return ()
        free = recorder_names(dear=is_kept, features=False)
        return tuple(name for name in self.recorders if name in free)

    @property
    def has_own_features(self) -> bool:
        # Whether its module has features shows only when it is asked.
        return True

    def epochs_trained(self, n_watched: int) -> int:
        return len(self.classifier.history)

    def check_params(self) -> None:
        super().check_params()
        if self.is_frozen:
            return
        params = self.classifier.get_params(deep=False)
        epochs = params["max_epochs"]
        if not isinstance(epochs, Integral) or epochs < 1:
            raise ValueError(f"max_epochs of a skorch net must be an int of at least 1 here, got {epochs!r}.")
        for name in ("iterator_valid__shuffle", "iterator_valid__drop_last"):
            if params.get(name):
                raise ValueError(
                    f"{name} must be False: the net scores each row once and in order, got {params[name]!r}."
                )

    def _can_start_warm(self) -> bool:
        return True

    def _fit(self, X: Any, y: np.ndarray, training: Training) -> Mapping[str, np.ndarray]:
        if self.is_frozen:
            return super()._fit(X, y, training)
        from ._skorch_nets import keep_all_rows
        from ._skorch_training import observed

        net = self.classifier
        keep_all_rows(net)
        recorders, watch = training.recorders, training.watch
        with observed(type(self)(net), recorders, watch, len(y)) as seen, naming_labels_out_of_range(y):
            super()._fit(X, y, training)
        return {name: recorder.result() for name, recorder in seen.items()}

    def fit_as_given(self, X: Any, y: np.ndarray, fit_params: dict) -> None:
        with naming_labels_out_of_range(y):
            super().fit_as_given(X, y, fit_params)

    def encode(self, y: np.ndarray) -> np.ndarray:
        if self.is_frozen:
            return y
        from ._skorch_nets import encode_labels

        return encode_labels(self.classifier, np.asarray(y))

    def _column_labels(self, n_columns: int) -> np.ndarray | None:
        if self.classes is None:
            return None
        return self.classes if self.learns_numbers else np.arange(n_columns)

    def _score(self, X: Any, kinds: tuple[str, ...]) -> dict[str, Any]:
        from ._skorch_nets import net_features, net_logits, net_probabilities

        parts: dict[str, Any] = {}
        if "probabilities" in kinds:
            logits = net_logits(self.classifier, X)
            if logits is None:
                parts["probabilities"] = net_probabilities(self.classifier, X)
            else:
                parts["logits"] = logits
        if "features" in kinds:
            parts["features"] = net_features(self.classifier, X)
        return parts

    def _gather_rows(self, X: Any, kinds: tuple[str, ...], rows: np.ndarray) -> Mapping[str, np.ndarray]:
        # Steps before the net may give it something else than an array, such as tokens in a dict.
        from torch.utils.data import Subset

        return self._score_block(Subset(self.classifier.get_dataset(X), rows.tolist()), kinds)
