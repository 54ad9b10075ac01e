"""What every image classifier keeps to, whatever its network."""

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch.callbacks import Callback, EarlyStopping

from sksvp.estimators import ResNetClassifier, TorchvisionClassifier, WhitenedConvNetClassifier, _persistence
from sksvp.networks import WhitenedConvNet
from sksvp.training._seeding import seeded_torch


def needs_torchvision():
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")


def resnet(**params):
    return ResNetClassifier(
        8, **{"max_epochs": 3, "batch_size": 32, "device": "cpu", "random_state": 0, **params}
    )


def shufflenet(**params):
    needs_torchvision()
    return TorchvisionClassifier(
        **{
            "network": "shufflenet_v2_x0_5",
            "max_epochs": 2,
            "batch_size": 32,
            "device": "cpu",
            "random_state": 0,
            **params,
        },
    )


def whitened(**params):
    return WhitenedConvNetClassifier(
        (16, 24, 32), **{"max_epochs": 3, "batch_size": 32, "device": "cpu", "random_state": 0, **params}
    )


def skip_memory_maps(check):
    if getattr(check, "keywords", {}).get("readonly_memmap"):
        pytest.skip("the checks of ResNetClassifier read memory maps with the same code, in less time")


every_classifier = pytest.mark.parametrize("make", [resnet, shufflenet, whitened])


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.astype(np.uint8).reshape(-1, 8, 8)[:300], y[:300]


@parametrize_with_checks(
    [
        ResNetClassifier(8, max_epochs=6, batch_size=16, lr=0.05, device="cpu"),
        WhitenedConvNetClassifier((8, 16, 32), max_epochs=6, batch_size=16, device="cpu"),
    ]
)
def test_sklearn_checks(estimator, check):
    if isinstance(estimator, WhitenedConvNetClassifier):
        skip_memory_maps(check)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)
        check(estimator)


# Checks that ask for accuracy on their own few rows.
NEED_TO_LEARN = ("check_classifiers_train", "check_class_weight_classifiers")


@pytest.mark.slow
@parametrize_with_checks(
    [TorchvisionClassifier("shufflenet_v2_x0_5", max_epochs=1, batch_size=32, lr=0.1, device="cpu")]
)
def test_sklearn_checks_torchvision(estimator, check):
    needs_torchvision()
    name = getattr(check, "func", check).__name__
    skip_memory_maps(check)
    if name in NEED_TO_LEARN:
        estimator.set_params(network="resnet18", max_epochs=3, label_smoothing=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)
        check(estimator)


@pytest.mark.cpu
@every_classifier
def test_fit_score_transform(make, digits, has_bf16):
    X, y = digits
    model = make().fit(X, y)
    logits = model.predict_logits(X)
    assert logits.shape == (300, 10)
    assert logits.dtype == np.float32
    shifted = np.exp(logits.astype(float) - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(X), shifted / shifted.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))
    np.testing.assert_array_equal(model.predict(X), model.classes_[logits.argmax(axis=1)])
    features = model.transform(X)
    assert features.shape == (300, len(model.get_feature_names_out()))
    head = [module for module in model.net_.module_.modules() if isinstance(module, torch.nn.Linear)][-1]
    with torch.no_grad():
        np.testing.assert_allclose(head(torch.from_numpy(features)).numpy(), logits, atol=1e-5)


@pytest.mark.cpu
@every_classifier
def test_same_seed_same_network(make, digits, has_bf16):
    X, y = digits[0][:150], digits[1][:150]
    first, again, other = make().fit(X, y), make().fit(X, y), make(random_state=1).fit(X, y)
    np.testing.assert_array_equal(first.predict_logits(X), again.predict_logits(X))
    np.testing.assert_array_equal(first.records_["forgetting_events"], again.records_["forgetting_events"])
    assert not np.array_equal(first.predict_logits(X), other.predict_logits(X))


def test_global_generators_are_left_alone(digits):
    X, y = digits
    torch.manual_seed(3)
    np.random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    resnet().fit(X, y).predict(X)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


