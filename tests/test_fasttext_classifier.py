"""FastTextClassifier: the program must give the same model for the same seed, and take any text for text."""

import os
import pickle
import subprocess
import sys
import time
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from toy_texts import NumbersAsTexts, toy_texts

from sksvp._clock import Clock
from sksvp.estimators import BagOfNgramsClassifier, FastTextClassifier, _fasttext
from sksvp.text import PackedTexts

pytestmark = pytest.mark.skipif(find_spec("fasttext") is None, reason="fasttext is not installed")


def fast(**params):
    # Larger embeddings, so that the matrix of n-grams that must be zeroed has few buckets.
    small = {"dim": 50, "bucket": 1000, "max_epochs": 20, "lr": 0.5, "random_state": 0}
    return FastTextClassifier(**{**small, **params})


both = pytest.mark.parametrize("word_ngrams", [1, 2])


@pytest.fixture(scope="module")
def texts():
    return toy_texts(120)


@pytest.fixture(scope="module", params=[1, 2], ids=["words", "bigrams"])
def fitted(request, texts):
    return fast(word_ngrams=request.param).fit(*texts)


class OnNumbers(NumbersAsTexts, FastTextClassifier):
    """FastTextClassifier as scikit-learn's checks can feed it."""


@parametrize_with_checks([OnNumbers(word_ngrams=1, max_epochs=60, lr=0.5)])
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_tags():
    tags = get_tags(FastTextClassifier()).input_tags
    assert (tags.string, tags.two_d_array) == (True, False)


def leave_garbage_in_memory() -> None:
    for size in (100, 1_000, 10_000, 100_000, 400_000):
        [np.full(size, np.nan, dtype=np.float32) for _ in range(8)]


def test_same_seed_same_model(fitted, texts):
    expected = fitted.model_.get_input_matrix()
    for _ in range(3):
        leave_garbage_in_memory()
        model = clone(fitted).fit(*texts)
        np.testing.assert_array_equal(model.model_.get_input_matrix(), expected)
        np.testing.assert_array_equal(model.model_.get_output_matrix(), fitted.model_.get_output_matrix())
    other = clone(fitted).set_params(random_state=1).fit(*texts)
    assert not np.array_equal(other.model_.get_input_matrix(), expected)


def test_same_model_in_a_fresh_process(texts):
    code = (
        "from test_fasttext_classifier import fast, toy_texts\n"
        "for n in (1, 2):\n"
        "    model = fast(word_ngrams=n).fit(*toy_texts(120))\n"
        "    print(model.predict_proba(toy_texts(3)[0]).tobytes().hex())"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=__file__.rpartition("/")[0]
    )
    expected = [fast(word_ngrams=n).fit(*texts).predict_proba(toy_texts(3)[0]) for n in (1, 2)]
    assert found.stdout.split() == [probabilities.tobytes().hex() for probabilities in expected]


def test_seconds_of_the_program_count(texts):
    before = time.process_time()
    with Clock() as clock:
        fast().fit(*texts)
    # The program alone takes longer: it imports numpy, and begins with a matrix of 33 MiB.
    assert clock.cpu > 0.05 + time.process_time() - before


def test_fit_score_transform(fitted, texts):
    X, y = texts
    assert fitted.classes_.tolist() == ["food", "sky", "sport"]
    assert fitted.score(X, y) == 1
    assert fitted.score(*toy_texts(60, seed=1)) == 1
    probabilities = fitted.predict_proba(X)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    features = fitted.transform(X)
    assert features.shape == (120, 50) == (120, len(fitted.get_feature_names_out()))
    # The program's softmax of its linear layer; its rows follow its own order of the labels.
    logits = features @ fitted.model_.get_output_matrix().T
    order = [int(label[1:]) for label in fitted.model_.get_labels()]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities[:, order], expected, atol=1e-4)


def test_every_word_has_a_drawn_embedding(texts):
    model = fast(word_ngrams=1, max_epochs=1, lr=1e-12).fit(*texts)
    matrix = model.model_.get_input_matrix()
    assert (
        len(matrix)
        == len({word for text in texts[0] for word in text.lower().replace(".", " . ").split()}) + 1
    )
    assert 0 < np.abs(matrix).max() <= 1 / 50 + 1e-6
    assert (matrix.std(axis=1) > 0.3 / 50).all()


def test_it_agrees_with_the_bag_of_ngrams(texts):
    X, _ = texts
    other = BagOfNgramsClassifier(50, max_epochs=20, lr=0.5, device="cpu", random_state=0).fit(*texts)
    ours = fast().fit(*texts).predict_proba(X)
    assert np.abs(ours - other.predict_proba(X)).max() < 0.05


@pytest.mark.parametrize("container", [tuple, np.array, pd.Series, PackedTexts])
def test_containers_give_the_same_model(container, texts):
    X, y = texts
    expected = fast(word_ngrams=1).fit(X, y).predict_proba(X)
    other = fast(word_ngrams=1).fit(container(X), pd.Series(y))
    np.testing.assert_array_equal(other.predict_proba(container(X)), expected)


