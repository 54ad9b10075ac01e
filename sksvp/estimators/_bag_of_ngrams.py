"""fastText's supervised model: averaged embeddings of words and hashed word n-grams, linear softmax."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._device import resolve_device
from ..strategies import ForgettingCounter
from ..text._ngram_index import NgramIndex, Ngrams
from ._class_weights import class_weights
from ._persistence import load_classifier, save_classifier
from ._text_classifier import TextClassifier

_CUDA_BATCH = 16
# Updates between two looks at Ctrl-C.
_UPDATES = 50_000
_SCORED_TEXTS = 1 << 16


@dataclass(frozen=True)
class NgramFormat:
    """How texts are read: the longest n-gram, the buckets, and whether they are brought to normal form."""

    word_ngrams: int
    bucket: int
    min_count: int
    normalize: bool


class BagOfNgramsClassifier(TextClassifier):
    """Linear model on averaged embeddings of words and word n-grams: fastText's, with seeds and forgetting events.

    The model of [1]_, with the settings of [2]_ for the Amazon reviews: each word
    and each hashed n-gram has an embedding, a text is the mean of its embeddings, and a linear
    softmax on it names the class. Stochastic gradient descent visits the texts
    one by one, in a new random order in each epoch, at a rate that falls linearly to zero with the words
    read. The same seed gives the same model, bit by bit, on one kind of
    machine.

    Parameters
    ----------
    dim : int, default=10
        Length of an embedding, and of the features.
    word_ngrams : int, default=2
        Longest n-gram; 1 for words alone.
    bucket : int, default=10_000_000
        Different hashes of n-grams. Memory is taken for those that come only.
    min_count : int, default=1
        Words that come less often in the training texts are left out.
    max_epochs : int, default=5
        Passes over the texts. Small data needs more: with a few thousand texts
        take 25 and a rate of 0.5.
    lr : float, default=0.05
        Learning rate of the first update.
    normalize : bool, default=True
        Lower-case texts and set punctuation apart first, as
        `sksvp.text.normalize` does.
    class_weight : dict, "balanced" or None, default=None
        Weight of the classes in the loss.
    batch_size : int or "auto", default="auto"
        Texts of an update: their steps are added up. "auto" takes 1 on a CPU, as
        fastText does, in a compiled loop on one core; and 16 on CUDA.
    device : str or torch.device, default="auto"
        "auto" takes CUDA where there is one.
    random_state : int, RandomState instance or None, default=None
        First embeddings and order of the texts.
    verbose : int, default=0
        Shows a progress bar on stderr where positive.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    embeddings_ : ndarray of shape (n_rows, dim), float32
        Of all words and n-grams that came in training.
    coef_ : ndarray of shape (n_classes, dim), float32
        The linear layer; it has no bias.
    forgetting_events_ : ndarray of shape (n_samples,), float64
        How often each training text turned from right to wrong, inf where it
        never was right; judged before each of its updates. The program of [1]_
        cannot tell them.
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
    Hashes are fastText's, so that the same n-grams share a bucket. Unlike there,
    texts are visited in random order, and n-grams that never came in training
    add nothing to a text in place of the noise of their first embedding.

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
    >>> model.forgetting_events_.shape, model.transform(X).shape
    ((4,), (4, 10))
    """

    _parameter_constraints: dict = {
        "dim": [Interval(Integral, 1, None, closed="left")],
        "word_ngrams": [Interval(Integral, 1, None, closed="left")],
        "bucket": [Interval(Integral, 1, 2**31 - 1, closed="both")],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "normalize": ["boolean"],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
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
        self.dim = dim
        self.word_ngrams = word_ngrams
        self.bucket = bucket
        self.min_count = min_count
        self.max_epochs = max_epochs
        self.lr = lr
        self.normalize = normalize
        self.class_weight = class_weight
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def check_params(self) -> None:
        """Check the parameters alone, as `fit` does first, before any data is there.

        Raises
        ------
        ValueError
            Naming the parameter, what came and what is accepted.
        """
        self._validate_params()
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
        weights = class_weights(self.class_weight, self.classes_, encoded)
        random_state = check_random_state(self.random_state)
        self.format_ = NgramFormat(
            int(self.word_ngrams), int(self.bucket), int(self.min_count), bool(self.normalize)
        )
        self._index = self._new_index()
        ngrams = self._index.learn(texts)
        generator = np.random.default_rng(random_state.randint(2**31, size=4))
        embeddings = generator.random((self._index.n_rows, self.dim), dtype=np.float32)
        embeddings -= np.float32(0.5)
        embeddings *= np.float32(2 / self.dim)
        coef = np.zeros((len(self.classes_), self.dim), dtype=np.float32)
        self._train(ngrams, encoded, weights, embeddings, coef, random_state)
        return self

    def _new_index(self) -> NgramIndex:
        form = self.format_
        return NgramIndex(form.word_ngrams, form.bucket, form.min_count, form.normalize)

    def _train(
        self,
        ngrams: Ngrams,
        y: np.ndarray,
        weights: np.ndarray,
        embeddings: np.ndarray,
        coef: np.ndarray,
        random_state: np.random.RandomState,
    ) -> None:
        from skorch.history import History
        from tqdm.auto import tqdm

        device = resolve_device(self.device)
        size = self.batch_size
        if size == "auto":
            size = _CUDA_BATCH if device.type == "cuda" else 1
        trainer: _OneByOne | _InBatches
        if size == 1 and device.type == "cpu":
            trainer = _OneByOne(ngrams, y, weights, embeddings, coef)
        else:
            trainer = _InBatches(ngrams, y, weights, embeddings, coef, device, int(size))
        n_words = np.diff(ngrams.bounds)
        total = max(1, self.max_epochs * int(n_words.sum()))
        n_read = 0
        history = History()
        with tqdm(
            total=self.max_epochs, desc=type(self).__name__, unit="epoch", disable=not self.verbose
        ) as bar:
            for epoch in range(1, self.max_epochs + 1):
                began = time.perf_counter()
                order = random_state.permutation(len(y))
                ends = np.cumsum(n_words[order])
                # Down to zero with the last word of the last epoch.
                rates = (self.lr * (1 - (n_read + ends - n_words[order]) / total)).astype(np.float32)
                n_read += int(ends[-1])
                loss, accuracy = trainer.epoch(order, rates)
                history.new_epoch()
                history.record("epoch", epoch)
                history.record("dur", time.perf_counter() - began)
                history.record("train_loss", loss)
                history.record("train_acc", accuracy)
                bar.set_postfix(loss=f"{loss:.3f}", acc=f"{accuracy:.3f}", refresh=False)
                bar.update()
        if not np.isfinite(loss):
            warnings.warn(
                f"The training of {type(self).__name__} diverged: its last loss is {loss}. Lower lr={self.lr!r}.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.history_ = history
        self.forgetting_events_ = trainer.events()
        self.embeddings_, self.coef_ = trainer.model()
        self._n_features_out = self.dim

    def predict_logits(self, X) -> np.ndarray:
        """Compute the outputs of the linear layer, (n_samples, n_classes) float32.

        Parameters
        ----------
        X : list, Series, array or PackedTexts of n_samples str
            Texts.
        """
        return self.transform(X) @ self.coef_.T

    def predict_proba(self, X) -> np.ndarray:
        """Compute class probabilities, the softmax of the logits: (n_samples, n_classes), float64."""
        return softmax(self.predict_logits(X).astype(np.float64), axis=1)

    def predict_log_proba(self, X) -> np.ndarray:
        """Compute log-probabilities from the logits, finite where probabilities saturate."""
        return log_softmax(self.predict_logits(X).astype(np.float64), axis=1)

    def decision_function(self, X) -> np.ndarray:
        """Compute the logits; for two classes their difference, positive for the second: (n_samples,)."""
        logits = self.predict_logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

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
        from ..training._bag_loops import mean_rows

        check_is_fitted(self)
        texts = self._validate(X, reset=False)
        out = np.empty((len(texts), self.embeddings_.shape[1]), dtype=np.float32)
        for start in range(0, len(texts), _SCORED_TEXTS):
            ngrams = self._index.find(texts[start : start + _SCORED_TEXTS])
            mean_rows(*ngrams, self.embeddings_, out[start : start + _SCORED_TEXTS])
        return out

    def save(self, path) -> None:
        """Write the fitted classifier to one file: arrays as safetensors, the rest as JSON in its header.

        Parameters
        ----------
        path : str or path-like
            File to write, by custom ``.safetensors``; replaced in one step.
        """
        check_is_fitted(self)
        save_classifier(self, path)

    @classmethod
    def load(cls, path, *, device: str = "auto"):
        """Read a classifier written by `save`; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
            File to read.
        device : str, default="auto"
            Where another `fit` would train; scores are computed on the CPU.

        Returns
        -------
        estimator : BagOfNgramsClassifier
            Fitted; without `history_`.

        Raises
        ------
        ValueError
            For a file that is no saved classifier, or one of another class.
        """
        return load_classifier(cls, path, device=device)

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
        self._n_features_out = self.embeddings_.shape[1]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embeddings_")


class _OneByOne:
    """Trains on one text after the other, on a CPU."""

    def __init__(
        self, ngrams: Ngrams, y: np.ndarray, weights: np.ndarray, inputs: np.ndarray, outputs: np.ndarray
    ):
        self._texts = (ngrams.ids, ngrams.bounds, np.ascontiguousarray(y, dtype=np.int64), weights)
        self._model = inputs, outputs
        self._right = np.zeros(len(y), dtype=bool)
        self._was_right = np.zeros(len(y), dtype=bool)
        self._events = np.zeros(len(y), dtype=np.int64)

    def epoch(self, order: np.ndarray, rates: np.ndarray) -> tuple[float, float]:
        from ..training._bag_loops import train_texts

        loss = 0.0
        states = self._right, self._was_right, self._events
        for start, stop in _spans(len(order), _UPDATES):
            loss += train_texts(order[start:stop], *self._texts, rates[start:stop], *self._model, *states)
        return loss / len(order), float(self._right.mean())

    def events(self) -> np.ndarray:
        return np.where(self._was_right, self._events, np.inf)

    def model(self) -> tuple[np.ndarray, np.ndarray]:
        return self._model


class _InBatches:
    """Trains on batches of texts, on any device."""

    def __init__(
        self,
        ngrams: Ngrams,
        y: np.ndarray,
        weights: np.ndarray,
        inputs: np.ndarray,
        outputs: np.ndarray,
        device: torch.device,
        batch_size: int,
    ):
        from ..training._bag_batches import BagBatches

        y = np.ascontiguousarray(y, dtype=np.int64)
        self._batches = BagBatches(ngrams.ids, ngrams.bounds, y, weights, inputs, outputs, device)
        self._batch_size = batch_size
        self._counter = ForgettingCounter(len(y))

    def epoch(self, order: np.ndarray, rates: np.ndarray) -> tuple[float, float]:
        steps = [
            self._batches.step(order[start:stop], rates[start:stop])
            for start, stop in _spans(len(order), self._batch_size)
        ]
        # Read when the epoch is over: a look at each batch would wait for the device.
        right = torch.cat([right for right, _ in steps]).cpu().numpy()
        loss = float(torch.stack([loss for _, loss in steps]).double().sum())
        self._counter.update(order, right)
        return loss / len(order), float(right.mean())

    def events(self) -> np.ndarray:
        return self._counter.events()

    def model(self) -> tuple[np.ndarray, np.ndarray]:
        return self._batches.model()


def _spans(n: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, size):
        yield start, min(start + size, n)
