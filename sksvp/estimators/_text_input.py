"""What classifiers of texts share: which X they take, and what they tell scikit-learn of it."""

from typing import Any

from ..text import check_texts


class TextInput:
    """Mixin of classifiers whose X is one text a row."""

    def _validate(self, X, *, reset: bool) -> Any:
        """Check that X holds texts, at least one; `reset` is True in a training.

        Raises
        ------
        TypeError, ValueError
            For a single text, no text, missing texts or rows that are none.
        """
        texts = check_texts(X)
        if len(texts) == 0:
            raise ValueError(f"{type(self).__name__} needs texts: found 0 sample(s) in X.")
        return texts

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()  # type: ignore[misc]  # of scikit-learn's BaseEstimator
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