@every_classifier
def test_scores_see_the_clean_image(make, digits):
    X, y = digits
    model = make().fit(X, y)
    np.testing.assert_array_equal(model.predict_logits(X), model.predict_logits(X))
    # Alone, in another order and in training mode before: the same scores.
    order = np.random.RandomState(0).permutation(len(X))
    model.net_.module_.train()
    np.testing.assert_allclose(model.predict_logits(X[order]), model.predict_logits(X)[order], atol=1e-5)
    np.testing.assert_allclose(model.predict_logits(X[:1]), model.predict_logits(X)[:1], atol=1e-5)


@every_classifier
def test_forgetting_events_follow_the_definition(make, digits):
    """Replay the training's own batches: +1 when a row was right at its last visit and is wrong now."""
    X, y = digits
    seen = []

    class Record(Callback):
        def on_batch_end(self, net, batch, training, y_pred, **kwargs):
            seen.append((batch[0]["rows"].numpy(), (y_pred.argmax(1) == batch[1]).numpy()))

    model = make(max_epochs=6, net_params={"callbacks": [Record()]}).fit(X, y)
    before, events, learned = {}, dict.fromkeys(range(len(X)), 0), set()
    for rows, correct in seen:
        for row, right in zip(rows.tolist(), correct.tolist(), strict=True):
            events[row] += before.get(row, False) and not right
            before[row] = right
            learned |= {row} if right else set()
    expected = [events[row] if row in learned else np.inf for row in range(len(X))]
    np.testing.assert_array_equal(model.records_["forgetting_events"], expected)


def test_every_row_is_visited_once_an_epoch_and_no_batch_has_one_row(digits):
    X, y = digits
    batches = []

    class Record(Callback):
        def on_batch_end(self, net, batch, **kwargs):
            batches.append(batch[0]["rows"])

    resnet(max_epochs=1, batch_size=23, net_params={"callbacks": [Record()]}).fit(X[:277], y[:277])
    assert [len(rows) for rows in batches] == [23] * 11 + [24]
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(277))


