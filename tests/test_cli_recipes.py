"""Recipes of proxies and targets on the command line."""

import json

import pytest
import torch
from test_cli import run

from sksvp._torchvision import import_torchvision
from sksvp.cli._data import Data
from sksvp.cli._networks import Learning, Networks, build_pair

DIGITS = Data(dataset="digits")
TARGET_RECIPE = Learning(
    epochs=9, batch_size=64, lr=0.2, schedule="constant", momentum=0.5, weight_decay=0.01
)


def recipe(network):
    names = ("max_epochs", "batch_size", "lr", "schedule", "momentum", "weight_decay")
    return tuple(network.get_params(deep=False)[name] for name in names)


def test_a_proxy_has_the_recipe_of_the_target_unless_it_is_given_its_own():
    pair = build_pair(DIGITS, Networks(proxy=["resnet8"]), TARGET_RECIPE)
    assert recipe(pair.proxy) == recipe(pair.target) == (9, 64, 0.2, "constant", 0.5, 0.01)
    own = Networks(
        proxy=["resnet8"], proxy_epochs=5, proxy_schedule="cifar:18", proxy_lr=0.05, proxy_weight_decay=0.0
    )
    pair = build_pair(DIGITS, own, TARGET_RECIPE)
    assert recipe(pair.proxy) == (5, 64, 0.05, "cifar:18", 0.5, 0.0)
    assert recipe(pair.target) == (9, 64, 0.2, "constant", 0.5, 0.01)


def test_the_recipe_of_a_name_goes_before_that_of_all_proxies():
    early, late = "resnet8:epochs=2,schedule=cifar:9,augment=none", "resnet8:batch-size=16"
    pair = build_pair(DIGITS, Networks(proxy=[early, late, late], proxy_epochs=7), TARGET_RECIPE)
    assert list(pair.proxies) == [early, late]
    assert recipe(pair.proxies[early])[:4] == (2, 64, 0.2, "cifar:9")
    assert recipe(pair.proxies[late])[:4] == (7, 16, 0.2, "constant")
    assert (pair.proxies[early].augment, pair.proxies[late].augment) == ((), "auto")
    assert pair.kinds == ["resnet8", "resnet8", "resnet20"]


def test_published_weights_are_those_of_one_network(tmp_path):
    name = "shufflenet_v2_x0_5"
    file = tmp_path / "weights.pth"
    torch.save(import_torchvision().models.get_model(name, weights=None).state_dict(), file)
    spec = f"torchvision:{name}:weights={file},head-epochs=1,epochs=2"
    pair = build_pair(DIGITS, Networks(proxy=["resnet8"], target=spec), Learning())
    assert (pair.target.weights, pair.target.head_epochs, pair.target.max_epochs) == (file, 1, 2)
    alike = build_pair(DIGITS, Networks(proxy=[f"torchvision:{name}"], target=spec), Learning())
    assert (alike.proxy.weights, alike.proxy.head_epochs) == (None, 0)
    before = pair.settings["content of the weights"]
    file.write_bytes(file.read_bytes() + b"0")
    after = build_pair(DIGITS, Networks(proxy=["resnet8"], target=spec), Learning()).settings
    assert len(before) == 1 and before != after["content of the weights"]


def test_a_command_trains_from_published_weights(tmp_path):
    name = "shufflenet_v2_x0_5"
    torch.save(import_torchvision().models.get_model(name, weights=None).state_dict(), tmp_path / "w.pth")
    result = run(
        "coreset", "--dataset", "digits", "--train-rows", 60, "--proxy", "resnet8:epochs=1", "--device", "cpu",
        "--target", f"torchvision:{name}:weights={tmp_path / 'w.pth'},head-epochs=1", "--epochs", 2, "--seeds", 1,
        "--strategy", "entropy", "--baseline", "none", "--out", tmp_path / "run",
    )  # fmt: skip
    assert result.exit_code == 0, result.output


def test_augmentations_and_adam_of_the_proxy_alone():
    learning = Learning(augment=["crop", "flip"], momentum=0.8)
    own = Networks(proxy=["resnet8"], proxy_optimizer="adam", proxy_lr=1e-3, proxy_augment=["none"])
    pair = build_pair(DIGITS, own, learning)
    assert pair.proxy.net_params["optimizer"] is torch.optim.Adam
    assert pair.target.net_params is None and pair.target.momentum == 0.8
    assert (pair.proxy.augment, pair.target.augment) == ((), ("crop", "flip"))


