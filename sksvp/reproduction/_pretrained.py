"""Figure of rank correlations between networks that others have trained, from a folder of their weights."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save

from .._clock import Clock
from .._storage._files import replacing
from .._storage._identity import name_of, versions
from .._storage._sealed import sha256_of
from .._torchvision import import_torchvision
from ..agreement import agreement_matrix
from ..estimators import TorchvisionClassifier
from ..experiments import hardware_name
from ..proxies import as_proxy
from ..strategies import entropy
from ._sheet import Sheet, cell, sheet
from ._trainings import Trainings

if TYPE_CHECKING:
    from ._job import Job

# The smallest side that all of these networks take.
_SIDE = 80


@dataclass(frozen=True)
class Pretrained:
    """A network of torchvision, and the file of its weights; None for fresh ones."""

    network: str
    weights: Path | None

    def key(self, trainings: Trainings) -> str:
        """Return the name of its folder in the store."""
        weights = None if self.weights is None else sha256_of(self.weights)
        return name_of({"network": self.network, "weights": weights, "data": trainings.data.fingerprint})[:16]

    def run(self, trainings: Trainings) -> None:
        """Compute the entropy of all training rows, if the store does not have it."""
        key = self.key(trainings)
        if trainings.store.has(key):
            return
        with trainings.store._working_on(key) as folder:
            # Another process may have had the lock before.
            if not trainings.store.has(key):
                self._compute(trainings, key, folder)

    def _compute(self, trainings: Trainings, key: str, folder: Path) -> None:
        with Clock() as clock:
            file = self.weights or _fresh_weights(self.network, folder)
            X = _large_enough(trainings.data.X_train)
            classifier = TorchvisionClassifier.from_pretrained(
                self.network, file, image_size=X.shape[1], device=trainings.device
            )
            evidence = as_proxy(classifier, classes=classifier.classes_).gather(X, ("probabilities",))
            trainings.store._write_arrays(key, "entropy", {"scores": evidence.score_rows(entropy)})
        record: dict[str, Any] = {
            "name": self.network,
            "about_rows": "pretrained" if self.weights else "fresh weights",
            "dataset": trainings.data.name,
            "data": trainings.data.fingerprint,
            "network": {"estimator": f"torchvision.models.{self.network}"},
            "n_rows": len(trainings.data.y_train),
            "seed": 0,
            "error": None,
            "epochs": None,
            "history": [],
            "fit": {"seconds": clock.wall, "cpu_seconds": clock.cpu},
            "versions": versions(("torch", "torchvision")),
            "hardware": hardware_name(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        trainings.store._add(key, record)
        trainings.report(f"{key[:8]}  {self.network}: entropy of all rows, {clock.cpu:.1f} CPU s")


def needs(job: "Job") -> Iterator[Pretrained]:
    """Yield the networks whose weights are there; at the scale "smoke" without weights, some with fresh ones."""
    settings = job.table.settings
    if job.weights is None:
        if job.scale != "smoke":
            raise ValueError(
                f"weights=None: {job.table.name} needs a folder of weights of torchvision's networks."
            )
        yield from (Pretrained(network, None) for network in settings["smoke"])
        return
    files = {network: _file_of(job.weights, network) for network in settings["networks"]}
    found = [Pretrained(network, file) for network, file in files.items() if file is not None]
    if len(found) < 2:
        raise ValueError(
            f"weights={str(job.weights)!r} must have the weights of two networks at least, as NAME.safetensors or "
            f"NAME.pth, with names such as {', '.join(settings['networks'][:3])}; got {len(found)}."
        )
    yield from found


def sheet_of(job: "Job") -> Sheet:
    """Return the correlation of each pair of networks."""
    scores = {
        need.network: job.trainings.store._read_arrays(need.key(job.trainings), "entropy")["scores"]
        for need in needs(job)
        if job.trainings.store.has(need.key(job.trainings))
    }
    matrix = agreement_matrix(scores, method=job.table.settings["method"]) if scores else None
    lines = []
    for first in needs(job):
        for second in needs(job):
            pair = first.network, second.network
            # A network agrees with itself.
            known = matrix is not None and set(pair) <= set(scores)
            value = 1.0 if pair[0] == pair[1] else matrix.loc[pair] if known else None  # type: ignore[union-attr]
            lines.append(cell("entropy", *pair, [value if known else None]))
    return sheet(lines, drawn="heat", x_label="network")


def _file_of(folder: Path, network: str) -> Path | None:
    """Return the file of a network, NAME.pth or as torchvision names it, NAME-0123abcd.pth."""
    name = re.compile(rf"{network}(-[0-9a-f]+)?\.(pth|safetensors)")
    found = [file for file in sorted(folder.iterdir()) if name.fullmatch(file.name)]
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise ValueError(
            f"weights={str(folder)!r} has several files for {network!r}, {names}: leave one there."
        )
    return found[0] if found else None


def _fresh_weights(network: str, folder: Path) -> Path:
    """Write the weights of a network that nobody has trained."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = import_torchvision().models.get_model(network, weights=None)
    file = folder / f"{network}.safetensors"
    with replacing(file) as part:
        part.write_bytes(save(module.state_dict()))
    return file


def _large_enough(X: Any) -> Any:
    """Return images that all networks take: small ones enlarged, grey ones in three channels."""
    if len(X.shape) == 4 and min(X.shape[1:3]) >= _SIDE:
        return X
    images = np.asarray(X)
    images = images[..., None] if images.ndim == 3 else images
    factor = -(-_SIDE // min(images.shape[1:3]))
    return np.broadcast_to(
        images.repeat(factor, axis=1).repeat(factor, axis=2),
        (len(images), images.shape[1] * factor, images.shape[2] * factor, 3),
    ).copy()