def test_learning_rates_of_the_recipe(digits):
    X, y = digits
    rates = []

    class Record(Callback):
        def on_epoch_end(self, net, **kwargs):
            rates.extend(group["lr"] for group in net.optimizer_.param_groups)

    resnet(max_epochs=8, net_params={"callbacks": [Record()]}).fit(X[:64], y[:64])
    np.testing.assert_allclose(rates, [0.01, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    group = resnet(max_epochs=1).fit(X[:64], y[:64]).net_.optimizer_.param_groups[0]
    assert (group["momentum"], group["weight_decay"], group["nesterov"]) == (0.9, 5e-4, False)


def test_rate_scales_with_the_batch():
    needs_torchvision()
    assert TorchvisionClassifier(batch_size=768)._base_lr == pytest.approx(0.3)
    assert TorchvisionClassifier(batch_size=768, scale_lr=False)._base_lr == pytest.approx(0.1)


def test_rate_of_the_whitened_network_scales_with_the_batch():
    assert whitened(batch_size=128, lr=0.8)._base_lr == pytest.approx(0.2)
    assert whitened(batch_size=128, lr=0.8, scale_lr=False)._base_lr == pytest.approx(0.8)


def test_shifts_of_the_whitened_network_learn_faster(digits):
    X, y = digits
    model = whitened(weight_decay=0.64, lr=0.4, schedule="constant", batch_size=64).fit(X, y)
    shifts, weights = model.net_.optimizer_.param_groups
    assert [tuple(weight.shape) for weight in shifts["params"]] == [(32,)] * 2 + [(24,)] * 2 + [(16,)] * 2
    assert (shifts["lr"], shifts["weight_decay"]) == pytest.approx((0.05 * 64, 0.01))
    assert (weights["lr"], weights["weight_decay"]) == pytest.approx((0.05, 0.64))
    assert shifts["nesterov"]
    assert weights["nesterov"]
    assert not whitened(momentum=0.0).fit(X, y).net_.optimizer_.param_groups[0]["nesterov"]


@pytest.mark.parametrize("train", ["fit", "partial_fit"])
def test_first_layer_whitens_the_training_rows_and_stays(digits, train):
    X, y = digits
    model = whitened(net_params={"callbacks": []})
    params = {"classes": np.arange(10)} if train == "partial_fit" else {}
    getattr(model, train)(X, y, **params)
    expected = WhitenedConvNet(10, 1, widths=(16, 24, 32))
    # All rows are few enough to be taken, clean and normalised.
    expected.reset_whitening(model.format_.normalize(torch.from_numpy(X)[..., None]))
    torch.testing.assert_close(model.net_.module_.whitening, expected.whitening)
    before = model.net_.module_.whitening.clone()
    model.partial_fit(X[:50], y[:50])
    assert torch.equal(model.net_.module_.whitening, before)


def test_first_layer_takes_a_seeded_sample_of_many_rows(digits, monkeypatch):
    from sksvp.estimators import _whitened_conv_net

    X, y = digits
    monkeypatch.setattr(_whitened_conv_net, "_WHITENING_PIXELS", 64 * 20)
    first, again, other = (
        whitened(max_epochs=1, random_state=seed).fit(X, y).net_.module_.whitening for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_constant_images_train_the_whitened_network():
    X = np.full((20, 8, 8), 7, dtype=np.uint8)
    logits = whitened().fit(X, np.arange(20) % 2).predict_logits(X)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("make", [resnet, whitened])
def test_another_optimizer_gets_what_it_knows(make, digits):
    X, y = digits
    changes = {"optimizer": torch.optim.AdamW, "optimizer__betas": (0.8, 0.9)}
    model = make(max_epochs=1, weight_decay=0.03, lr=0.01, schedule="constant", net_params=changes).fit(X, y)
    (group,) = model.net_.optimizer_.param_groups
    assert isinstance(model.net_.optimizer_, torch.optim.AdamW)
    assert (group["lr"], group["weight_decay"], group["betas"]) == (model._base_lr, 0.03, (0.8, 0.9))


# Forms of input -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def colour():
    rng = np.random.RandomState(0)
    y = rng.randint(0, 3, 60)
    X = rng.randint(0, 80, (60, 8, 8, 3)).astype(np.uint8)
    X[np.arange(60), :, :, y] += 120
    return X, y


@pytest.mark.parametrize(
    "form",
    [
        lambda X: X.transpose(0, 3, 1, 2),
        lambda X: np.ascontiguousarray(X.transpose(0, 3, 1, 2)),
        lambda X: np.asfortranarray(X),
        lambda X: np.repeat(X, 2, axis=0)[::2],
        torch.from_numpy,
    ],
)
def test_layouts_and_memory_give_the_same_network(colour, form):
    X, y = colour
    expected = resnet().fit(X, y).predict_logits(X)
    np.testing.assert_array_equal(resnet().fit(form(X), y).predict_logits(form(X)), expected)


def test_flat_rows_with_an_image_shape(colour):
    X, y = colour
    flat = X.transpose(0, 3, 1, 2).reshape(60, -1)
    model = resnet(image_shape=(3, 8, 8)).fit(flat, y)
    np.testing.assert_array_equal(model.predict_logits(flat), resnet().fit(X, y).predict_logits(X))
    assert model.augment_ == ("crop", "flip")


def test_read_only_and_memory_mapped_rows(colour, tmp_path):
    X, y = colour
    np.save(tmp_path / "X.npy", X)
    expected = resnet().fit(X, y).predict_logits(X)
    frozen = X.copy()
    frozen.flags.writeable = False
    for rows in (frozen, np.load(tmp_path / "X.npy", mmap_mode="r")):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(resnet().fit(rows, y).predict_logits(rows), expected)


def test_string_labels_and_a_class_of_one_row(colour):
    X, y = colour
    names = np.array(["cat", "dog", "ship"], dtype=object)[y]
    names[7] = "the only frog"
    model = resnet().fit(X, names)
    assert model.classes_.tolist() == ["cat", "dog", "ship", "the only frog"]
    assert set(model.predict(X)) <= set(names)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [((10, 3, 8, 3), "auto"), ((10, 8, 8, 5), "auto"), ((10, 1, 5, 4), "auto"), ((10, 2, 2, 2, 2), "auto")],
)
def test_ambiguous_axes_are_refused(shape, layout):
    with pytest.raises(ValueError, match=r"layout|dimensions"):
        resnet().fit(np.zeros(shape, np.uint8), np.arange(10) % 2)


def test_layout_settles_the_axes():
    X = np.random.RandomState(0).randint(0, 255, (10, 3, 8, 3)).astype(np.uint8)
    assert resnet(layout="channels_last").fit(X, np.arange(10) % 2).format_.shape == (3, 3, 8)
    assert resnet(layout="channels_first").fit(X, np.arange(10) % 2).format_.shape == (3, 8, 3)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda X: X[:, :7], "7 x 8 pixels"),
        (lambda X: X[..., :1], "1 channel"),
        (lambda X: X.astype(np.float32) / 255, "another dtype than uint8, but"),
        (lambda X: X.reshape(60, -1), "flat"),
    ],
)
def test_another_form_at_predict_is_refused(colour, other, words):
    X, y = colour
    with pytest.raises(ValueError, match=words):
        resnet(max_epochs=1).fit(X, y).predict(other(X))


