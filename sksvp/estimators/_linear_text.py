"""What the linear models of texts share."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval

from ._classifier import Classifier
from ._text_input import TextInput


class LinearTextClassifier(TextInput, Classifier):
    """Base of the classifiers by averaged embeddings of words and n-grams.

    Parameters
    ----------
    dim : int
        Length of an embedding, and of the features.
    word_ngrams : int
        Longest n-gram of words; 1 for words alone.
    min_count : int
        Words that come less often in the training texts are left out.
    max_epochs : int
        Passes over the texts.
    lr : float
        Learning rate of the first update; it falls to zero.
    normalize : bool
        Lower-case texts and set punctuation apart first, as
        `sksvp.text.normalize` does.
    random_state : int, RandomState instance or None
        First embeddings and order of the texts.
    """

    _parameter_constraints: dict = {
        "dim": [Interval(Integral, 1, None, closed="left")],
        "word_ngrams": [Interval(Integral, 1, None, closed="left")],
        "bucket": [Interval(Integral, 1, 2**31 - 1, closed="both")],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "normalize": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }
