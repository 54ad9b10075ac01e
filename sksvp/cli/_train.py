"""The command ``sksvp train``."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer
from typer import Option

from .._clock import Clock
from ._config import write_config
from ._data import Data
from ._folders import new_folder
from ._groups import Group, takes_groups
from ._models import build_classifier, full_name, network_kind, network_names
from ._networks import Learning
from ._run import Run, says_how_to_go_on


@dataclass(frozen=True)
class Network(Group):
    """The network."""

    panel: ClassVar[str] = "Network"

    network: Annotated[
        str | None,
        Option(help=f"What is trained: {network_names()}.", show_default="resnet20; texts: bag-of-ngrams"),
    ] = None
    seed: Annotated[int, Option(help="Seed of weights, order and augmentation.")] = 0


@takes_groups
def train(data: Data, network: Network, learning: Learning, run: Run) -> None:
    """Train one network on all rows, and report its error on the test rows.

    Writes the network (network.safetensors), its loss and accuracy by epoch
    (history.csv; fasttext tells none) and the result (results.json).
    """
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
    from ..experiments import clocks_in_order, forget_training, in_words, keep_training, training_folder

    folder = new_folder("train", run.out)
    kept = training_folder(folder, "network")
    if (folder / "results.json").exists():
        raise ValueError(f"--out {folder} holds a finished run: name another folder.")
    if kept.exists() and not run.resume:
        raise ValueError(f"--out {folder} holds a stopped run: add --resume, or name another folder.")
    if kept.exists() and not run.checkpoint_every:
        raise ValueError(f"--out {folder} holds a stopped run: --checkpoint-every must not be 0.")
    # The stopped training's own folder: with other options it is refused, not begun anew beside it.
    stopped = [path for path in kept.glob("*") if has_states(path)]
    keep_training(classifier, stopped[0] if stopped else kept, run.checkpoint_every)
    if not stopped:
        write_config(folder, "train", data, network, learning, run)
    with says_how_to_go_on(folder), Clock() as clock:
        classifier.fit(bunch.X_train, bunch.y_train)
    clock.add_earlier(classifier)
    error = 1.0 - classifier.score(bunch.X_test, bunch.y_test)
    # The program fasttext tells none.
    if hasattr(classifier, "history_"):
        history = pd.DataFrame(classifier.history_[:, ("epoch", "dur", "train_loss", "train_acc")])
        history.columns = ["epoch", "seconds", "train_loss", "train_accuracy"]
        with replacing(folder / "history.csv") as part:
            history.to_csv(part, index=False)
    if "net_params" in classifier.get_params(deep=False):
        # --optimizer is a class there, which the file has no place for, and the network needs no more.
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
        },
    )
    forget_training(kept)
    seconds = in_words(clock, clocks_in_order(classifier))
    typer.echo(f"{name}: error {100 * error:.2f} % on {len(bunch.y_test):,} test rows, trained in {seconds}")
    typer.echo(f"written to {folder}")
