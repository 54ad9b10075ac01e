"""The normal form of reviews that fastText's authors use."""

import re

_SPACES = re.compile(rb"  +")


def normalize(text: str) -> str:
    """Separate words from punctuation, as fastText's published script does.

    The steps are, in this order: ASCII letters are lower-cased (other capitals
    stay), ``'`` gets spaces around it, ``"`` is deleted, ``.`` gets spaces,
    ``<br />`` becomes a space, ``,`` ``(`` ``)`` ``!`` ``?`` get spaces, ``;`` and
    ``:`` become spaces, and runs of spaces become one.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    str
        The normal form.

    References
    ----------
    A. Joulin et al., "Bag of tricks for efficient text classification", EACL 2017.

    Examples
    --------
    >>> from sksvp.text import normalize
    >>> normalize('Don\\'t: "GREAT"<br />movie!')
    "don ' t great movie ! "
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}.")
    return normalize_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def normalize_bytes(text: bytes) -> bytes:
    """Normalize UTF-8 bytes; non-ASCII characters contain no ASCII byte and stay as they are."""
    text = text.lower()  # bytes.lower changes A to Z only
    text = text.replace(b"'", b" ' ").replace(b'"', b"").replace(b".", b" . ").replace(b"<br />", b" ")
    for mark in (b",", b"(", b")", b"!", b"?"):
        text = text.replace(mark, b" " + mark + b" ")
    text = text.replace(b";", b" ").replace(b":", b" ")
    return _SPACES.sub(b" ", text)
