"""Texts as numbers and in normal form, against definitions written out character by character."""

import copy
import pickle
import re
import sys
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from sksvp._storage._fingerprint import fingerprint
from sksvp.text import PackedTexts, encode_characters, normalize
from sksvp.text._characters import CHARACTERS, N_CHARACTERS

# Any text, and texts full of what could go wrong: capitals, letters whose lower case is longer or in ASCII.
ANY_TEXT = st.text(st.characters(), max_size=40)
NASTY = st.text(st.sampled_from("aZ09 ^@\\\t\n\0İΣςßKÅ\u02c6'\"<br/>.;:,()!?é€😀\ud800"), max_size=40)
TEXTS = st.lists(ANY_TEXT | NASTY, max_size=8)


def encode_by_definition(text: str, length: int) -> list[int]:
    numbers = [CHARACTERS.find(character) + 2 or 1 for character in text.lower()]
    numbers = [number if number >= 2 else 1 for number in numbers][:length]
    return numbers + [0] * (length - len(numbers))


def normalize_by_definition(text: str) -> str:
    text = "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)
    text = "".join(" ' " if c == "'" else "" if c == '"' else " . " if c == "." else c for c in text)
    text = " ".join(text.split("<br />"))
    text = "".join(f" {c} " if c in ",()!?" else " " if c in ";:" else c for c in text)
    out = ""
    for c in text:
        if not (c == " " and out.endswith(" ")):
            out += c
    return out


def test_numbers_of_the_alphabet():
    expected = {
        "a": 2,
        "z": 27,
        "0": 28,
        "9": 37,
        "-": 38,
        "'": 45,
        '"': 46,
        "/": 47,
        "\u02c6": 53,
        "`": 57,
        " ": 68,
    }
    assert {c: int(encode_characters([c], 1)[0, 0]) for c in expected} == expected
    assert N_CHARACTERS == 69
    assert encode_characters(["^@\\\t\n"], 5).tolist() == [[1] * 5]


def test_every_character_alone():
    numbers = {character: number for number, character in enumerate(CHARACTERS, start=2)}
    characters = [chr(point) for point in range(sys.maxunicode + 1)]
    first = [numbers.get(character.lower()[0], 1) for character in characters]
    fast = encode_characters(characters, length=3)
    np.testing.assert_array_equal(fast[:, 0], first)
    second = [[1, 0] if len(character.lower()) == 2 else [0, 0] for character in characters]
    np.testing.assert_array_equal(fast[:, 1:], second)


def test_lower_case_never_shortens_a_text():
    lengths = {len(chr(point).lower()) for point in range(sys.maxunicode + 1)}
    assert lengths == {1, 2}
    assert [chr(p) for p in range(sys.maxunicode + 1) if len(chr(p).lower()) == 2] == ["İ"]


@given(texts=TEXTS, length=st.integers(1, 30))
def test_encoding_follows_the_definition(texts, length):
    expected = np.array([encode_by_definition(text, length) for text in texts]).reshape(-1, length)
    encoded = encode_characters(texts, length)
    assert encoded.dtype == np.uint8
    np.testing.assert_array_equal(encoded, expected)
    np.testing.assert_array_equal(encode_characters(PackedTexts(texts), length), expected)


@given(text=ANY_TEXT | NASTY)
def test_normal_form_follows_the_definition(text):
    assert normalize(text) == normalize_by_definition(text)


def test_many_blocks():
    texts = [f"Row {k} {'é' * (k % 3)}" for k in range(2500)]
    expected = [encode_by_definition(text, 12) for text in texts]
    np.testing.assert_array_equal(encode_characters(texts, 12), expected)


def test_a_cell_of_10_mb_costs_its_beginning_only():
    cell = "Ab. " * 2_500_000
    start = time.process_time()
    encoded = encode_characters([cell])
    assert time.process_time() - start < 0.5
    np.testing.assert_array_equal(encoded[0], encode_by_definition(cell[:1014], 1014))


@pytest.mark.parametrize(
    "container",
    [list, tuple, np.array, pd.Series, lambda t: pd.Series(t, dtype=object), pl.Series, PackedTexts],
)
def test_containers(container):
    texts = ["One", "", "zwei €", "x" * 40]
    np.testing.assert_array_equal(encode_characters(container(texts), 9), encode_characters(texts, 9))


def test_no_texts():
    assert encode_characters([]).shape == (0, 1014)


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        (["a", None], ValueError, "row 1 is None"),
        (["a", float("nan")], ValueError, "row 1 is nan"),
        (pd.Series(["a", None]), ValueError, "missing text: row 1"),
        (["a", b"b"], TypeError, r"row 1 is of type bytes; decode"),
        ([1, 2], TypeError, "row 0 is of type int"),
        (np.zeros(3), TypeError, "row 0 is of type float"),
        (["a", ["b"]], TypeError, "row 1 is of type list"),
        ("abc", TypeError, "single one"),
        (b"abc", TypeError, "single one"),
        (pd.DataFrame({"t": ["a"]}), ValueError, "column"),
        (np.array([["a"]]), ValueError, "shape"),
        ({"a": 1}, TypeError, "got dict"),
    ],
)
def test_what_is_no_text_is_refused(texts, error, message):
    with pytest.raises(error, match=message):
        encode_characters(texts)


@pytest.mark.parametrize(("length", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_bad_length(length, error):
    with pytest.raises(error, match="length"):
        encode_characters(["a"], length)


def test_normalize_wants_a_text():
    with pytest.raises(TypeError, match="bytes"):
        normalize(b"a")


# Packed texts -------------------------------------------------------------------------------


@given(texts=TEXTS)
def test_packed_texts_are_the_texts(texts):
    packed = PackedTexts(texts)
    assert list(packed) == texts
    assert packed.shape == (len(texts),)
    assert fingerprint(packed) == fingerprint(texts)
    view = packed[::-2]
    assert list(view) == texts[::-2]
    inner = view[1:]
    assert list(inner) == texts[::-2][1:]
    for one in (packed, view, inner, packed[:0]):
        assert list(pickle.loads(pickle.dumps(one))) == list(copy.copy(one)) == list(one)


def test_packed_texts_are_indexed_as_arrays_are():
    texts = ["a", "bb", "", "dd€"]
    packed = PackedTexts(texts)
    array = np.array(texts, dtype=object)
    for key in (slice(1, 3), [3, 0, 0], np.array([True, False, False, True]), np.array([-1])):
        assert list(packed[key]) == array[key].tolist()
        assert list(_safe_indexing(packed, key)) == array[key].tolist()
    assert packed[-1] == "dd€"
    np.testing.assert_array_equal(np.asarray(packed), array)
    assert (packed == array).all()
    assert "bb" in packed
    with pytest.raises(IndexError):
        packed[4]
    with pytest.raises(IndexError, match="one axis"):
        packed[0, 0]
    with pytest.raises(ValueError, match="copy"):
        np.array(packed, copy=False)
    assert re.search("4 texts, 8 bytes", repr(packed))


def test_a_view_is_pickled_without_the_rest():
    packed = PackedTexts(["x" * 100_000, "y"])
    assert len(pickle.dumps(packed[1:])) < 1000


def test_packed_texts_split():
    train, test = train_test_split(PackedTexts(list("abcdefgh")), random_state=0)
    assert isinstance(train, PackedTexts)
    assert sorted([*train, *test]) == list("abcdefgh")
