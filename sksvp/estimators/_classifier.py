"""Base of all classifiers: checks of X and y, classes, saving."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from .._docs import inherit_method_docs
from .._inputs._labels import check_labels
from .._inputs._paths import as_path
from ._docs import inherit_docs
from ._persistence import load_classifier, save_classifier

# Largest count that torch and numpy take everywhere.
LARGEST = 2**31 - 1
# The learning rate of every batch is computed before a training.
MOST_EPOCHS = 1_000_000


class Classifier(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator):
    """Base of the classifiers.

    A child defines `fit`, the scores and `check_params`. For `save` and `load` it
    defines a dataclass of how rows are read, and the tensors that it has learned.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        Weights of the classes in the loss.
    device : str or torch.device
        "auto" uses CUDA if there is a device.
    verbose : int
        A positive value shows a progress bar on stderr.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    """

    classes_: np.ndarray
    # The dataclass of how rows are read, kept as `format_`.
    _format_type: type

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        inherit_docs(cls)
        inherit_method_docs(cls)

    def _keep(self, params: dict[str, Any]) -> None:
        """Set the parameters of a constructor, given as its `locals()`, unchanged."""
        for name, value in params.items():
            if name != "self":
                setattr(self, name, value)

    def _validate(self, X, *, reset: bool) -> Any:
        """Check X. With `reset` learn its form, else compare it with the form of the training."""
        raise NotImplementedError(type(self).__name__)

    def _weights(self) -> dict[str, Tensor]:
        """Return the tensors that `save` writes."""
        raise NotImplementedError(type(self).__name__)

    def _restore_network(self, form, weights: dict[str, Tensor], *, device: str) -> None:
        """Set the form and the tensors of a saved classifier."""
        raise NotImplementedError(type(self).__name__)

    def _check_training(self, X, y, *, reset: bool) -> tuple[Any, np.ndarray]:
        """Check rows and labels of a training; return both."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        X = self._validate(X, reset=reset)
        y = check_labels(y)
        if len(X) != len(y):
            raise ValueError(f"X and y must have the same number of rows, got {len(X)} and {len(y)}.")
        if len(X) < 2:
            raise ValueError(f"X needs at least two rows to train on, got {len(X)} sample.")
        return X, y

    def _learn_classes(self, y: np.ndarray) -> np.ndarray:
        """Set `classes_`, and return the encoded labels."""
        self.classes_, encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes in y, got one class: {self.classes_.tolist()[0]!r}."
            )
        return encoded

    def _encode(self, y: np.ndarray, name: str) -> np.ndarray:
        """Return labels as numbers of classes; raise ValueError if a label is no known class."""
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"{name} has labels that are not in classes: {unknown[:5]!r}.")
        return np.searchsorted(self.classes_, y)

    def _warn_of_divergence(self, what: str) -> None:
        warnings.warn(
            f"The training of {type(self).__name__} diverged: {what}. Lower lr={self.lr!r}.",
            ConvergenceWarning,
            stacklevel=3,
        )

    def save(self, path) -> None:
        """Write the fitted classifier to one file: weights as safetensors, the rest as JSON in its header.

        Parameters
        ----------
        path : str or path-like
            File to write, usually with the ending ``.safetensors``. It is replaced in
            one step.

        Raises
        ------
        TypeError
            If a parameter, such as an object in `net_params`, has no JSON form.
        ValueError
            If weights are not finite because the training diverged.
        OSError
            If the file cannot be written. An existing file is kept.
        """
        check_is_fitted(self)
        save_classifier(self, as_path(path, "path"))

    @classmethod
    def load(cls, path, *, device: str = "auto"):
        """Read a classifier written by `save`; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
            File to read.
        device : str, default="auto"
            Device of a network. Linear models of texts score on the CPU.

        Returns
        -------
        estimator : object of this class
            Fitted, without the history of its training.

        Raises
        ------
        ValueError
            For a file that is no saved classifier, is damaged, or is of another class
            or version of this library; the message names it.
        OSError
            For a file that cannot be read.
        """
        return load_classifier(cls, as_path(path, "path"), device=device)


class ScoresOfLogits:
    """Mixin of classifiers with `predict_logits`: predictions and probabilities."""

    classes_: np.ndarray
    predict_logits: Callable[[Any], np.ndarray]

    def predict_proba(self, X) -> np.ndarray:
        """Compute class probabilities, the softmax of the logits: (n_samples, n_classes), float64.

        Parameters
        ----------
        X : rows of length n_samples
            Rows of the same form as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float64
            Class probabilities, in the order of `classes_`.
        """
        return softmax(self.predict_logits(X).astype(np.float64), axis=1)

    def predict_log_proba(self, X) -> np.ndarray:
        """Compute log-probabilities from the logits, finite where probabilities saturate.

        Parameters
        ----------
        X : rows of length n_samples
            Rows of the same form as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float64
            Logarithms of the class probabilities.
        """
        return log_softmax(self.predict_logits(X).astype(np.float64), axis=1)

    def decision_function(self, X) -> np.ndarray:
        """Compute the logits; for two classes their difference, positive for the second: (n_samples,).

        Parameters
        ----------
        X : rows of length n_samples
            Rows of the same form as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples,)
            The logits, or their difference for two classes.
        """
        logits = self.predict_logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X) -> np.ndarray:
        """Predict the most probable class of each row, shape (n_samples,).

        Parameters
        ----------
        X : rows of length n_samples
            Rows of the same form as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels out of `classes_`.
        """
        logits = self.predict_logits(X)
        return self.classes_[logits.argmax(axis=1)]
