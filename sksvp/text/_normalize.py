"""The normal form in which fastText's authors feed it with reviews."""

import re

_SPACES = re.compile(rb"  +")


def normalize(text: str) -> str:
    """Separate words from punctuation, as fastText's published script does.

    In order: ASCII letters are lower-cased (other capitals stay), ``'`` gets
    spaces around it, ``"`` is deleted, ``.`` gets spaces, ``<br />`` becomes a
    space, ``,`` ``(`` ``)`` ``!`` ``?`` get spaces, ``;`` and ``:`` become
    spaces, and runs of spaces become one.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

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
    """Do the same to UTF-8; no character but the ASCII ones has an ASCII byte in it."""
    text = text.lower()  # of bytes: A to Z alone
    text = text.replace(b"'", b" ' ").replace(b'"', b"").replace(b".", b" . ").replace(b"<br />", b" ")
    for mark in (b",", b"(", b")", b"!", b"?"):
        text = text.replace(mark, b" " + mark + b" ")
    text = text.replace(b";", b" ").replace(b":", b" ")
    return _SPACES.sub(b" ", text)
