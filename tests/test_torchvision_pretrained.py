"""Fitted classifiers from files of weights, made here in torchvision's form."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.frozen import FrozenEstimator

from sksvp import ProxyCoresetSelector
from sksvp._torchvision import import_torchvision
from sksvp.estimators import TorchvisionClassifier

torchvision = import_torchvision()
X = np.random.RandomState(0).randint(0, 256, (12, 32, 32, 3)).astype(np.uint8)
MEAN, STD = (np.array(values, np.float32) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


def published(name, n_classes=5, seed=0):
    torch.manual_seed(seed)
    options = {"aux_logits": True, "init_weights": False} if name == "googlenet" else {}
    return torchvision.models.get_model(name, weights=None, num_classes=n_classes, **options).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights")
    torch.save(published("resnet18").state_dict(), path / "resnet18-f37072fd.pth")
    save_file(published("squeezenet1_1").state_dict(), path / "squeezenet1_1.safetensors")
    return path


def loaded(name, path, **settings):
    return TorchvisionClassifier.from_pretrained(name, path, image_size=32, device="cpu", **settings)


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1"])
def test_logits_are_those_of_the_network(name, folder):
    inputs = torch.from_numpy((X / np.float32(255) - MEAN) / STD).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = published(name)(inputs).numpy()
    classifier = loaded(name, folder)
    np.testing.assert_allclose(classifier.predict_logits(X), expected, rtol=1e-3, atol=1e-4)
    assert classifier.classes_.tolist() == [0, 1, 2, 3, 4]


def test_classes_are_in_the_order_of_the_outputs(folder):
    plain, named = loaded("resnet18", folder), loaded("resnet18", folder, classes=list("ecadb"))
    assert named.classes_.tolist() == list("abcde")
    np.testing.assert_array_equal(named.predict(X), np.array(list("ecadb"))[plain.predict(X)])


def test_googlenet_reads_pixels_from_minus_one_to_one_and_loses_its_side_outputs(tmp_path):
    network = published("googlenet")
    torch.save(network.state_dict(), tmp_path / "googlenet-1378be20.pth")
    with torch.no_grad():
        expected = network(torch.from_numpy(X / np.float32(127.5) - 1).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(
        loaded("googlenet", tmp_path).predict_logits(X), expected, rtol=1e-3, atol=1e-4
    )


def test_names_of_an_earlier_torch(tmp_path):
    network = published("densenet121")
    old = {name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value
           for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}  # fmt: skip
    assert any(".norm.1." in name for name in old)
    torch.save(old, tmp_path / "densenet121-a639ec97.pth")
    assert loaded("densenet121", tmp_path).predict_proba(X).shape == (12, 5)


def test_a_pretrained_network_is_a_proxy_that_nobody_trains(folder, tmp_path):
    classifier = loaded("resnet18", folder)
    selector = ProxyCoresetSelector(FrozenEstimator(classifier), strategy="entropy", subset_size=4)
    p = classifier.predict_proba(X)
    entropy = -(p * np.log(p)).sum(axis=1)
    assert selector.fit(X).order_.tolist() == np.argsort(-entropy, kind="stable").tolist()
    classifier.save(tmp_path / "a.safetensors")
    again = TorchvisionClassifier.load(tmp_path / "a.safetensors", device="cpu")
    np.testing.assert_array_equal(again.predict_logits(X), classifier.predict_logits(X))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"network": "resnet19"}, "'resnet19' is no classification network"),
        ({"network": "resnet34"}, "has no weights of 'resnet34'"),
        ({"classes": [0, 1]}, "classes must be 5 different labels, got \\[0, 1\\]"),
        ({"classes": [0, 1, 2, 3, 3]}, "classes must be 5 different labels"),
        ({"image_size": 0}, "'image_size' parameter"),
        ({"device": "abacus"}, "device='abacus'"),
        ({"path": ""}, "path must be a path"),
    ],
    ids=str,
)
def test_bad_arguments(settings, words, folder):
    with pytest.raises((ValueError, OSError), match=words):
        TorchvisionClassifier.from_pretrained(
            **{"network": "resnet18", "path": folder, "device": "cpu", **settings}
        )


def test_bad_files(folder, tmp_path):
    (tmp_path / "resnet18.pth").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"resnet18.pth' is no file of weights"):
        loaded("resnet18", tmp_path)
    torch.save([torch.zeros(2)], tmp_path / "resnet18.pth")
    with pytest.raises(ValueError, match=r"must hold tensors by their names"):
        loaded("resnet18", tmp_path)
    with pytest.raises(ValueError, match=r"has weights of another network: .* do not fit"):
        loaded("resnet34", folder / "resnet18-f37072fd.pth")
    with pytest.raises(ValueError, match="has weights of another network"):
        loaded("squeezenet1_1", folder / "resnet18-f37072fd.pth")
    (tmp_path / "resnet18-0.pth").touch()
    with pytest.raises(
        ValueError, match=r"several weights of 'resnet18': name one of resnet18-0.pth, resnet18.pth"
    ):
        loaded("resnet18", tmp_path)
