"""Facebook's fastText program as a scikit-learn classifier."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from .._inputs._parameters import WholeNumber
from ..text import normalize
from ._fasttext_program import DIVERGED
from ._linear_text import LinearTextClassifier

# Begins the labels in the program's file; taken out of the texts, where it would make labels of words.
_LABEL = "\x02"
# The program does not initialise its matrix. In a fresh process memory above this size comes from the system,
# and is zero.
_ZEROED_BYTES = 33 << 20
_PROGRAM = Path(__file__).with_name("_fasttext_program.py")
# Settings of the C library under which it would come from elsewhere.
_OF_MALLOC = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")


@dataclass(frozen=True)
class FastTextFormat:
    """How texts are read: whether they are normalized."""

    normalize: bool


class FastTextClassifier(LinearTextClassifier):
    """The fastText program as a classifier.

    It uses the ``fasttext`` package [1]_ (``pip install fasttext``), by default with the
    settings of [2]_ for the Amazon reviews. Line breaks and words that look like
    labels are read as text. The program gives probabilities from 0.00001 to 1.00001;
    here they are clipped and sum to one.

    Parameters
    ----------
    min_n, max_n : int, default=0
        Shortest and longest n-gram of characters; there are none if `max_n` is 0.
    bucket : int, default=10_000_000
        Number of different hashes of n-grams. Each takes 4 * `dim` bytes. If that is
        less than 33 MiB in total, more buckets are used, see Notes.
    loss : {"softmax", "hs", "ns"}, default="softmax"
        "hs" is a hierarchical softmax for many classes, "ns" negative sampling.
    n_jobs : int, default=1
        Number of threads of the program. With more than one the model differs from
        run to run, whatever the seed, because the threads overwrite each other's updates.
    verbose : int, default=0
        Shows the program's own progress on stderr where positive.

    Attributes
    ----------
    model_ : fasttext.FastText._FastText
        The trained model; its labels are the character 2 and a number.
    format_ : FastTextFormat
        How texts are read.

    See Also
    --------
    BagOfNgramsClassifier : The same model, with forgetting events, on a GPU where there is one.

    Notes
    -----
    Version 0.9.3 of the program fills a tenth of its embeddings with random numbers
    and does not initialise the others, so the same seed may give another model, or
    NaN. This class gives the same model for the same seed. Without n-grams it writes
    the first embeddings to a file that the program reads. With n-grams it trains in a
    new process and adds buckets until the operating system returns zeroed memory for
    the matrix. This holds for glibc on Linux; elsewhere a warning is raised.

    References
    ----------
    .. [1] A. Joulin, E. Grave, P. Bojanowski and T. Mikolov, "Bag of tricks for
       efficient text classification", EACL 2017.
    .. [2] C. Coleman et al., "Selection via proxy: efficient data selection for
       deep learning", ICLR 2020.

    Examples
    --------
    >>> from sksvp.estimators import FastTextClassifier
    >>> X = ["a fine film", "what a waste of time", "fine music", "a waste"]
    >>> y = ["good", "bad", "good", "bad"]
    >>> model = FastTextClassifier(lr=0.5, max_epochs=100, random_state=0)
    >>> model.fit(X, y).predict(["a fine story"]).tolist()  # doctest: +SKIP
    ['good']
    """

    _parameter_constraints: dict = {
        **LinearTextClassifier._parameter_constraints,
        "min_n": [WholeNumber(0, 100)],
        "max_n": [WholeNumber(0, 100)],
        "loss": [StrOptions({"softmax", "hs", "ns"})],
        "n_jobs": [WholeNumber(1, 1000)],
    }

    _format_type = FastTextFormat

    def __init__(
        self,
        dim: int = 10,
        *,
        word_ngrams: int = 2,
        min_n: int = 0,
        max_n: int = 0,
        bucket: int = 10_000_000,
        min_count: int = 1,
        max_epochs: int = 5,
        lr: float = 0.05,
        loss: str = "softmax",
        normalize: bool = True,
        n_jobs: int = 1,
        random_state=None,
        verbose: int = 0,
    ):
        self._keep(locals())

    def check_params(self) -> None:
        """Check the parameters and the package, as `fit` does before it reads the data.

        Raises
        ------
        ValueError
            If a parameter is invalid. The message names it.
        ImportError
            Where the package is not installed.
        """
        self._validate_params()
        if self.min_n > self.max_n:
            raise ValueError(f"min_n must not be above max_n, got {self.min_n!r} and {self.max_n!r}.")
        _import_fasttext()

    def fit(self, X, y):
        """Train the model.

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
            different length, a target that is not a single label a row, or a
            training that diverges.
        ImportError
            Where the package is not installed.

        Warns
        -----
        UserWarning
            Where a seed is set that cannot fix the model.
        """
        self.check_params()
        self.__dict__.pop("model_", None)
        texts, y = self._check_training(X, y, reset=True)
        encoded = self._learn_classes(y)
        self._warn_of_chance()
        random_state = check_random_state(self.random_state)
        seed = int(random_state.randint(2**31 - 1))
        self.format_ = FastTextFormat(bool(self.normalize))
        options = self._options()
        with tempfile.TemporaryDirectory(prefix="sksvp-fasttext-") as scratch:
            lines, vectors = Path(scratch) / "lines.txt", Path(scratch) / "words.vec"
            words = self._write_lines(lines, texts, encoded, random_state)
            if options["bucket"] == 0:
                self._write_vectors(vectors, words, random_state)
                options["pretrainedVectors"] = str(vectors)
            self.model_ = self._run_program({"input": str(lines), "seed": seed, **options}, Path(scratch))
        self._n_features_out = self.dim
        return self

    def _run_program(self, options: dict[str, Any], scratch: Path):
        """Train in a new process, in which memory that the program does not initialise is zero."""
        model = scratch / "model.bin"
        settings = {name: value for name, value in os.environ.items() if not name.startswith(_OF_MALLOC)}
        settings["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        command = [
            sys.executable,
            "-P",
            str(_PROGRAM),
            json.dumps(options, default=np.generic.item),
            str(model),
        ]
        code = subprocess.run(command, env=settings, check=False).returncode
        if code == DIVERGED:
            raise ValueError(f"The training of {type(self).__name__} diverged: lower lr={self.lr!r}.")
        if code:
            raise ChildProcessError(
                f"The fastText program ended with the exit code {code}; what it said is on stderr. Out of memory? "
                f"Its matrix takes {4 * self.dim * options['bucket'] / 2**20:,.0f} MiB."
            )
        return _read_model(model)

    def _warn_of_chance(self) -> None:
        if self.random_state is None:
            return
        if self.n_jobs > 1:
            warnings.warn(
                f"n_jobs={self.n_jobs}: fastText's threads write into each other's updates, so that "
                "random_state does not fix the model. Take n_jobs=1, or BagOfNgramsClassifier.",
                UserWarning,
                stacklevel=3,
            )
        elif self._has_ngrams() and platform.libc_ver()[0] != "glibc":
            warnings.warn(
                "fastText does not initialise the embeddings of n-grams, and on this system random_state "
                "cannot fix the model with them. Take word_ngrams=1 and max_n=0, or BagOfNgramsClassifier.",
                UserWarning,
                stacklevel=3,
            )

    def _has_ngrams(self) -> bool:
        return self.word_ngrams > 1 or self.max_n > 0

    def _options(self) -> dict[str, Any]:
        """Return the program's options, by its own names."""
        zeroed = -(-_ZEROED_BYTES // (4 * self.dim))
        return {
            "dim": self.dim,
            "wordNgrams": self.word_ngrams,
            "minn": self.min_n,
            "maxn": self.max_n,
            "bucket": max(self.bucket, zeroed) if self._has_ngrams() else 0,
            "minCount": self.min_count,
            "epoch": self.max_epochs,
            "lr": self.lr,
            "loss": self.loss,
            "thread": self.n_jobs,
            "label": _LABEL,
            "verbose": 2 if self.verbose > 0 else 0,
        }

    def _write_lines(
        self, path: Path, texts, y: np.ndarray, random_state: np.random.RandomState
    ) -> Counter[bytes]:
        """Write one line per text, in random order, and count the words."""
        words: Counter[bytes] = Counter()
        with open(path, "wb") as file:
            for row in random_state.permutation(len(y)):
                line = self._line(texts[row]).encode()
                file.write(f"{_LABEL}{y[row]} ".encode() + line)
                if not self._has_ngrams():
                    words.update(line.replace(b"\0", b" ").split())
        words[b"</s>"] = len(y)
        return words

    def _write_vectors(self, path: Path, words: Counter[bytes], random_state: np.random.RandomState) -> None:
        """Write a random first embedding for every word, as the program would draw it."""
        kept = [word for word, count in words.items() if count >= self.min_count]
        values = np.array([f"{value:.6f}" for value in np.linspace(-1, 1, 4096) / self.dim], dtype=object)
        with open(path, "wb") as file:
            file.write(f"{len(kept)} {self.dim}\n".encode())
            for word in kept:
                drawn = values[random_state.randint(len(values), size=self.dim)]
                file.write(word + b" " + " ".join(drawn).encode() + b"\n")

    def _line(self, text: str) -> str:
        """Return one line for the program, without line breaks, labels or the mark of its end."""
        if self.format_.normalize:
            text = normalize(text)
        text = text.replace("\n", " ").replace(_LABEL, " ").replace("</s>", "</S>")
        # Half of a surrogate pair is no character.
        return text.encode("utf-8", "replace").decode() + "\n"

    def predict_proba(self, X) -> np.ndarray:
        """Compute class probabilities.

        Parameters
        ----------
        X : list, Series, array or PackedTexts of n_samples str
            Texts.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float64
            The program adds 0.00001 and clips, so the most certain texts tie.
        """
        check_is_fitted(self)
        texts = self._validate(X, reset=False)
        n_classes = len(self.classes_)
        out = np.zeros((len(texts), n_classes))
        for row, text in enumerate(texts):
            for probability, label in self.model_.f.predict(self._line(text), n_classes, 0.0, "strict"):
                out[row, int(label[len(_LABEL) :])] = probability
        np.clip(out, 0.0, 1.0, out=out)
        total = out.sum(axis=1, keepdims=True)
        # A text without a known word has no class; all classes are then equally probable.
        return np.divide(out, total, out=np.full_like(out, 1 / n_classes), where=total > 0)

    def predict_log_proba(self, X) -> np.ndarray:
        """Compute log-probabilities, (n_samples, n_classes) float64.

        Parameters
        ----------
        X : list, Series, array or PackedTexts of n_samples str
            Texts.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float64
            Logarithms of the class probabilities.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X) -> np.ndarray:
        """Name the most probable class of each text, shape (n_samples,).

        Parameters
        ----------
        X : list, Series, array or PackedTexts of n_samples str
            Texts.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels out of `classes_`.
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

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
        check_is_fitted(self)
        texts = self._validate(X, reset=False)
        dim = self.model_.get_dimension()
        vector = _import_fasttext().FastText.fasttext.Vector(dim)
        out = np.empty((len(texts), dim), dtype=np.float32)
        for row, text in enumerate(texts):
            self.model_.f.getSentenceVector(vector, self._line(text))
            out[row] = np.array(vector)
        return out

    def _weights(self) -> dict[str, torch.Tensor]:
        return {"model": torch.frombuffer(bytearray(_model_bytes(self.model_)), dtype=torch.uint8)}

    def _restore_network(self, form, weights: dict[str, torch.Tensor], *, device: str) -> None:
        self.format_ = form
        self.model_ = _model_from_bytes(weights["model"].numpy().tobytes())
        self._n_features_out = self.model_.get_dimension()

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "model_" in state:
            # The program's object cannot be pickled, but its file can.
            state["model_"] = _model_bytes(state["model_"])
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "model_" in state:
            self.model_ = _model_from_bytes(state["model_"])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")


def _import_fasttext():
    try:
        import fasttext
    except ImportError as error:
        raise ImportError(
            "FastTextClassifier needs the package fasttext, which is built with a C++ compiler: "
            "pip install fasttext. BagOfNgramsClassifier is the same model without it."
        ) from error
    return fasttext


def _model_bytes(model) -> bytes:
    with tempfile.TemporaryDirectory(prefix="sksvp-fasttext-") as scratch:
        path = Path(scratch) / "model.bin"
        model.save_model(str(path))
        return path.read_bytes()


def _model_from_bytes(content: bytes):
    with tempfile.TemporaryDirectory(prefix="sksvp-fasttext-") as scratch:
        path = Path(scratch) / "model.bin"
        path.write_bytes(content)
        return _read_model(path)


def _read_model(path: Path):
    # Unlike load_model, the class prints nothing.
    return _import_fasttext().FastText._FastText(model_path=str(path))
