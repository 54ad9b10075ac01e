"""The command ``sksvp train``."""

from dataclasses import dataclass
from typing import ClassVar

import typer

from .._clock import Clock
from .._storage._run_mark import IN_PROGRESS
from ._config import write_config
from ._data import Data
from ._folders import new_folder
from ._groups import Group, option, takes_groups
from ._models import build_classifier, full_name, network_kind, network_names, precision_of
from ._networks import Learning
from ._run import Run, says_how_to_go_on


@dataclass(frozen=True)
class Network(Group):
    """The network."""

    panel: ClassVar[str] = "Network"

    network: str | None = option(
        f"What is trained: {network_names()}.", unset="resnet20; texts: bag-of-ngrams"
    )
    seed: int = option("Seed of weights, order and augmentation.", default=0, low=0, high=2**32 - 1)


@takes_groups
def train(data: Data, network: Network, learning: Learning, run: Run) -> None:
    """Train one network on all rows, and report its error on the test rows.

    Writes the network (network.safetensors), its loss and accuracy by epoch
    (history.csv; not of fasttext) and the result (results.json).
    """
    _check_folder(run)
    data.check()
    default = "bag-of-ngrams" if data.holds_texts() else "resnet20"
    name = full_name(network.network or default, data.dataset)
    network_kind(name)
    filled = learning.filled(data)
    classifier = build_classifier(
        name, max_epochs=filled.epochs, random_state=network.seed, **filled.params(data)
    )
    bunch = data.load(classifier, [name])

    import pandas as pd

    from .._storage._checkpoint import has_states
    from .._storage._files import replacing, write_json
    from ..experiments import (
        clocks_in_order,
        forget_training,
        hardware_name,
        in_words,
        keep_training,
        training_folder,
    )

    folder = new_folder("train", run.out)
    kept = training_folder(folder, "network")
    # With the stopped training's own folder, other options are refused; with its parent they would begin anew.
    stopped = [path for path in kept.glob("*") if has_states(path)]
    keep_training(classifier, stopped[0] if stopped else kept, run.checkpoint_every)
    if not stopped:
        write_config(folder, "train", data, network, learning, run)
    with says_how_to_go_on(folder), Clock() as clock:
        classifier.fit(bunch.X_train, bunch.y_train)
    clock.add_earlier(classifier)
    error = 1.0 - classifier.score(bunch.X_test, bunch.y_test)
    # fasttext has no history.
    if hasattr(classifier, "history_"):
        history = pd.DataFrame(classifier.history_[:, ("epoch", "dur", "train_loss", "train_acc")])
        history.columns = ["epoch", "seconds", "train_loss", "train_accuracy"]
        with replacing(folder / "history.csv") as part:
            history.to_csv(part, index=False)
    if "net_params" in classifier.get_params(deep=False):
        # They hold the optimizer's class, which cannot be saved and which a trained network does not need.
        classifier.set_params(net_params=None)
    classifier.save(folder / "network.safetensors")
    write_json(
        folder / "results.json",
        {
            "network": name,
            "seed": network.seed,
            "error": error,
            "seconds": clock.wall,
            "cpu_seconds": clock.cpu,
            "precision": precision_of(classifier),
            "hardware": hardware_name(),
        },
    )
    forget_training(kept)
    seconds = in_words(clock, clocks_in_order(classifier))
    typer.echo(f"{name}: error {100 * error:.2f} % on {len(bunch.y_test):,} test rows, trained in {seconds}")
    typer.echo(f"written to {folder}")


def _check_folder(run: Run) -> None:
    """Check that `out` holds a run to resume, or none, before anything is loaded."""
    if run.resume and run.out is None:
        raise ValueError("--resume needs --out, the folder of the run.")
    if run.out is None:
        return
    stopped = (run.out / IN_PROGRESS).exists()
    if (run.out / "results.json").exists():
        raise ValueError(f"--out {run.out} holds a finished run: name another folder.")
    if run.resume and not (run.out / "config.toml").exists():
        raise ValueError(f"--out {run.out} holds no run that --resume can continue.")
    if stopped and not run.resume:
        raise ValueError(f"--out {run.out} holds a stopped run: add --resume, or name another folder.")
    if stopped and not run.checkpoint_every:
        raise ValueError(f"--out {run.out} holds a stopped run: --checkpoint-every must not be 0.")
