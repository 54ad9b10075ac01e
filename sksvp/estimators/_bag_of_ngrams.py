"""fastText's supervised model: averaged embeddings of words and hashed word n-grams, linear softmax."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from .._device import resolve_device
from .._epoch_tests import epoch_tests, less_tests
from .._inputs._parameters import WholeNumber
from ..text import NgramIndex
from ..training import error_of, mean_embeddings, train_bags
from ._class_weights import check_class_weight, class_weights
from ._classifier import LARGEST, ScoresOfLogits
from ._epoch_rows import EpochRows
from ._linear_text import LinearTextClassifier
from ._observed import Observed

_SCORED_TEXTS = 1 << 16


@dataclass(frozen=True)
class NgramFormat:
    """How texts are read: the longest n-gram, the number of buckets, and whether texts are normalized."""

    word_ngrams: int
    bucket: int
    min_count: int
    normalize: bool


class BagOfNgramsClassifier(Observed, EpochRows, ScoresOfLogits, LinearTextClassifier):
    """Linear model on averaged embeddings of words and word n-grams: fastText's, with seeds and forgetting events.

    The model of [1]_, by default with the settings of [2]_ for the Amazon reviews.
    Each word and each hashed n-gram has an embedding. A text is the mean of its
    embeddings, and a linear softmax predicts its class. Stochastic gradient descent
    visits the texts one by one, in a new random order in each epoch. The learning
    rate falls linearly to zero with the number of words read. The same seed gives the
    same bits on one kind of machine.

    Parameters
    ----------
    bucket : int, default=10_000_000
        Number of different hashes of n-grams. Only those that occur take memory.
    max_epochs : int, default=5
        Number of passes over the texts. Small data needs more: with a few thousand
        texts use 25 and a rate of 0.5.
    batch_size : int or "auto", default="auto"
        Number of texts of an update, whose steps are added. "auto" uses 1 on a CPU,
        as fastText does, in a compiled loop on one core, and 16 on CUDA.

    Attributes
    ----------
    embeddings_ : ndarray of shape (n_rows, dim), float32
        Embeddings of all words and n-grams that occurred in training.
    coef_ : ndarray of shape (n_classes, dim), float32
        The linear layer; it has no bias.
    history_ : skorch.history.History
        Loss, accuracy before the updates, and seconds of each epoch.
    format_ : NgramFormat
        How texts are read.

    See Also
    --------
    FastTextClassifier : The original program.
    VDCNNClassifier : A deep network, the target that this one can choose for.

    Notes
    -----
    The hashes are those of fastText, so the same n-grams share a bucket. Unlike in
    fastText, texts are visited in random order, and n-grams that did not occur in
    training are zero instead of random.

    References
    ----------
    .. [1] A. Joulin, E. Grave, P. Bojanowski and T. Mikolov, "Bag of tricks for
       efficient text classification", EACL 2017.
    .. [2] C. Coleman et al., "Selection via proxy: efficient data selection for
       deep learning", ICLR 2020.

    Examples
    --------
    >>> from sksvp.estimators import BagOfNgramsClassifier
    >>> X = ["a fine film", "what a waste of time", "fine music", "a waste"]
    >>> y = ["good", "bad", "good", "bad"]
    >>> model = BagOfNgramsClassifier(lr=0.5, max_epochs=100, random_state=0).fit(X, y)
    >>> model.predict(["a fine story"]).tolist()
    ['good']
    >>> model.transform(X).shape
    (4, 10)
    """

    _parameter_constraints: dict = {
        **LinearTextClassifier._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "batch_size": [StrOptions({"auto"}), WholeNumber(1, LARGEST)],
        "device": [str, torch.device],
    }

    _format_type = NgramFormat

    def __init__(
        self,
        dim: int = 10,
        *,
        word_ngrams: int = 2,
        bucket: int = 10_000_000,
        min_count: int = 1,
        max_epochs: int = 5,
        lr: float = 0.05,
        normalize: bool = True,
        class_weight: dict | str | None = None,
        batch_size: int | str = "auto",
        device: str = "auto",
        random_state=None,
        verbose: int = 0,
    ):
        self._keep(locals())

    def check_params(self) -> None:
        """Check the parameters, as `fit` does before it reads the data.

        Raises
        ------
        ValueError
            If a parameter is invalid. The message names it.
        """
        self._validate_params()
        check_class_weight(self.class_weight)
        resolve_device(self.device)

    def fit(self, X, y):
        """Train the model from fresh embeddings.

        Parameters
        ----------
        X : list, Series, array or PackedTexts of n_samples str
            Training texts.
        y : array-like of shape (n_samples,)
            Class labels, numbers or strings.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        TypeError, ValueError
            For rows that are no texts, fewer than two classes, X and y of
            different length, or a target that is not a single label a row.
        """
        self.check_params()
        # A fit that fails or is interrupted leaves no fitted estimator behind.
        self.__dict__.pop("embeddings_", None)
        texts, y = self._check_training(X, y, reset=True)
        encoded = self._learn_classes(y)
        random_state = check_random_state(self.random_state)
        self.format_ = NgramFormat(
            int(self.word_ngrams), int(self.bucket), int(self.min_count), bool(self.normalize)
        )
        self._index = self._new_index()
        ngrams = self._index.learn(texts)
        trained = train_bags(
            ngrams,
            encoded,
            class_weights(self.class_weight, self.classes_, encoded),
            n_rows=self._index.n_rows,
            dim=self.dim,
            max_epochs=self.max_epochs,
            lr=self.lr,
            batch_size=self.batch_size,
            device=resolve_device(self.device),
            random_state=random_state,
            recorder_names=self._recorder_names,
            epoch_rows=self._rows_per_epoch(len(encoded)),
            test_error=self._test_error(),
            bar_name=type(self).__name__ if self.verbose else None,
        )
        last_loss = trained.history[-1, "train_loss"]
        if not np.isfinite(last_loss):
            self._warn_of_divergence(f"its last loss is {last_loss}")
        self.embeddings_, self.coef_, self.records_, self.history_ = trained
        self._earlier_seconds = less_tests((0.0, 0.0), self.history_)
        return self

    def _test_error(self) -> Callable[[np.ndarray, np.ndarray], float] | None:
        """Return what measures the error of a model on the rows of `measuring_test_error`."""
        data = epoch_tests()
        if data is None:
            return None
        texts, y = self._validate(data[0], reset=False), data[1]
        # Looked up once for all epochs.
        found = [self._index.find(texts[part]) for part in _blocks(len(texts))]

        def error(embeddings: np.ndarray, coef: np.ndarray) -> float:
            logits = np.concatenate([mean_embeddings(ngrams, embeddings) for ngrams in found]) @ coef.T
            return error_of(logits, self.classes_, y)

        return error

    def _new_index(self) -> NgramIndex:
        form = self.format_
        return NgramIndex(form.word_ngrams, form.bucket, form.min_count, form.normalize)

    def predict_logits(self, X) -> np.ndarray:
        """Compute the outputs of the linear layer, (n_samples, n_classes) float32.

        Parameters
        ----------
        X : list, Series, array or PackedTexts of n_samples str
            Texts.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
            Outputs of the linear layer.
        """
        return self.predict_outputs(X)[0]

    def predict_outputs(self, X) -> tuple[np.ndarray, np.ndarray]:
        """Compute the logits and the features in one pass; see `predict_logits` and `transform`.

        Parameters
        ----------
        X : list, Series, array or PackedTexts of n_samples str
            Texts.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), float32
            As of `predict_logits`.
        features : ndarray of shape (n_samples, dim), float32
            As of `transform`.
        """
        features = self._features(X)
        return features @ self.coef_.T, features

    def transform(self, X) -> np.ndarray:
        """Compute the features: the mean embedding of each text.

        Parameters
        ----------
        X : list, Series, array or PackedTexts of n_samples str
            Texts.

        Returns
        -------
        ndarray of shape (n_samples, dim), float32
        """
        return self._features(X)

    def _features(self, X) -> np.ndarray:
        # Unlike `transform`, this always returns an array, whatever scikit-learn's `set_output` asks for.
        check_is_fitted(self)
        texts = self._validate(X, reset=False)
        out = np.empty((len(texts), self.embeddings_.shape[1]), dtype=np.float32)
        for part in _blocks(len(texts)):
            out[part] = mean_embeddings(self._index.find(texts[part]), self.embeddings_)
        return out

    @property
    def _n_features_out(self) -> int:
        return self.embeddings_.shape[1]

    def _weights(self) -> dict[str, torch.Tensor]:
        arrays = {"embeddings": self.embeddings_, "coef": self.coef_, **self._index.state()}
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def _restore_network(self, form, weights: dict[str, torch.Tensor], *, device: str) -> None:
        self.device = device
        self.format_ = form
        arrays = {name: tensor.numpy() for name, tensor in weights.items()}
        self.embeddings_, self.coef_ = arrays.pop("embeddings"), arrays.pop("coef")
        self._index = self._new_index()
        self._index.restore(arrays)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embeddings_")


def _blocks(n_texts: int) -> list[slice]:
    """Return the parts of texts that are scored at a time."""
    return [slice(start, start + _SCORED_TEXTS) for start in range(0, n_texts, _SCORED_TEXTS)]
