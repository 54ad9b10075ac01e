"""Features for the start of active learning, made without any label: of pixels or of words."""

from typing import Any

_SIDE, _BLOCK = 8, 1000
_N_WORDS, _N_TOPICS = 20_000, 50


def start_features(X: Any, start: str) -> Any:
    """Return features of images or texts that a clustered start can read; None where the start reads none.

    Parameters
    ----------
    X : rows
        Images, as an array or lazy, flat rows, or texts.
    start : str
        As given in the option.

    Returns
    -------
    ndarray of shape (n_rows, n_features) or None
        Means of the pixels in at most 8 x 8 fields for each channel, or 50 components of
        the words of texts, weighted by TF-IDF.
    """
    if start == "random" or (start != "clustered" and not _strategy(start).requires):
        return None
    return _of_texts(X) if _holds_texts(X) else _of_images(X)


def _strategy(start: str) -> Any:
    from ..strategies import named_strategy, resolve_strategy, strategy_names

    reading_rows = [
        name for name in strategy_names() if {*resolve_strategy(name).requires} <= {"features", "inputs"}
    ]
    if start.partition(":")[0] not in strategy_names():
        raise ValueError(f"--start must be one of {', '.join(['clustered', *reading_rows])}, got {start!r}.")
    try:
        return named_strategy(start)
    except ValueError as error:
        raise ValueError(str(error).replace("strategy=", "--start ", 1)) from error


def _holds_texts(X: Any) -> bool:
    return isinstance(X[0], str)


def _of_texts(X: Any) -> Any:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        words = TfidfVectorizer(max_features=_N_WORDS, sublinear_tf=True).fit_transform(X)
    except ValueError as error:
        raise ValueError(f"--start needs words in the texts: {error}") from error
    n_topics = min(_N_TOPICS, words.shape[1] - 1)
    return words.toarray() if n_topics < 2 else TruncatedSVD(n_topics, random_state=0).fit_transform(words)


def _of_images(X: Any) -> Any:
    import numpy as np

    blocks = []
    for begin in range(0, len(X), _BLOCK):
        pixels: Any = np.asarray(X[begin : begin + _BLOCK], dtype=np.float32)
        if pixels.ndim > 2:
            for axis in (1, 2):
                # The first field of each line begins at 0, and fields differ by one pixel at most.
                n_pixels = pixels.shape[axis]
                starts = np.arange(min(_SIDE, n_pixels)) * n_pixels // min(_SIDE, n_pixels)
                sizes = np.diff([*starts, n_pixels])
                sums = np.add.reduceat(pixels, starts, axis=axis)
                pixels = sums / sizes.reshape([-1 if one == axis else 1 for one in range(pixels.ndim)])
        blocks.append(pixels.reshape(len(pixels), -1))
    return np.concatenate(blocks)