@pytest.mark.parametrize(("fitted", "given"), [(255.0, 1.0), (1.0, 255.0)])
def test_another_range_at_predict_is_refused(colour, fitted, given):
    X, y = colour
    unit = X / np.float32(255)
    with pytest.raises(ValueError, match="scale both alike"):
        resnet(max_epochs=1).fit(unit * fitted, y).predict(unit * given)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_refused(colour, bad):
    X = colour[0].astype(np.float32)
    X[3, 2, 1, 0] = bad
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        resnet().fit(X, colour[1])


@pytest.mark.parametrize("change", [torch.Tensor.requires_grad_, torch.Tensor.bfloat16])
def test_tensors_that_numpy_does_not_take(colour, change):
    X, y = colour
    tensor = change(torch.tensor(X).float().round(decimals=-1))
    expected = resnet(max_epochs=1).fit(tensor.detach().float().numpy(), y)
    model = resnet(max_epochs=1).fit(tensor, torch.tensor(y))
    np.testing.assert_array_equal(
        model.predict_logits(tensor), expected.predict_logits(tensor.detach().float().numpy())
    )


def test_bad_targets(colour):
    X, y = colour
    with pytest.raises(ValueError, match="same number of rows"):
        resnet().fit(X, y[:-1])
    with pytest.raises(ValueError, match="at least two classes"):
        resnet().fit(X, np.zeros(60, int))
    with pytest.raises(ValueError, match="one class label per row"):
        resnet().fit(X, np.eye(3)[y])
    with pytest.raises(ValueError, match="continuous"):
        resnet().fit(X, np.random.RandomState(0).rand(60))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"max_epochs": 0}, "max_epochs"),
        ({"lr": -1.0}, "lr"),
        ({"batch_size": 1}, "batch_size"),
        ({"augment": ["rotate"]}, "augment"),
        ({"layout": "nhwc"}, "layout"),
        ({"device": "warp drive"}, "device"),
        ({"precision": "fp8"}, "precision"),
        ({"net_params": {"max_epochs": 3}}, "net_params"),
        ({"schedule": "cosine"}, "schedule"),
        ({"depth": 18}, "depth"),
        ({"class_weight": {"walrus": 2}}, "class_weight"),
    ],
)
def test_bad_parameters_are_named(colour, params, words):
    with pytest.raises(ValueError, match=words):
        resnet().set_params(**params).fit(*colour)


@pytest.mark.parametrize("widths", [(8, 8), (8, 8, 0), 8])
def test_bad_widths_are_named(colour, widths):
    with pytest.raises(ValueError, match="widths"):
        whitened().set_params(widths=widths).fit(*colour)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_where_there_is_none(colour):
    with pytest.raises(ValueError, match="no CUDA device"):
        resnet(device="cuda").fit(*colour)


@pytest.mark.parametrize("device", ["meta", "privateuseone", "cpu:x"])
def test_devices_that_are_not_there(colour, device):
    with pytest.raises(ValueError, match=r"device=.* must be|is not available here"):
        resnet(device=device).fit(*colour)


