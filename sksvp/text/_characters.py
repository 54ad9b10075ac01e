"""Characters of texts as small numbers, for networks that read characters."""

import numpy as np

from ._check import check_texts

# Number 0 is padding and 1 is any other character. The circumflex is U+02C6, as published, not that of ASCII.
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/|_#$%\u02c6&*~`+=<>()[]{} "
N_CHARACTERS = len(CHARACTERS) + 2

_UNKNOWN = 1
_PAD = 0xFFFFFFFF  # not a character
_KELVIN_SIGN = (
    0x212A  # its lower case is k; no other character outside A to Z has a lower case in the alphabet
)
_BLOCK_ROWS = 1024
_LONGEST = 1_000_000


def _make_table() -> np.ndarray:
    """Return the number of each character up to the Kelvin sign; the last entry is that of all others."""
    table = np.full(_KELVIN_SIGN + 2, _UNKNOWN, dtype=np.uint8)
    for number, character in enumerate(CHARACTERS, start=2):
        table[ord(character)] = number
        table[ord(character.upper())] = number
    table[_KELVIN_SIGN] = table[ord("k")]
    return table


_TABLE = _make_table()
# The table for ASCII texts, in which byte 128 is padding.
_ASCII_TABLE = bytes(_TABLE[:128]) + bytes(128)


def encode_characters(texts, length: int = 1014) -> np.ndarray:
    """Turn the first characters of texts into numbers.

    Texts are lower-cased. 0 is padding at the end and 1 an unknown character. 2
    to 68 are the characters of [1]_: a to z, digits, punctuation and the space.
    Line breaks, tabs, ``^``, ``@`` and the backslash are unknown.

    Parameters
    ----------
    texts : list, Series, array or PackedTexts of n str
        The texts. An empty text becomes all zeros.
    length : int, default=1014
        Number of characters to keep of each text, counted after lower-casing.

    Returns
    -------
    ndarray of shape (n, length), uint8
        The number of each character.

    Raises
    ------
    TypeError, ValueError
        If a row is not a text, or `length` is not a whole number of at least 1.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level convolutional
       networks for text classification", NIPS 2015.

    Examples
    --------
    >>> from sksvp.text import encode_characters
    >>> encode_characters(["Abc 1", "é"], length=6).tolist()
    [[2, 3, 4, 68, 29, 0], [1, 0, 0, 0, 0, 0]]
    """
    if isinstance(length, bool) or not isinstance(length, int | np.integer):
        raise TypeError(f"length must be a whole number, got {length!r}.")
    if not 1 <= length <= _LONGEST:
        raise ValueError(f"length must be from 1 to {_LONGEST:,}, got {length}.")
    texts = check_texts(texts, "texts")
    out = np.zeros((len(texts), length), dtype=np.uint8)
    for start in range(0, len(texts), _BLOCK_ROWS):
        _encode_block(texts[start : start + _BLOCK_ROWS], out[start : start + _BLOCK_ROWS])
    return out


def _encode_block(texts, out: np.ndarray) -> None:
    """Encode texts into the rows of `out`: ASCII texts byte by byte, others in UTF-32."""
    length = out.shape[1]
    plain: list[bytes] = []
    wide: list[bytes] = []
    is_plain = np.empty(len(texts), dtype=bool)
    for row, text in enumerate(texts):
        # Lower-casing never shortens a text, so later characters cannot move into the first ones.
        text = text[:length]
        is_plain[row] = text.isascii()
        if is_plain[row]:
            plain.append(text.encode().ljust(length, b"\x80"))
            continue
        if "İ" in text:
            # This is the only character whose lower case has two characters.
            text = text.replace("İ", "i\u0307")[:length]
        wide.append(text.encode("utf-32-le", "surrogatepass").ljust(4 * length, b"\xff"))
    if plain:
        codes = b"".join(plain).translate(_ASCII_TABLE)
        out[is_plain] = np.frombuffer(codes, dtype=np.uint8).reshape(-1, length)
    if wide:
        points = np.frombuffer(b"".join(wide), dtype="<u4").reshape(-1, length)
        numbers = _TABLE[np.minimum(points, len(_TABLE) - 1)]
        numbers[points == _PAD] = 0
        out[~is_plain] = numbers
