"""The command ``sksvp train``."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar

import typer

from .._clock import Clock
from ._config import write_config
from ._data import Data
from ._folders import new_folder
from ._groups import Group, option, takes_groups
from ._models import build_classifier, full_name, network_kind, network_names
from ._networks import Learning
from ._run import Run, says_how_to_go_on


@dataclass(frozen=True)
class Network(Group):
    """The network."""

    panel: ClassVar[str] = "Network"

    network: str | None = option(
        f"What is trained: {network_names()}.", unset="resnet20; texts: bag-of-ngrams"
    )
    test_every_epoch: bool = option(
        "Measure the test error after every epoch, for history.csv.", default=False
    )
    seed: int = option("Seed of weights, order and augmentation.", default=0, low=0, high=2**32 - 1)


@takes_groups
def train(data: Data, network: Network, learning: Learning, run: Run) -> None:
    """Train one network on all rows, and report its error on the test rows.

    Writes the network (network.safetensors), its loss and accuracy by epoch
    (history.csv; not of fasttext) and the result (results.json).
    """
    run.check(data)
    if run.resume and not (run.out / "config.json").exists():  # type: ignore[operator]
        raise ValueError(f"--out {run.out} holds no run that --resume can continue.")
    data.check()
    default = "bag-of-ngrams" if data.holds_texts() else "resnet20"
    name = full_name(network.network or default, data.dataset)
    network_kind(name)
    filled = learning.filled(data)
    classifier = build_classifier(name, random_state=network.seed, **filled.params(data))
    bunch = data.load(classifier, [name])

    import pandas as pd

    from .._storage._files import replacing, write_json
    from ..estimators import measuring_test_error
    from ..experiments import RunFolder, clocks_in_order, in_words, keep_training, training_folder
    from ._bunch import data_digest

    settings = {
        **data.settings(),
        "network": name,
        "seed": network.seed,
        "test_every_epoch": network.test_every_epoch,
        **filled.settings(classifier),
        "content of the data": data_digest(bunch),
    }
    folder = RunFolder(new_folder("train", run.out), settings, resume=run.resume)
    if folder.has("network"):
        raise ValueError(f"--out {folder.path} holds a finished run: name another folder.")
    write_config(folder.path, "train", data, network, learning, run)
    keep_training(classifier, training_folder(folder.path, "network"), run.checkpoint_every)
    tests = measuring_test_error(bunch.X_test, bunch.y_test) if network.test_every_epoch else nullcontext()
    with folder.alone(), says_how_to_go_on(folder.path), tests, Clock() as clock:
        classifier.fit(bunch.X_train, bunch.y_train)
    clock.add_earlier(classifier)
    error = 1.0 - classifier.score(bunch.X_test, bunch.y_test)
    # fasttext has no history.
    if hasattr(classifier, "history_"):
        columns = {
            "epoch": "epoch",
            "dur": "seconds",
            "train_loss": "train_loss",
            "train_acc": "train_accuracy",
        }
        columns |= {"test_error": "test_error"} if network.test_every_epoch else {}
        history = pd.DataFrame(classifier.history_[:, tuple(columns)])
        history.columns = list(columns.values())
        with replacing(folder.path / "history.csv") as part:
            history.to_csv(part, index=False)
    if "net_params" in classifier.get_params(deep=False):
        # They hold the optimizer's class, which cannot be saved and which a trained network does not need.
        classifier.set_params(net_params=None)
    classifier.save(folder.path / "network.safetensors")
    record = {
        "network": name,
        "seed": network.seed,
        "error": error,
        "seconds": clock.wall,
        "cpu_seconds": clock.cpu,
    }
    write_json(folder.path / "results.json", record)
    folder.add("network", {"kind": "network", **record})
    seconds = in_words(clock, clocks_in_order(classifier))
    typer.echo(
        f"{name}: error {100 * error:.2f} % on {len(bunch.y_test):,} test rows, trained in {seconds} "
        f"{folder.hardware()}"
    )
    typer.echo(f"written to {folder.path}")
