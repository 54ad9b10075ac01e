"""Words and hashed n-grams against fastText's definition, written out word by word."""

import json
import pickle
import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sksvp.estimators import _fasttext_program
from sksvp.text import normalize
from sksvp.text._ngram_index import NgramIndex
from sksvp.text._ngram_loops import count_words

TEXT = st.text(st.sampled_from("abé 日\t\n\0\x0b\x1c'.,\ud800"), max_size=20)
TEXTS = st.lists(TEXT, max_size=8)


def words_of(text: str) -> list[str]:
    words = re.split("[ \t\n\v\f\r\0]+", text)
    return [word for word in words if word] + ["</s>"]


def word_hash(word: str) -> int:
    h = 2166136261
    for byte in word.encode("utf-8", "surrogatepass"):
        signed = byte - 256 if byte >= 128 else byte
        h = ((h ^ (signed % 2**32)) * 16777619) % 2**32
    return h - 2**32 if h >= 2**31 else h


def features_of(text: str, word_ngrams: int, n_buckets: int) -> list:
    """Words, then the buckets of all n-grams from two words on."""
    words = words_of(text)
    hashes = [word_hash(word) for word in words]
    buckets = []
    for i in range(len(words)):
        h = hashes[i] % 2**64
        for j in range(i + 1, min(len(words), i + word_ngrams)):
            h = (h * 116049371 + hashes[j]) % 2**64
            buckets.append(h % n_buckets)
    return words + buckets


def index_by_definition(texts, word_ngrams, n_buckets, min_count=1):
    features = [features_of(text, word_ngrams, n_buckets) for text in texts]
    counts: dict = {}
    for row in features:
        for feature in row:
            counts[feature] = counts.get(feature, 0) + 1
    rows: dict = {}
    ids = []
    for row in features:
        kept = [f for f in row if isinstance(f, int) or counts[f] >= min_count]
        ids.append([rows.setdefault(feature, len(rows)) for feature in kept])
    return rows, ids


def split(ngrams) -> list[list[int]]:
    return [ngrams.ids[a:b].tolist() for a, b in zip(ngrams.bounds[:-1], ngrams.bounds[1:], strict=True)]


@given(texts=TEXTS, word_ngrams=st.integers(1, 4), n_buckets=st.integers(1, 30), min_count=st.integers(1, 3))
def test_learning_follows_the_definition(texts, word_ngrams, n_buckets, min_count):
    index = NgramIndex(word_ngrams, n_buckets, min_count, normalize=False)
    ngrams = index.learn(texts)
    rows, ids = index_by_definition(texts, word_ngrams, n_buckets, min_count)
    assert split(ngrams) == ids
    assert ngrams.lengths.tolist() == [len(row) for row in ids]
    assert index.n_rows == len(rows)


@given(texts=TEXTS, others=TEXTS, word_ngrams=st.integers(1, 3), min_count=st.integers(1, 2))
def test_finding_leaves_out_what_is_unknown(texts, others, word_ngrams, min_count):
    index = NgramIndex(word_ngrams, 50, min_count, normalize=False)
    index.learn(texts)
    rows, _ = index_by_definition(texts, word_ngrams, 50, min_count)
    for one in (index, pickle.loads(pickle.dumps(index))):
        found = one.find(others)
        features = [features_of(text, word_ngrams, 50) for text in others]
        assert split(found) == [[rows[f] for f in row if f in rows] for row in features]
        # Unknown words are none; n-grams count whether known or not.
        known = [[f for f in row if isinstance(f, int) or f in rows] for row in features]
        assert found.lengths.tolist() == [len(row) for row in known]
        assert one.n_rows == len(rows)


def test_many_blocks_and_a_growing_table():
    rng = np.random.RandomState(0)
    texts = [" ".join(f"w{k}" for k in rng.randint(0, 20_000, 8)) for _ in range(9_000)]
    index = NgramIndex(2, 1000, 1, normalize=False)
    rows, ids = index_by_definition(texts, 2, 1000)
    assert split(index.learn(texts)) == ids
    assert split(index.find(texts[::-1])) == ids[::-1]
    assert index.n_rows == len(rows)


@given(texts=TEXTS)
def test_normal_form_comes_first(texts):
    plain = [normalize(text.replace("\n", " ")) for text in texts]
    expected = NgramIndex(2, 50, 1, normalize=False).learn(plain)
    assert split(NgramIndex(2, 50, 1, normalize=True).learn(texts)) == split(expected)


def test_count_of_words():
    buffer = np.frombuffer(b"a bb\n\n  c\td \n", dtype=np.uint8)
    assert count_words(buffer) == 4 + 3


def test_a_text_of_10_mb():
    index = NgramIndex(2, 100, 1, normalize=True)
    ngrams = index.learn(["so good! " * 1_100_000, ""])
    assert ngrams.bounds.tolist() == [0, 2 * 3_300_001 - 1, 2 * 3_300_001]


def test_hashes_are_those_of_the_fasttext_package(tmp_path):
    """Buckets of n-grams show in the program's own numbers of a line's words and n-grams."""
    if find_spec("fasttext") is None:
        pytest.skip("fasttext is not installed")
    import fasttext

    texts = ["the café was fine", "日本 very very bad", "fine fine"]
    file = tmp_path / "train.txt"
    file.write_text("".join(f"__label__{k % 2} {text}\n" for k, text in enumerate(texts)), encoding="utf-8")
    # In a process of its own, as the program does not initialise its matrix: in this one it may hold NaN.
    options = {"input": str(file), "dim": 100, "bucket": 100_000, "wordNgrams": 2, "thread": 1, "epoch": 1}
    saved = str(tmp_path / "model.bin")
    subprocess.run([sys.executable, _fasttext_program.__file__, json.dumps(options), saved], check=True)
    model = fasttext.load_model(saved)
    words = model.get_words()
    matrix = model.get_input_matrix()
    for text in texts:
        known = words_of(text)
        buckets = features_of(text, 2, 100_000)[len(known) :]
        rows = [words.index(word) for word in known] + [len(words) + bucket for bucket in buckets]
        out = fasttext.FastText.fasttext.Vector(100)
        model.f.getSentenceVector(out, text + "\n")  # the mean of these rows
        np.testing.assert_allclose(np.array(out), matrix[rows].mean(axis=0), atol=1e-6)