@pytest.mark.parametrize(
    ("network", "shape", "words"),
    [
        ("shufflenet_v2_x0_5", (20, 8, 8, 4), "must have 1 or 3 channels .* got 4"),
        ("vit_b_16", (20, 32, 32, 3), "does not take images of 32 x 32 pixels"),
        ("alexnet", (20, 16, 24), "does not take images of 16 x 24 pixels"),
    ],
)
def test_images_that_a_network_does_not_take(network, shape, words):
    X = np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)
    with pytest.raises(ValueError, match=words):
        shufflenet(network=network).fit(X, np.arange(20) % 2)


def test_torch_datasets_are_told_of(colour):
    X, y = colour
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
    for given in (dataset, torch.utils.data.DataLoader(dataset)):
        with pytest.raises(TypeError, match=r"sksvp\.datasets\.from_torch"):
            resnet().fit(given, y)


@pytest.mark.parametrize("name", ["iterator_train__num_workers", "criterion__weight", "module__depth"])
def test_parameters_of_what_is_ours_are_refused(colour, name):
    with pytest.raises(ValueError, match=f"net_params must not set .*{name}"):
        resnet(net_params={name: None}).fit(*colour)


def test_pixels_are_normalised_by_channel(colour):
    X, y = colour
    form = resnet(max_epochs=1).fit(X, y).format_
    np.testing.assert_allclose(form.mean, X.reshape(-1, 3).mean(axis=0))
    np.testing.assert_allclose(form.std, X.reshape(-1, 3).std(axis=0))
    view = form.normalize(torch.from_numpy(X))
    assert view.shape == (60, 3, 8, 8)
    assert view.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(view.mean(dim=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(view.std(dim=(0, 2, 3), correction=0), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "channels", "names"),
    [
        (resnet, 1, ("crop",)),
        (resnet, 3, ("crop", "flip")),
        (whitened, 1, ("shift",)),
        (whitened, 4, ("shift", "alternating-flip")),
    ],
)
def test_flips_only_where_they_make_sense(make, channels, names):
    X = np.random.RandomState(0).randint(0, 255, (8, 16, 16, channels)).astype(np.uint8)
    assert make(max_epochs=1).fit(X, np.arange(8) % 2).augment_ == names


def test_augment_needs_images(colour):
    with pytest.raises(ValueError, match="image_shape"):
        resnet(augment=["crop"]).fit(colour[0].reshape(60, -1), colour[1])


# Long life ----------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [1, 3])
def test_grey_images_need_no_channel_axis_at_predict(digits, axis):
    X, y = digits
    images = X.reshape(len(X), 8, 8)
    model = resnet(max_epochs=1).fit(np.expand_dims(images, axis), y)
    expected = model.predict_logits(np.expand_dims(images, axis))
    np.testing.assert_array_equal(model.predict_logits(images), expected)


def test_a_diverged_training_warns(digits):
    with pytest.warns(ConvergenceWarning, match="Lower lr=1e"):
        resnet(lr=1e30).fit(*digits)


def test_weights_that_are_not_finite_are_told_of(digits):
    class Spoil(Callback):
        def on_train_end(self, net, **kwargs):
            net.module_.bn.running_var.fill_(torch.inf)

    with pytest.warns(ConvergenceWarning, match="not all its weights are finite"):
        resnet(max_epochs=1, net_params={"callbacks": [Spoil]}).fit(*digits)


def test_a_loaded_classifier_trains_on(digits, tmp_path):
    X, y = digits
    model = resnet(class_weight={k: 1.0 + k for k in range(10)}).fit(X, y)
    model.save(tmp_path / "model.safetensors")
    again = ResNetClassifier.load(tmp_path / "model.safetensors", device="cpu")
    assert again.class_weight == model.class_weight
    before = again.predict_logits(X)
    assert (again.partial_fit(X, y).predict_logits(X) != before).any()
    np.testing.assert_array_equal(again.fit(X, y).predict_logits(X), model.predict_logits(X))


@every_classifier
def test_save_and_load(make, digits, tmp_path):
    X, y = digits
    names = np.array([f"digit {k}" for k in range(10)])[y]
    model = make().fit(X, names)
    model.save(tmp_path / "model.safetensors")
    again = type(model).load(tmp_path / "model.safetensors", device="cpu")
    np.testing.assert_array_equal(again.predict_logits(X), model.predict_logits(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.records_["forgetting_events"], model.records_["forgetting_events"])
    assert again.get_params() == model.get_params()
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_load_names_files_that_are_no_saved_classifier(digits, tmp_path):
    model = resnet(max_epochs=1).fit(*digits)
    path = tmp_path / "model.safetensors"
    model.save(path)
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["sksvp"])
        # Copied, since the tensors are a map of the file that is overwritten below.
        weights = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (no dict)
    forms = {
        "other header": {**header, "params": {**header["params"], "depth": 14}},
        "no params": {name: part for name, part in header.items() if name != "params"},
        "other version": {**header, "format": "sksvp classifier 1"},
        "no checksum": {name: part for name, part in header.items() if name != "sha256"},
        "list": [],
    }
    for content in forms.values():
        path.write_bytes(save(weights, metadata={"sksvp": json.dumps(content)}))
        with pytest.raises(ValueError, match=r"model\.safetensors (is damaged|holds 'sksvp classifier 1')"):
            ResNetClassifier.load(path)
    for metadata in ({"sksvp": "{"}, {"sksvp": ""}, {"other": "1"}, None):
        path.write_bytes(save(weights, metadata=metadata))
        with pytest.raises(ValueError, match=r"model\.safetensors is (damaged|no saved classifier)"):
            ResNetClassifier.load(path)
    for content in (b"", b"text", b"\x80\x04]\x94.", b"\x00" * 100):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"model\.safetensors is no saved classifier, or a damaged one"):
            ResNetClassifier.load(path)
    for missing in (tmp_path / "nowhere.safetensors", tmp_path):
        with pytest.raises(OSError, match=str(missing)):
            ResNetClassifier.load(missing)


