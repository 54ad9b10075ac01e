"""Trainings that begin from files of published weights, the head first."""

import signal

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skorch.callbacks import Callback, Freezer

from sksvp._storage._describe import describe
from sksvp._torchvision import import_torchvision
from sksvp.estimators import TorchvisionClassifier
from sksvp.training._callbacks import TrainHeadFirst

torchvision = import_torchvision()
NAME = "shufflenet_v2_x0_5"
random = np.random.RandomState(0)
X = random.randint(0, 256, (24, 32, 32, 3)).astype(np.uint8)
y = np.array(list("abc"))[np.arange(24) % 3]


def published(seed=0):
    torch.manual_seed(seed)
    return torchvision.models.get_model(NAME, weights=None, num_classes=5).state_dict()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / f"{NAME}-f707e7126e.pth"
    torch.save(published(), path)
    return path


class Snapshots(Callback):
    """Keeps the weights of each epoch in the net; an attribute of its own would make it another callback."""

    def on_train_begin(self, net, **kwargs):
        net.snapshots = [self._copy(net)]

    def on_epoch_end(self, net, **kwargs):
        net.snapshots.append(self._copy(net))

    @staticmethod
    def _copy(net):
        return {name: value.clone() for name, value in net.network.network.state_dict().items()}


def network(**params):
    params = {
        "max_epochs": 3,
        "batch_size": 8,
        "random_state": 0,
        "augment": None,
        "precision": "fp32",
        **params,
    }
    return TorchvisionClassifier(NAME, device="cpu", net_params={"callbacks": [Snapshots]}, **params)


def learned(before, after):
    """Names of the layers whose weights differ, without the statistics of batch norm."""
    names = [name for name in before if name.endswith((".weight", ".bias"))]
    return {name for name in names if not torch.equal(before[name], after[name])}


def test_the_head_learns_first_and_then_the_rest(file):
    model = network(weights=file, head_epochs=2).fit(X, y)
    start, first, second, third = model.net_.snapshots
    head = {"fc.weight", "fc.bias"}
    assert all(torch.equal(start[name], value) for name, value in published().items() if name not in head)
    assert start["fc.weight"].shape == (3, 1024)
    assert learned(start, first) == learned(first, second) == head
    assert learned(second, third) > head | {"conv1.0.weight"}
    assert all(weights.requires_grad for weights in model.net_.network.parameters())


def test_layers_that_the_user_froze_stay_as_they_are(file):
    model = network(weights=file, head_epochs=1, max_epochs=2)
    model.net_params = {"callbacks": [Snapshots, Freezer("network.conv1.*")]}
    model.fit(X, y)
    start, first, second = model.net_.snapshots
    assert learned(start, first) == {"fc.weight", "fc.bias"}
    assert "conv1.0.weight" not in learned(first, second) and "conv5.0.weight" in learned(first, second)
    assert not model.net_.network.network.conv1[0].weight.requires_grad


def test_all_layers_learn_from_the_first_epoch_by_default(file):
    model = network(weights=file).fit(X, y)
    assert "conv1.0.weight" in learned(*model.net_.snapshots[:2])


def test_pixels_are_scaled_as_in_the_published_training(file):
    form = network(weights=file, max_epochs=1).fit(X, y).format_
    np.testing.assert_allclose(np.array(form.mean) / 255, [0.485, 0.456, 0.406])
    np.testing.assert_allclose(np.array(form.std) / 255, [0.229, 0.224, 0.225])
    grey = network(weights=file, max_epochs=1).fit(X[..., 0], y)
    np.testing.assert_allclose(np.array(grey.format_.mean) / 255, [(0.485 + 0.456 + 0.406) / 3])
    assert grey.predict_proba(X[..., 0]).shape == (24, 3)


def test_a_stopped_training_goes_on_with_the_head(file, tmp_path, monkeypatch):
    settings = {"weights": file, "head_epochs": 2, "checkpoint_every": 1}
    whole = network(**settings).fit(X, y)

    def stop(self, net, **kwargs):
        if len(net.history) == 2:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrainHeadFirst, "on_batch_begin", stop)
        network(**settings, checkpoint=tmp_path).fit(X, y)
    resumed = network(**settings, checkpoint=tmp_path).fit(X, y)
    # Of the second and the third epoch.
    assert len(resumed.net_.snapshots) == 3 and learned(*resumed.net_.snapshots[:2]) == {
        "fc.weight",
        "fc.bias",
    }
    np.testing.assert_array_equal(resumed.predict_logits(X), whole.predict_logits(X))


def test_calls_of_partial_fit_count_as_epochs(file):
    model = network(weights=file, head_epochs=1)
    model.partial_fit(X, y, classes=list("abc"))
    assert learned(*model.net_.snapshots) == {"fc.weight", "fc.bias"}
    model.partial_fit(X, y)
    assert "conv1.0.weight" in learned(*model.net_.snapshots)


def test_a_saved_network_needs_the_file_no_more(tmp_path):
    save_file(published(), tmp_path / "weights.safetensors")
    model = network(weights=tmp_path / "weights.safetensors", max_epochs=1).fit(X, y)
    model.set_params(net_params=None).save(tmp_path / "model.safetensors")
    (tmp_path / "weights.safetensors").unlink()
    again = TorchvisionClassifier.load(tmp_path / "model.safetensors", device="cpu")
    np.testing.assert_array_equal(again.predict_logits(X), model.predict_logits(X))


def test_what_is_in_the_file_belongs_to_the_description(tmp_path):
    described = []
    for seed in (0, 1, 0):
        torch.save(published(seed), tmp_path / "weights.pth")
        described.append(describe(network(weights=str(tmp_path / "weights.pth"))))
    assert described[0] == described[2] != described[1]


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"weights": "nowhere.pth"}, FileNotFoundError, "weights='nowhere.pth' is no file"),
        ({"head_epochs": 3}, ValueError, "head_epochs must be fewer than max_epochs=3, got 3"),
        ({"head_epochs": 1, "distributed": True}, ValueError, "head_epochs=1 needs distributed=False"),
    ],
)
def test_bad_parameters_are_named(params, error, message):
    with pytest.raises(error, match=message):
        network(**params).fit(X, y)


def test_bad_files_and_pixels_are_named(file, tmp_path):
    for name, content in (
        ("text", b"hello"),
        ("cut", b"\x80\x02."),
        ("empty", b""),
        ("page", b"<!doctype html>"),
    ):
        (tmp_path / f"{name}.pth").write_bytes(content)
        with pytest.raises(
            ValueError, match=rf"weights='.*{name}\.pth' is no file of weights, or is damaged: \w+Error"
        ):
            network(weights=tmp_path / f"{name}.pth").fit(X, y)
    torch.save(
        {name: value for name, value in published().items() if "stage4" not in name}, tmp_path / "part.pth"
    )
    with pytest.raises(ValueError, match=r"weights='.*part\.pth' has weights of another network: stage4"):
        network(weights=tmp_path / "part.pth").fit(X, y)
    with pytest.raises(ValueError, match="X must have pixels of 8 bits"):
        network(weights=file).fit(X / 255, y)
