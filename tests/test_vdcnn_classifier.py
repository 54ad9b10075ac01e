"""VDCNNClassifier: texts in, and what every network of ours keeps to."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch.callbacks import Callback
from toy_texts import NumbersAsTexts, toy_texts

from sksvp.estimators import ResNetClassifier, VDCNNClassifier
from sksvp.networks import VDCNN
from sksvp.strategies import forgetting_events
from sksvp.text import PackedTexts, encode_characters
from sksvp.training._schedule import epoch_factors

pytestmark = pytest.mark.cpu


def vdcnn(**params):
    small = {
        "length": 64,
        "widths": (8, 8, 16, 16),
        "hidden": 24,
        "max_epochs": 12,
        "batch_size": 16,
        "lr": 0.05,
    }
    return VDCNNClassifier(**{**small, "device": "cpu", "random_state": 0, **params})


@pytest.fixture(scope="module")
def texts():
    return toy_texts(120)


@pytest.fixture(scope="module")
def fitted(texts):
    return vdcnn().fit(*texts)


class OnNumbers(NumbersAsTexts, VDCNNClassifier):
    """VDCNNClassifier as scikit-learn's checks can feed it."""


SHORT_TRAINING = "one epoch, for the time of a test, does not reach the accuracy"


@parametrize_with_checks(
    [OnNumbers(length=64, widths=(4, 4, 4, 4), hidden=8, max_epochs=1, batch_size=64, device="cpu")],
    expected_failed_checks=lambda estimator: {
        "check_classifiers_train": SHORT_TRAINING,
        "check_class_weight_classifiers": SHORT_TRAINING,
    },
)
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_tags():
    tags = get_tags(VDCNNClassifier()).input_tags
    assert (tags.string, tags.two_d_array) == (True, False)


def test_fit_score_transform(fitted, texts):
    X, y = texts
    assert fitted.classes_.tolist() == ["food", "sky", "sport"]
    assert fitted.score(X, y) > 0.9
    assert fitted.score(*toy_texts(60, seed=1)) > 0.8
    logits = fitted.predict_logits(X)
    assert logits.shape == (120, 3)
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)
    features = fitted.transform(X)
    assert features.shape == (120, 24) == (120, len(fitted.get_feature_names_out()))
    with torch.no_grad():
        head = fitted.net_.module_.fc(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(head, logits, atol=1e-5)


def test_features_of_the_published_size():
    model = VDCNNClassifier(max_epochs=1, device="cpu", random_state=0).fit(
        ["a", "b", "c", "d"], [0, 1, 0, 1]
    )
    assert model.transform(["a"]).shape == (1, 2048)
    assert isinstance(model.net_.module_, VDCNN)
    group = model.net_.optimizer_.param_groups[0]
    assert (group["lr"], group["momentum"], group["weight_decay"], group["nesterov"]) == (
        0.01,
        0.9,
        1e-4,
        False,
    )


def test_amazon_schedule():
    factors = [1.0] * 3 + [0.5] * 3 + [0.25] * 3 + [0.125] * 3 + [0.0625] * 3
    assert epoch_factors("amazon", 15) == factors
    assert epoch_factors("amazon", 5) == factors[::3]
    assert epoch_factors("amazon", 1) == [1.0]


def test_scores_are_those_of_the_encoded_texts(fitted, texts):
    X, _ = texts
    with torch.inference_mode():
        expected = fitted.net_.module_.eval()(torch.from_numpy(encode_characters(X, 64))).numpy()
    np.testing.assert_allclose(fitted.predict_logits(X), expected, atol=1e-5)
    np.testing.assert_allclose(fitted.predict_logits(X[:1]), expected[:1], atol=1e-5)


@pytest.mark.parametrize("container", [tuple, np.array, pd.Series, PackedTexts])
def test_containers_give_the_same_network(container, fitted, texts):
    X, y = texts
    other = vdcnn().fit(container(X), pd.Series(y))
    np.testing.assert_array_equal(other.predict_logits(container(X)), fitted.predict_logits(X))
    np.testing.assert_array_equal(other.records_["forgetting_events"], fitted.records_["forgetting_events"])


def test_seeds(fitted, texts):
    X, y = texts
    assert not np.array_equal(vdcnn(random_state=1).fit(X, y).predict_logits(X), fitted.predict_logits(X))
    again = clone(fitted).fit(X, y)
    np.testing.assert_array_equal(again.predict_logits(X), fitted.predict_logits(X))


def test_forgetting_events_follow_the_definition(texts):
    X, y = texts
    visits = []

    class Record(Callback):
        def on_epoch_begin(self, net, **kwargs):
            visits.append(np.zeros(len(X), dtype=bool))

        def on_batch_end(self, net, batch, training, y_pred, **kwargs):
            visits[-1][batch[0]["rows"]] = (y_pred.argmax(1) == batch[1]).numpy()

    model = vdcnn(max_epochs=6, net_params={"callbacks": [Record()]}).fit(X, y)
    np.testing.assert_array_equal(model.records_["forgetting_events"], forgetting_events(visits))


def test_texts_are_encoded_once(monkeypatch, texts):
    from sksvp.estimators import _vdcnn

    rows = []
    monkeypatch.setattr(
        _vdcnn, "encode_characters", lambda X, length: rows.append(len(X)) or encode_characters(X, length)
    )
    vdcnn(max_epochs=3).fit(*texts)
    assert rows == [120]


def test_pickle_save_and_load(fitted, texts, tmp_path):
    X, _ = texts
    expected = fitted.predict_logits(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_logits(X), expected)
    fitted.save(tmp_path / "network.safetensors")
    loaded = VDCNNClassifier.load(tmp_path / "network.safetensors", device="cpu")
    np.testing.assert_array_equal(loaded.predict_logits(X), expected)
    np.testing.assert_array_equal(loaded.records_["forgetting_events"], fitted.records_["forgetting_events"])
    assert loaded.widths == (8, 8, 16, 16)
    with pytest.raises(ValueError, match="VDCNNClassifier"):
        ResNetClassifier.load(tmp_path / "network.safetensors")


def test_same_scores_in_a_fresh_process(fitted, texts, tmp_path):
    X, _ = texts
    (tmp_path / "model.pickle").write_bytes(pickle.dumps((fitted, X[:5])))
    code = (
        "import pickle, sys; model, X = pickle.load(open(sys.argv[1], 'rb')); "
        "print(model.predict_logits(X).tobytes().hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model.pickle")]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert found == fitted.predict_logits(X[:5]).tobytes().hex()


