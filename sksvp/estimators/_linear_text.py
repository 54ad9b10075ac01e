"""What the linear models of texts share."""

from .._inputs._parameters import RealNumber, WholeNumber
from ._classifier import LARGEST, MOST_EPOCHS, Classifier
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
        "dim": [WholeNumber(1, LARGEST)],
        "word_ngrams": [WholeNumber(1, 100)],
        "bucket": [WholeNumber(1, LARGEST)],
        "min_count": [WholeNumber(1, LARGEST)],
        "max_epochs": [WholeNumber(1, MOST_EPOCHS)],
        "lr": [RealNumber(0, None, closed="neither")],
        "normalize": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }
