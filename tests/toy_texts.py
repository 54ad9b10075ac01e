"""Small sets of made-up texts that every classifier of texts can learn."""

import numpy as np
from sklearn.utils.validation import validate_data

_TOPICS = {
    "food": "bread cheese soup apple butter salt pepper kitchen",
    "sport": "goal match player ball stadium coach league score",
    "sky": "star planet orbit moon comet telescope cloud sun",
}


def toy_texts(n: int, n_classes: int = 3, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Draw texts of 6 to 12 words, most of them from the vocabulary of their class, and str labels."""
    rng = np.random.RandomState(seed)
    names = sorted(_TOPICS)[:n_classes]
    y = np.array(names)[np.arange(n) % n_classes]
    texts = []
    for label in y:
        words = rng.choice(_TOPICS[label].split(), rng.randint(6, 13))
        common = rng.choice(["the", "a", "of", "and"], len(words))
        texts.append(" ".join(f"{a} {b}" for a, b in zip(common, words, strict=True)).capitalize() + ".")
    return texts, y


class NumbersAsTexts:
    """Mixin that lets a classifier of texts take numbers, a word for each, so that scikit-learn's checks can feed it.

    The checks know two-dimensional numbers only: on an estimator for texts they
    would run no more than its `clone`. What is checked is all but X itself: y,
    states, idempotence, order of rows, pickles, errors.
    """

    def _validate(self, X, *, reset):
        X = validate_data(self, X, reset=reset)
        names = [chr(97 + k % 26) * 2 for k in range(X.shape[1])]
        words = np.char.add(names, np.floor(X * 2).astype(int).astype(str))
        return super()._validate([" ".join(row) for row in words], reset=reset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = False
        tags.input_tags.two_d_array = True
        return tags