def test_partial_fit(texts):
    X, y = texts
    model = vdcnn()
    for _ in range(12):
        model.partial_fit(X, y, classes=np.unique(y))
    assert model.score(X, y) > 0.8


def test_grid_search(texts):
    grid = GridSearchCV(vdcnn(max_epochs=2), {"pooling": ["conv", "maxpool"]}, cv=2)
    assert set(grid.fit(*texts).cv_results_["rank_test_score"]) <= {1, 2}


@pytest.mark.parametrize(
    "strange",
    ["", "x", "日本語のレビュー", "😀" * 200, "a\0b", "\ud800", "word " * 2_000_000, "\n\t"],
    ids=["empty", "one", "japanese", "emoji", "nul", "surrogate", "10 MB", "blank"],
)
def test_strange_texts(strange, fitted):
    assert np.isfinite(fitted.predict_proba([strange])).all()


def test_texts_that_are_all_empty():
    model = vdcnn(max_epochs=2).fit([""] * 6, [0, 1] * 3)
    assert np.isfinite(model.predict_proba(["", "a"])).all()


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
        vdcnn().fit(X, [0, 1])
    with pytest.raises(error, match=message):
        fitted.predict(X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"depth": 10}, "depth must be one of 9, 17, 29, 49"),
        ({"length": 56}, "at least 57"),
        ({"length": 63, "pooling": "kmaxpool"}, "at least 64"),
        ({"pooling": "mean"}, "pooling"),
        ({"widths": (8, 8)}, "widths"),
        ({"widths": (8, 8, 8, 0.5)}, "widths"),
        ({"hidden": 0}, "hidden"),
    ],
)
def test_wrong_parameters(params, message, texts):
    with pytest.raises(ValueError, match=message):
        vdcnn(**params).fit(*texts)


def test_one_class_and_other_lengths(texts):
    X, y = texts
    with pytest.raises(ValueError, match="two classes"):
        vdcnn().fit(X, ["a"] * len(X))
    with pytest.raises(ValueError, match="same number of rows"):
        vdcnn().fit(X, y[:-1])
    with pytest.raises(NotFittedError):
        vdcnn().predict(X)