def test_pickle_save_and_load(texts, tmp_path):
    X, y = texts
    fitted = fast(word_ngrams=1).fit(X, y)
    expected = fitted.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)
    fitted.save(tmp_path / "model.safetensors")
    loaded = FastTextClassifier.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    assert loaded.get_params() == fitted.get_params()
    assert pickle.loads(pickle.dumps(fast())).get_params() == fast().get_params()


@both
@pytest.mark.parametrize(
    "strange",
    [
        "",
        "x",
        "日本語",
        "😀" * 200,
        "a\0b",
        "\ud800",
        "word " * 200_000,
        "\n\t",
        "\x020 \x021",
        "a </s> b",
        "__label__7",
    ],
    ids=["empty", "one", "japanese", "emoji", "nul", "surrogate", "1 MB", "blank", "labels", "end", "label"],
)
def test_strange_texts(strange, word_ngrams):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fast(word_ngrams=word_ngrams, max_epochs=2).fit([strange, "a", "b"], ["x", "y", "x"])
    assert sorted(model.model_.get_labels()) == ["\x020", "\x021"]
    assert np.isfinite(model.predict_proba([strange, "", "unknown"])).all()


def test_line_breaks_and_end_marks_are_text(texts):
    model = fast(word_ngrams=1).fit(*texts)
    plain = model.transform(["bread cheese soup"])
    np.testing.assert_allclose(model.transform(["bread\ncheese\nsoup"]), plain)
    # An end mark inside would cut the line.
    np.testing.assert_allclose(model.transform(["bread </s> cheese soup"]), plain)


def test_seeds_that_cannot_fix_the_model(texts, monkeypatch):
    with pytest.warns(UserWarning, match="n_jobs=2"):
        fast(n_jobs=2).fit(*texts)
    monkeypatch.setattr(_fasttext.platform, "libc_ver", lambda: ("", ""))
    with pytest.warns(UserWarning, match="n-grams"):
        fast().fit(*texts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast(word_ngrams=1).fit(*texts)
        fast(n_jobs=2, random_state=None).fit(*texts)


_FIT_WITH_GARBAGE = """
import numpy as np
from sksvp.estimators import FastTextClassifier

# Holes of every size in a heap of garbage, as a long session leaves them.
held = [np.full(size, np.nan, np.float32) for size in (10, 1_000, 100_000, 4_000_000, 7_000_000) for _ in range(9)]
del held[::2]
texts = ["good fine great", "bad awful poor", "good great", "poor bad"] * 6
model = FastTextClassifier(dim=60, bucket=1000, max_epochs=8, lr=0.5, random_state=0).fit(texts, [1, 0, 1, 0] * 6)
print(model.transform(texts[:4]).tobytes().hex())
"""


@pytest.mark.slow
def test_garbage_in_memory_does_not_reach_the_model():
    # glibc fills memory with a pattern where this variable asks for it.
    told = {
        subprocess.run(
            [sys.executable, "-c", _FIT_WITH_GARBAGE],
            env={**os.environ, **extra},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for extra in ({}, {"MALLOC_PERTURB_": "165"})
    }
    assert len(told) == 1 and "".join(told).strip()


def test_divergence_is_told(texts):
    with pytest.raises(ValueError, match="lower lr"):
        fast(lr=1e20, word_ngrams=1).fit(*texts)


def test_without_the_package(monkeypatch, texts):
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(ImportError, match="pip install fasttext"):
        fast().fit(*texts)


def test_numbers_of_numpy_are_numbers(texts):
    model = fast(dim=np.int64(8), lr=np.float32(0.5), max_epochs=np.int64(2), word_ngrams=1).fit(*texts)
    assert model.transform(texts[0][:2]).shape == (2, 8)


@pytest.mark.parametrize("loss", ["hs", "ns"])
def test_other_losses(loss, texts):
    assert fast(loss=loss, word_ngrams=1, max_epochs=60).fit(*texts).score(*texts) > 0.9


def test_grid_search(texts):
    grid = GridSearchCV(fast(max_epochs=5, word_ngrams=1), {"dim": [4, 8]}, cv=2)
    assert grid.fit(*texts).best_score_ > 0.5


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (["a", None], ValueError, "row 1 is None"),
        (["a", b"b"], TypeError, "row 1 is of type bytes"),
        ("ab", TypeError, "single"),
    ],
)
def test_wrong_texts(X, error, message):
    with pytest.raises(error, match=message):
        fast().fit(X, [0, 1])


@pytest.mark.parametrize("params", [{"dim": 0}, {"min_n": 3, "max_n": 2}, {"loss": "ova"}, {"n_jobs": 0}])
def test_wrong_parameters(params, texts):
    with pytest.raises(ValueError, match=next(iter(params))):
        fast(**params).fit(*texts)
    with pytest.raises(NotFittedError):
        fast().predict(texts[0])