def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(digits, tmp_path, monkeypatch):
    model = resnet(max_epochs=1).fit(*digits)
    path = tmp_path / "model.safetensors"
    with torch.no_grad():
        next(model.net_.module_.parameters()).view(-1)[0] = float("nan")
    with pytest.raises(
        ValueError, match=r"the training diverged, and the network has weights that are not finite"
    ):
        model.save(path)
    assert not path.exists()
    with monkeypatch.context() as patch:
        patch.setattr(_persistence, "_check_finite", lambda weights, what: None)
        model.save(path)
    with pytest.raises(ValueError, match=r"model\.safetensors: the network has weights that are not finite"):
        ResNetClassifier.load(path)


def test_a_full_disk_names_the_file_and_leaves_the_old_one(digits, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    model = resnet(max_epochs=1).fit(*digits)
    model.save(tmp_path / "model.safetensors")
    before = (tmp_path / "model.safetensors").read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*model\.safetensors"):
        model.save(tmp_path / "model.safetensors")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_load_refuses_other_files(digits, tmp_path):
    X, y = digits
    resnet(max_epochs=1).fit(X, y).save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="load it with that class"):
        TorchvisionClassifier.load(tmp_path / "model.safetensors")
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "short.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="no saved classifier"):
        ResNetClassifier.load(tmp_path / "short.safetensors")


def test_save_names_what_has_no_json_form(digits, tmp_path):
    X, y = digits
    model = resnet(max_epochs=1, net_params={"optimizer": torch.optim.Adam, "optimizer__momentum": None})
    model = resnet(max_epochs=1, net_params={"callbacks": [Callback()]}).fit(X, y)
    with pytest.raises(TypeError, match="net_params"):
        model.save(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


@every_classifier
def test_pickle_and_clone(make, digits):
    X, y = digits
    model = make().fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_logits(X), model.predict_logits(X))
    assert not hasattr(clone(model), "net_")


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
@pytest.mark.filterwarnings("ignore::skorch.exceptions.DeviceWarning")
def test_a_network_trained_on_a_gpu_serves_where_there_is_none(digits):
    X, y = digits
    model = resnet(max_epochs=1).fit(X, y)
    expected = model.predict_logits(X)
    model.net_.device = "cuda"  # as its training on a GPU leaves it
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_logits(X), expected)


