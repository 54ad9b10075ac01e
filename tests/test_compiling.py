"""`net_params={"compile": True}`: what is compiled, and that nothing else changes."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch._dynamo.testing import CompileCounter

from sksvp.estimators import ResNetClassifier, WhitenedConvNetClassifier
from sksvp.estimators._compiling import many_versions

DIGITS = load_digits()
# The last batch of an epoch has 8 rows.
X, y = DIGITS.images[:200].astype(np.uint8), DIGITS.target[:200]


def classifier(kind=ResNetClassifier, *args, backend=None, precision="fp32", **params):
    net_params = {"compile": True, "compile__backend": backend} if backend else None
    params = {"max_epochs": 2, "batch_size": 32, "lr": 0.05, "random_state": 0, **params}
    return kind(*args, net_params=net_params, precision=precision, device="cpu", **params)


@pytest.fixture
def counter():
    torch._dynamo.reset()
    yield CompileCounter()
    torch._dynamo.reset()


@pytest.mark.parametrize(("depth", "n_graphs"), [(8, 3), (20, 5), (164, 6)])
def test_equal_blocks_share_their_code(counter, depth, n_graphs):
    classifier(ResNetClassifier, depth, backend=counter, max_epochs=1).fit(X[:72], y[:72])
    assert counter.frame_count == n_graphs


def test_only_batches_that_come_again_are_compiled(counter):
    model = classifier(ResNetClassifier, 8, backend=counter, precision="auto").fit(X, y)
    model.predict(X)
    model.transform(X[:50])
    assert counter.frame_count == 3


def test_networks_after_each_other_are_all_compiled(counter):
    """torch would keep eight versions of a block, and run all others uncompiled."""
    for size in range(32, 48, 4):
        classifier(ResNetClassifier, 8, backend=counter, batch_size=size).fit(X, y)
    assert counter.frame_count == 4 * 3
    with many_versions():
        assert torch._dynamo.config.recompile_limit > 100


def test_a_network_without_blocks_is_compiled_as_a_whole(counter):
    classifier(WhitenedConvNetClassifier, backend=counter).fit(X, y)
    assert counter.frame_count == 1


def test_results_and_names_stay(tmp_path):
    plain = classifier(ResNetClassifier, 14).fit(X, y)
    model = classifier(ResNetClassifier, 14, backend="aot_eager").fit(X, y)
    assert list(model.net_.module_.state_dict()) == list(plain.net_.module_.state_dict())
    expected = plain.predict_logits(X)
    np.testing.assert_allclose(model.predict_logits(X), expected, rtol=1e-3, atol=1e-3)
    copy = pickle.loads(pickle.dumps(model))
    model.save(tmp_path / "model.safetensors")
    for other in (copy, ResNetClassifier.load(tmp_path / "model.safetensors", device="cpu")):
        np.testing.assert_array_equal(other.predict_logits(X), model.predict_logits(X))


def test_an_unpickled_network_trains_on():
    model = classifier(ResNetClassifier, 8, backend="aot_eager").fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    for either in (model, copy):
        either.partial_fit(X, y)
    np.testing.assert_allclose(copy.predict_logits(X), model.predict_logits(X), rtol=1e-3, atol=1e-3)
