"""Figure of rank correlations between networks that others have trained, from a folder of their weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load

from .._clock import Clock
from .._device import resolve_device
from .._inputs._containers import take_rows
from .._storage._identity import name_of, versions
from .._storage._sealed import sha256_of
from .._torchvision import import_torchvision
from ..agreement import agreement_matrix
from ..experiments import hardware_name
from ..strategies import entropy
from ._sheet import Sheet, cell, sheet
from ._trainings import Trainings

if TYPE_CHECKING:
    from ._job import Job

_SUFFIXES = (".safetensors", ".pth", ".pt")
_ROWS = 64
# The smallest side that all of these networks take.
_SIDE = 80
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


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
        with trainings.store._working_on(key), Clock() as clock:
            module = _build(self.network, self.weights).to(resolve_device(trainings.device))
            trainings.store._write_arrays(key, "entropy", {"scores": _entropies(module, trainings)})
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
    files = (folder / f"{network}{suffix}" for suffix in _SUFFIXES)
    return next((file for file in files if file.is_file()), None)


def _build(network: str, weights: Path | None) -> torch.nn.Module:
    models = import_torchvision().models
    more: dict[str, Any] = {"weights": None}
    if network in ("googlenet", "inception_v3"):
        more |= {"aux_logits": True, "init_weights": weights is None}
    if weights is None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return models.get_model(network, **more).eval()
    state = _read(weights)
    with torch.device("meta"):
        *_, last = models.get_model(network, **more).state_dict()
    try:
        # The last layer tells the number of classes.
        module = models.get_model(network, **more, num_classes=len(state[last]))
        module.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{weights} does not hold the weights of {network}: {error}") from error
    return module.eval()


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load(path.read_bytes())
        return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as weights: {error}") from error


def _entropies(module: torch.nn.Module, trainings: Trainings) -> np.ndarray:
    X, device = trainings.data.X_train, resolve_device(trainings.device)
    found = []
    with torch.inference_mode():
        for start in range(0, len(trainings.data.y_train), _ROWS):
            block = take_rows(X, np.arange(start, min(start + _ROWS, len(trainings.data.y_train))))
            logits = module(_images(np.asarray(block)).to(device))
            found.append(entropy(logits.double().log_softmax(dim=1).cpu().numpy(), log=True))
    return np.concatenate(found)


def _images(block: np.ndarray) -> torch.Tensor:
    """Return images as these networks were trained on them: three channels, normalised, not too small."""
    images = torch.from_numpy(np.ascontiguousarray(block)).float()
    images = images[..., None] if images.ndim == 3 else images
    if images.shape[-1] in (1, 3):
        images = images.permute(0, 3, 1, 2)
    images = images.expand(-1, 3, -1, -1) / 255
    if min(images.shape[2:]) < _SIDE:
        images = torch.nn.functional.interpolate(images, size=(_SIDE, _SIDE))
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (_MEAN, _DEVIATION))
    return (images - mean) / deviation