def test_a_network_on_a_numbered_cpu_can_be_pickled(digits):
    X, y = digits
    model = resnet(max_epochs=1, device="cpu:0").fit(X[:64], y[:64])
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_logits(X), model.predict_logits(X))


@pytest.mark.slow
def test_a_fresh_process_can_unpickle_a_torchvision_network(digits, tmp_path):
    X, y = digits
    model = shufflenet(max_epochs=1).fit(X, y)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps((model, X[:5])))
    code = f"import pickle; m, X = pickle.load(open({str(tmp_path / 'model.pkl')!r}, 'rb')); print(*m.predict(X))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert there.split() == [str(label) for label in model.predict(X[:5])]


def test_partial_fit_learns_and_goes_on_after_pickle(digits):
    X, y = digits
    model = resnet(lr=0.05)
    for _ in range(4):
        model.partial_fit(X[:200], y[:200], classes=np.arange(10))
    assert model.score(X[:200], y[:200]) > 0.3
    copy = pickle.loads(pickle.dumps(model))
    model.partial_fit(X[:200], y[:200])
    copy.partial_fit(X[:200], y[:200])
    np.testing.assert_array_equal(copy.predict_logits(X), model.predict_logits(X))


def test_partial_fit_bad_classes(digits):
    X, y = digits
    with pytest.raises(ValueError, match="classes must be given"):
        resnet().partial_fit(X, y)
    model = resnet().partial_fit(X, y, classes=np.arange(10))
    with pytest.raises(ValueError, match="differ"):
        model.partial_fit(X, y, classes=np.arange(11))
    with pytest.raises(ValueError, match="not in classes"):
        model.partial_fit(X, y + 5)


def test_early_stopping_ends_the_training(digits):
    stop = EarlyStopping(monitor="train_loss", patience=1, threshold=10.0)
    model = resnet(max_epochs=6, net_params={"callbacks": [stop]}).fit(*digits)
    assert len(model.history_) == 2
    assert model.predict(digits[0]).shape == (300,)


def test_a_changed_parameter_does_not_change_what_is_saved(digits, tmp_path):
    model = resnet(max_epochs=1).fit(*digits)
    expected = model.predict_logits(digits[0])
    model.set_params(depth=14).save(tmp_path / "model.safetensors")
    loaded = ResNetClassifier.load(tmp_path / "model.safetensors")
    assert loaded.depth == 8
    np.testing.assert_array_equal(loaded.predict_logits(digits[0]), expected)


def test_class_weights_of_an_earlier_training_are_forgotten(digits):
    model = resnet(class_weight={0: 5.0}, max_epochs=1).fit(*digits)
    assert model.net_.criterion_.weight[0] == 5
    model.set_params(class_weight=None).partial_fit(*digits)
    assert model.net_.criterion_.weight is None


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_class_weights_that_teach_nothing_are_refused(digits, weight):
    with pytest.raises(ValueError, match="class_weight must have finite weights above 0"):
        resnet(class_weight={0: weight}).fit(*digits)


def test_missing_labels_are_told_of():
    X = np.zeros((6, 8, 8), dtype=np.uint8)
    for y in (pd.Series(["a", None] * 3, dtype="string"), [None, "a", "b"] * 2, [np.nan, 1, 2] * 2):
        with pytest.raises(ValueError, match="labels are missing"):
            resnet().fit(X, y)


def test_a_net_is_scored_through_its_classifier(digits):
    with pytest.raises(TypeError, match="call predict and score of that one"):
        resnet(max_epochs=1).fit(*digits).net_.predict(digits[0])


def test_interruption_leaves_no_fitted_estimator(digits):
    class Interrupt(Callback):
        def on_epoch_end(self, net, **kwargs):
            signal.raise_signal(signal.SIGINT)

    model = resnet(net_params={"callbacks": [Interrupt()]})
    with pytest.raises(KeyboardInterrupt):
        model.fit(*digits)
    with pytest.raises(NotFittedError):
        model.predict(digits[0])


