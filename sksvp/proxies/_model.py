"""What a model is: its classifier, what it can give, and the labels that it knows."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags

from ..strategies import recorder_names
from ._pipelines import classifier_of, has_head, is_frozen, resamples
from ._torch_seed import scoring_torch


class Model:
    """A classifier, fitted or not, by itself or at the end of Pipelines and frozen wrappers.

    The parameters and attributes are those of `Proxy`.
    """

    # Whether the model scores in batches by itself.
    streams = False
    # Whether its training shows each visit of a row to recorders.
    shows_visits = False
    # Whether each training has epochs, after which it can be ended.
    has_epochs = False

    def __init__(self, estimator: BaseEstimator, *, classes: np.ndarray | None = None):
        self.estimator: Any = estimator
        self.classes = classes
        self.records: Mapping[str, np.ndarray] = {}

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        """Tell whether a classifier is of this kind.

        Parameters
        ----------
        classifier : classifier
            At the end of Pipelines and frozen wrappers.

        Returns
        -------
        bool
            Whether it is.
        """
        return True

    @property
    def classifier(self) -> Any:
        """The classifier at the end of Pipelines and frozen wrappers."""
        return classifier_of(self.estimator)

    @property
    def is_frozen(self) -> bool:
        """Whether the classifier is used as it was fitted."""
        return is_frozen(self.estimator)

    @property
    def has_head(self) -> bool:
        """Whether steps stand before the classifier."""
        return has_head(self.estimator)

    @property
    def gives(self) -> tuple[str, ...]:
        """The kinds of evidence that it can give once it is trained."""
        scores = {
            "probabilities": self._has_probabilities(),
            "features": self._has_features(),
            "inputs": self._has_inputs(),
        }
        return (*(kind for kind, has_it in scores.items() if has_it), *self.recorders)

    @property
    def recorders(self) -> tuple[str, ...]:
        """Names of the recorders that its training can show each visit to."""
        if not self.shows_visits or self.is_frozen or resamples(self.estimator):
            return ()
        return tuple(recorder_names(scores=self._scores_visits(), features=self._has_visited_features()))

    def _scores_visits(self) -> bool:
        """Tell whether a visit shows the scores of the classes, and not only the predicted one."""
        return True

    def _has_visited_features(self) -> bool:
        """Tell whether a visit shows the features of the rows, which are the input of the last layer."""
        return True

    def free_recorders(self, needed: Iterable[str], *, is_kept: bool = False) -> tuple[str, ...]:
        """Return the names of recorders that see a training with the needed ones at no further cost.

        Parameters
        ----------
        needed : iterable of str
            Names of recorders.
        is_kept : bool, default=False
            Whether a memory keeps the training, so that it may serve more than what is
            needed now.

        Returns
        -------
        tuple of str
            Names of recorders.
        """
        return ()

    def _has_probabilities(self) -> bool:
        return hasattr(self.classifier, "predict_proba")

    def _has_features(self) -> bool:
        """Tell whether it has features, or X itself may serve as such: whether it does shows in `check_rows`."""
        return True

    @property
    def has_own_features(self) -> bool:
        """Whether the classifier computes features, rather than reading those that reach it."""
        return hasattr(self.classifier, "transform")

    def _has_inputs(self) -> bool:
        """Tell whether rows may be numbers before anything has seen the labels; texts are none."""
        if self.has_head or not hasattr(self.classifier, "__sklearn_tags__"):
            return True
        return not get_tags(self.classifier).input_tags.string

    @property
    def kinds_of_rows(self) -> tuple[str, ...]:
        """The kinds of evidence that are X itself, whatever the training was."""
        if self.has_head:
            return ()
        return ("inputs",) if self.has_own_features else ("features", "inputs")

    def _records_of(self, requires: Iterable[str]) -> tuple[str, ...]:
        return tuple(kind for kind in requires if kind in self.recorders)

    def _has_epochs(self, recorders: tuple[str, ...]) -> bool:
        """Tell whether a training with these recorders has epochs."""
        return self.has_epochs

    def __str__(self) -> str:
        outer, inner = type(self.estimator).__name__, type(self.classifier).__name__
        return outer if self.classifier is self.estimator else f"{outer} around {inner}"

    def routed_as(self, requires: Iterable[str]) -> Any:
        """Return the estimator whose metadata requests hold in a training that gives these kinds of evidence.

        Parameters
        ----------
        requires : iterable of str
            Kinds of evidence.

        Returns
        -------
        estimator
            The proxy, or what trains it.
        """
        return self.estimator

    # Labels -------------------------------------------------------------------------------------

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Give labels the form in which the model is trained on them.

        Parameters
        ----------
        y : ndarray of shape (n,)
            Labels.

        Returns
        -------
        ndarray of shape (n,)
            Labels of the training.
        """
        return y

    @property
    def learns_numbers(self) -> bool:
        """Whether the model knows its classes by other numbers than the user: their places among the sorted ones."""
        return self.classes is not None and not np.array_equal(self.encode(self.classes), self.classes)

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels, those it was given in the training.

        Parameters
        ----------
        X : rows of length n
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            Predicted labels.
        """
        with scoring_torch(self.estimator):
            predicted = as_column(self.estimator.predict(X))
        if self.classes is None or not self.learns_numbers:
            return predicted
        return self.classes[predicted.astype(np.intp)]

    def _column_labels(self, n_columns: int) -> np.ndarray | None:
        """Return the label of each column of the probabilities, None if it is not known."""
        return self.classes if self.learns_numbers else getattr(self.estimator, "classes_", None)

    def labels_of_columns(self, parts: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Return the label of each column of logits or probabilities, None if it is not known.

        Parameters
        ----------
        parts : dict of str to ndarray
            Evidence by kind.

        Returns
        -------
        ndarray of shape (n_classes,) or None
            The labels.
        """
        scores = parts.get("logits", parts.get("probabilities"))
        if scores is None or scores.ndim != 2:
            return None
        labels = self._column_labels(scores.shape[1])
        return labels if labels is not None and np.shape(labels) == scores.shape[1:] else None


def as_column(predicted: Any) -> np.ndarray:
    """Return predicted labels as an array of shape (n,): some classifiers predict a column of shape (n, 1)."""
    predicted = np.asarray(predicted)
    return predicted[:, 0] if predicted.ndim == 2 and predicted.shape[1] == 1 else predicted
