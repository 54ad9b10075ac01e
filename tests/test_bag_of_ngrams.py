"""BagOfNgramsClassifier against its definition, one text after the other."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from toy_texts import NumbersAsTexts, toy_texts

from sksvp.estimators import BagOfNgramsClassifier
from sksvp.strategies import ForgettingCounter, forgetting_events
from sksvp.text import PackedTexts
from sksvp.text._ngram_index import NgramIndex


def bag(**params):
    small = {"bucket": 1000, "max_epochs": 20, "lr": 0.5, "device": "cpu", "random_state": 0}
    return BagOfNgramsClassifier(**{**small, **params})


@pytest.fixture(scope="module")
def texts():
    return toy_texts(120)


@pytest.fixture(scope="module")
def fitted(texts):
    return bag().fit(*texts)


class OnNumbers(NumbersAsTexts, BagOfNgramsClassifier):
    """BagOfNgramsClassifier as scikit-learn's checks can feed it."""


@parametrize_with_checks([OnNumbers(word_ngrams=1, max_epochs=60, lr=0.5, device="cpu")])
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_tags():
    tags = get_tags(BagOfNgramsClassifier()).input_tags
    assert (tags.string, tags.two_d_array) == (True, False)


def train_by_definition(ngrams, y, weights, inputs, outputs, orders, lr):
    """Float64, with the gradient of the loss by the book; returns the model and who was right at each visit."""
    inputs, outputs = inputs.astype(float), outputs.astype(float)
    bags = [ngrams.ids[a:b] for a, b in zip(ngrams.bounds[:-1], ngrams.bounds[1:], strict=True)]
    total, read, visits = sum(map(len, bags)) * len(orders), 0, []
    for order in orders:
        visits.append(np.zeros(len(y), dtype=bool))
        for text in order:
            rows = bags[text]
            rate = lr * (1 - read / total) * weights[y[text]]
            read += len(rows)
            hidden = inputs[rows].mean(axis=0)
            logits = outputs @ hidden
            visits[-1][text] = all(logits[y[text]] > other for c, other in enumerate(logits) if c != y[text])
            p = np.exp(logits) / np.exp(logits).sum()
            d_logits = p - np.eye(len(outputs))[y[text]]
            d_hidden = d_logits @ outputs
            outputs -= rate * np.outer(d_logits, hidden)
            for row in rows:
                inputs[row] -= rate * d_hidden / len(rows)
    return inputs, outputs, visits