def test_class_weight_moves_the_decision(digits):
    X, y = digits
    binary = (y == 3).astype(int)
    rare = resnet(max_epochs=4, class_weight={0: 1.0, 1: 50.0}).fit(X, binary).predict(X).mean()
    plain = resnet(max_epochs=4, class_weight={0: 50.0, 1: 1.0}).fit(X, binary).predict(X).mean()
    assert rare > plain


def test_skorch_parameters_and_callbacks_reach_the_net(digits):
    X, y = digits
    model = resnet(net_params={"optimizer": torch.optim.SGD, "optimizer__nesterov": True}).fit(X, y)
    assert model.net_.optimizer_.param_groups[0]["nesterov"]
    assert [row["epoch"] for row in model.history_] == [1, 2, 3]
    assert all(0 <= row["train_acc"] <= 1 for row in model.history_)


def test_train_split_cannot_take_rows(digits):
    from skorch.dataset import ValidSplit

    X, y = digits
    with pytest.warns(UserWarning, match="train_split"):
        model = resnet(max_epochs=1, net_params={"train_split": ValidSplit(5)}).fit(X, y)
    assert len(model.records_["forgetting_events"]) == len(X)


def test_progress_bar_goes_to_stderr(digits, capsys):
    resnet(max_epochs=2, verbose=1).fit(*digits)
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err


def test_threads_that_train_side_by_side_give_the_networks_of_one(digits):
    X, y = digits
    X, y = X[:64], y[:64]
    expected = [
        resnet(max_epochs=1, precision="fp32", random_state=seed).fit(X, y).predict_logits(X)
        for seed in (0, 1)
    ]
    found: dict[int, np.ndarray] = {}

    def train(place):
        model = resnet(max_epochs=1, precision="fp32", random_state=place % 2)
        found[place] = model.fit(X, y).predict_logits(X)

    before = torch.get_rng_state().clone()
    threads = [threading.Thread(target=train, args=(place,)) for place in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(torch.get_rng_state(), before)
    for place, logits in found.items():
        np.testing.assert_array_equal(logits, expected[place % 2])


def test_generators_are_given_back_whichever_block_ends_first():
    before = torch.get_rng_state().clone()
    blocks = [seeded_torch(seed, torch.device("cpu")) for seed in (1, 2, 3)]
    for block in blocks:
        block.__enter__()
    for place in (1, 0, 2):
        blocks[place].__exit__(None, None, None)
    assert torch.equal(torch.get_rng_state(), before)


def test_predict_works_from_several_threads(digits):
    X, y = digits
    model = resnet().fit(X, y)
    expected, found = model.predict_logits(X), []
    threads = [threading.Thread(target=lambda: found.append(model.predict_logits(X))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for logits in found:
        np.testing.assert_array_equal(logits, expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"net_params": {"no_such": 1}}, "net_params"),
        ({"net_params": {"callbacks": 3}}, r"net_params\['callbacks'\]"),
        ({"net_params": {3: 3}}, "net_params"),
        ({"net_params": {"optimizer": "sgd"}}, "net_params"),
        ({"net_params": {"optimizer__no_such": 1}}, "net_params"),
        ({"class_weight": {0: "much"}}, "class_weight"),
        ({"class_weight": {0: float("inf")}}, "class_weight"),
        ({"checkpoint": ""}, "checkpoint"),
        ({"max_epochs": True}, "max_epochs"),
        ({"max_epochs": 10**30}, "max_epochs"),
        ({"schedule": [(1.5, 0.1)]}, "schedule"),
        ({"schedule": [(1, float("inf"))]}, "schedule"),
    ],
)
def test_what_can_be_known_is_checked_without_data(params, message):
    """So a target's parameters are checked before its proxy is trained."""
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match=message):
        ResNetClassifier(depth=8, device="cpu", **params).check_params()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_home_of_a_path_is_found(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    model = resnet(max_epochs=1, checkpoint="~/runs").fit(*digits)
    model.save("~/model.safetensors")
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "model.safetensors"}
    ResNetClassifier.load("~/model.safetensors", device="cpu")