def test_a_vdcnn_with_a_recipe_has_the_usual_pooling(tmp_path):
    (tmp_path / "a.csv").write_text("1,a,b\n2,c,d\n")
    networks = Networks(proxy=["vdcnn9:epochs=2"], target="vdcnn29:epochs=3")
    pair = build_pair(Data(data=tmp_path / "a.csv"), networks, Learning())
    assert (pair.proxy.pooling, pair.proxy.max_epochs) == ("maxpool", 2)
    assert (pair.target.pooling, pair.target.max_epochs) == ("conv", 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--proxy", "resnet8:epoch=2"], "--proxy resnet8:epoch=2: the recipe of a network has epochs, batch-size"),
        (["--proxy", "resnet8:weights=no.pth"], "--proxy resnet8:weights=no.pth: --weights no.pth does not exist"),
        (["--proxy", "resnet8:head-epochs=1"], "--proxy resnet8 takes no --head-epochs"),
        (["--proxy", "resnet8:epochs=0"], "--proxy resnet8:epochs=0: --epochs must be a whole number"),
        (["--proxy", "resnet8:lr=1,lr=2"], "--proxy resnet8:lr=1,lr=2: lr is given twice."),
        (["--proxy", "resnet8:"], "--proxy resnet8: is unknown"),
        (["--proxy", "resnet8:augment=none,augment=crop"], "--augment none changes no image"),
        (["--target", "resnet8:epochs=5,schedule=cifar:4"], "--schedule cifar:4 has 4 epochs, fewer than --epochs 5."),
        (
            ["--proxy-epochs", "5", "--proxy-schedule", "cifar:4"],
            "--proxy-schedule cifar:4 has 4 epochs, fewer than --proxy-epochs 5.",
        ),
        (["--proxy-schedule", "cifar:0"], "--proxy-schedule must be one of cifar, "),
        (["--proxy-schedule", "cosine"], "one-cycle, or one of them with the epochs of which a training has the first"),
        (["--proxy-momentum", "1"], "--proxy-momentum must be a number from 0 and below 1, got '1'."),
        (["--weight-decay", "-1"], "--weight-decay must be a number from 0 and finite, got '-1'."),
        (["--optimizer", "adam", "--momentum", "0.5"], "--momentum 0.5 would change nothing: adam has none."),
        (
            ["--proxy-optimizer", "adam", "--proxy-momentum", "0.5"],
            "--proxy-momentum 0.5 would change nothing: adam has none.",
        ),
        (["--augment", "mirror"], "--augment must be one of crop, flip"),
        (["--proxy-augment", "none", "--proxy-augment", "crop"], "--proxy-augment none changes no image"),
        (["--augment", "none", "--augment", "crop"], "--augment none changes no image"),
        (
            ["--schedule", "cifar:40", "--updates", "equal"],
            "--updates equal needs a target whose schedule is scaled to its epochs, got --schedule cifar:40.",
        ),
    ],
)  # fmt: skip
def test_wrong_recipes_are_one_line(arguments, words, tmp_path):
    result = run("coreset", "--dataset", "digits", "--device", "cpu", *arguments, "--out", tmp_path / "out")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert words in result.stderr


def test_two_proxies_in_one_run_and_table(tmp_path):
    early = "resnet8:epochs=1,schedule=cifar:4"
    result = run(
        "coreset", "--dataset", "digits", "--train-rows", 150, "--test-rows", 80, "--seeds", 1, "--device", "cpu",
        "--proxy", early, "--proxy", "resnet8", "--target", "resnet8", "--epochs", 2, "--batch-size", 32,
        "--strategy", "margin", "--baseline", "random", "--baseline", "all", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    names = {row["name"] for row in json.loads((tmp_path / "out" / "results.json").read_text())}
    assert names == {f"margin by {early}", "margin by resnet8", "random", "all rows"}
    settings = json.loads((tmp_path / "out" / "config.json").read_text())["settings"]
    assert settings["proxy"] == [early, "resnet8"]
    # Each proxy is stored once, and the target's arms without a proxy are shared.
    assert len(list((tmp_path / "out" / "proxies").glob("*/*/proxy.joblib"))) == 2
    assert len(list((tmp_path / "out" / "trainings").glob("*.json"))) == 2 + 4
    assert f"proxy {early}, seed 0: " in result.output


@pytest.mark.parametrize("command", ["coreset", "active", "train"])
def test_several_processes_would_write_one_folder(command, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = run(command, "--dataset", "digits", "--out", tmp_path / "out")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "each would write the same --out" in result.stderr and not (tmp_path / "out").exists()