def test_training_follows_the_definition(texts, fitted):
    X, y = texts
    ngrams = NgramIndex(2, 1000, 1, normalize=True).learn(X)
    state = np.random.RandomState(0)
    generator = np.random.default_rng(state.randint(2**31, size=4))
    inputs = (generator.random((len(fitted.embeddings_), 10), dtype=np.float32) - 0.5) * np.float32(0.2)
    orders = [state.permutation(len(X)) for _ in range(20)]
    encoded = np.unique(y, return_inverse=True)[1]
    expected = train_by_definition(ngrams, encoded, np.ones(3), inputs, np.zeros((3, 10)), orders, 0.5)
    np.testing.assert_allclose(fitted.embeddings_, expected[0], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(fitted.coef_, expected[1], rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(fitted.records_["forgetting_events"], forgetting_events(expected[2]))
    assert fitted.history_[-1]["train_acc"] == expected[2][-1].mean()


def test_batches_of_one_are_the_compiled_loop(texts, fitted):
    from sksvp.training import _bag_trainer
    from sksvp.training._bag_visits import BagVisits

    X, y = texts
    ngrams = NgramIndex(2, 1000, 1, normalize=True).learn(X)
    encoded = np.unique(y, return_inverse=True)[1]
    rng = np.random.RandomState(0)
    inputs = rng.uniform(-0.1, 0.1, fitted.embeddings_.shape).astype(np.float32)
    weights = np.array([1, 2, 0.5], dtype=np.float32)
    results = []
    for make, extra in (
        (_bag_trainer._OneByOne, ()),
        (_bag_trainer.BagBatches, (torch.device("cpu"), 1)),
    ):
        outputs = np.zeros((3, 10), dtype=np.float32)
        counter = ForgettingCounter(len(X))
        visits = BagVisits({"forgetting_events": counter}, encoded)
        trainer = make(ngrams, encoded, weights, inputs.copy(), outputs, visits, *extra)
        losses = [trainer.epoch(np.arange(len(X)), np.full(len(X), 0.3, dtype=np.float32)) for _ in range(4)]
        results.append((*trainer.model(), counter.result(), np.array(losses)))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_batches_learn_as_well(texts):
    X, y = texts
    model = bag(batch_size=16).fit(X, y)
    assert model.score(*toy_texts(60, seed=1)) == 1
    again = bag(batch_size=16).fit(X, y)
    np.testing.assert_array_equal(model.embeddings_, again.embeddings_)
    np.testing.assert_array_equal(model.records_["forgetting_events"], again.records_["forgetting_events"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_follows_the_cpu(texts):
    X, y = texts
    here = bag(batch_size=8).fit(X, y)
    there, again = (bag(batch_size=8, device="cuda").fit(X, y) for _ in range(2))
    np.testing.assert_allclose(there.embeddings_, here.embeddings_, rtol=1e-2, atol=1e-3)
    np.testing.assert_array_equal(there.embeddings_, again.embeddings_)


def test_fit_score_transform(fitted, texts):
    X, y = texts
    assert fitted.score(X, y) == 1
    assert fitted.score(*toy_texts(60, seed=1)) == 1
    assert fitted.transform(X).shape == (120, 10) == (120, len(fitted.get_feature_names_out()))
    np.testing.assert_allclose(fitted.transform(X) @ fitted.coef_.T, fitted.predict_logits(X))
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), fitted.predict_proba(X))
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[fitted.predict_logits(X).argmax(axis=1)])


def test_unseen_ngrams_add_nothing(fitted):
    mean = fitted.transform(["bread apple"])[0]
    # Two words and the end; bigrams of words that never stood side by side have no row, or share a bucket.
    rows = fitted._index.find(["bread apple"])
    assert rows.lengths.tolist() == [5]
    np.testing.assert_allclose(mean, fitted.embeddings_[rows.ids].sum(axis=0) / 5, rtol=1e-5)


@pytest.mark.parametrize("container", [tuple, np.array, pd.Series, PackedTexts])
def test_containers_give_the_same_model(container, fitted, texts):
    X, y = texts
    other = bag().fit(container(X), pd.Series(y))
    np.testing.assert_array_equal(other.embeddings_, fitted.embeddings_)
    np.testing.assert_array_equal(other.predict_logits(container(X)), fitted.predict_logits(X))


def test_seeds(fitted, texts):
    X, y = texts
    assert not np.array_equal(bag(random_state=1).fit(X, y).embeddings_, fitted.embeddings_)
    np.testing.assert_array_equal(clone(fitted).fit(X, y).embeddings_, fitted.embeddings_)


def test_same_model_in_a_fresh_process(fitted):
    code = (
        "from test_bag_of_ngrams import bag, toy_texts; model = bag().fit(*toy_texts(120)); "
        'print(model.embeddings_.tobytes().hex()[:4000], model.records_["forgetting_events"].sum())'
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=__file__.rpartition("/")[0]
    )
    events = fitted.records_["forgetting_events"].sum()
    expected = f"{fitted.embeddings_.tobytes().hex()[:4000]} {events}"
    assert found.stdout.strip() == expected


def test_global_generators_are_left_alone(texts):
    torch.manual_seed(3)
    np.random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    bag(max_epochs=1).fit(*texts)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


def test_pickle_save_and_load(fitted, texts, tmp_path):
    X, _ = texts
    expected = fitted.predict_logits(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_logits(X), expected)
    fitted.save(tmp_path / "model.safetensors")
    loaded = BagOfNgramsClassifier.load(tmp_path / "model.safetensors", device="cpu")
    np.testing.assert_array_equal(loaded.predict_logits([*X, "unseen words"])[:-1], expected)
    np.testing.assert_array_equal(loaded.records_["forgetting_events"], fitted.records_["forgetting_events"])
    assert loaded.get_params() == fitted.get_params()


def test_a_loaded_model_does_not_read_its_file_again(fitted, texts, tmp_path):
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    loaded = BagOfNgramsClassifier.load(path, device="cpu")
    path.write_bytes(b"\0" * path.stat().st_size)
    np.testing.assert_array_equal(loaded.predict_logits(texts[0]), fitted.predict_logits(texts[0]))


def test_a_pickle_is_as_small_as_the_texts(fitted):
    big = bag(bucket=10_000_000, max_epochs=1).fit(["a b c", "d e f"], [0, 1])
    assert len(pickle.dumps(big)) < 10_000


def test_class_weight(texts):
    X, y = texts
    X, y = [*X, *[X[0]] * 40], np.append(y, [y[1]] * 40)  # one text, mostly with a wrong label
    assert bag().fit(X, y).predict(X[:1]) == y[1]
    weights = {str(y[0]): 100.0}
    assert bag(class_weight=weights, lr=0.05).fit(X, y).predict(X[:1]) == y[0]
    with pytest.raises(ValueError, match="class_weight names"):
        bag(class_weight={"war": 2.0}).fit(X, y)


def test_divergence_is_told(texts):
    with pytest.warns(ConvergenceWarning, match="Lower lr"):
        bag(lr=1e30).fit(*texts)


def test_grid_search(texts):
    grid = GridSearchCV(bag(max_epochs=2), {"word_ngrams": [1, 2], "dim": [4, 8]}, cv=2)
    assert grid.fit(*texts).best_score_ > 0.5


@pytest.mark.parametrize(
    "strange",
    ["", "x", "日本語", "😀" * 200, "a\0b", "\ud800", "word " * 2_000_000, "\n\t", "__label__1 </s>"],
    ids=["empty", "one", "japanese", "emoji", "nul", "surrogate", "10 MB", "blank", "labels"],
)
def test_strange_texts(strange, fitted):
    assert np.isfinite(fitted.predict_proba([strange])).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = bag(max_epochs=2, min_count=2).fit([strange, "a", "b"], [0, 1, 0])
    assert np.isfinite(model.predict_proba([strange, ""])).all()


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (["a", None], ValueError, "row 1 is None"),
        (["a", float("nan")], ValueError, "row 1 is nan"),
        (["a", b"b"], TypeError, "row 1 is of type bytes"),
        (np.zeros((2, 3)), ValueError, "shape"),
        ("ab", TypeError, "single"),
        ([], ValueError, "0 sample"),
    ],
)
def test_wrong_texts(X, error, message, fitted):
    with pytest.raises(error, match=message):
        bag().fit(X, [0, 1])
    with pytest.raises(error, match=message):
        fitted.predict(X)


@pytest.mark.parametrize(
    "params",
    [
        {"dim": 0},
        {"word_ngrams": 0},
        {"bucket": 0},
        {"lr": 0},
        {"batch_size": 0},
        {"device": "tpu9"},
        {"min_count": 0},
    ],
    ids=lambda params: next(iter(params)),
)
def test_wrong_parameters(params, texts):
    with pytest.raises(ValueError, match=next(iter(params))):
        bag(**params).fit(*texts)


def test_wrong_labels(texts):
    X, y = texts
    with pytest.raises(ValueError, match="two classes"):
        bag().fit(X, ["a"] * len(X))
    with pytest.raises(ValueError, match="same number of rows"):
        bag().fit(X, y[:-1])
    with pytest.raises(NotFittedError):
        bag().predict(X)
