"""Saving a fitted classifier without pickle: safetensors with a JSON header."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from .._device import resolve_device
from .._storage._files import replacing
from .._storage._sealed import DamagedFile, checksum_of

_FORMAT = "sksvp classifier 2"
_RECORD = "record "


def save_classifier(estimator, path) -> None:
    """Write weights and a JSON description with a checksum of both; the old file stays until the new one is whole."""
    weights = {name: tensor.contiguous().cpu() for name, tensor in estimator._weights().items()}
    _check_finite(weights, f"{type(estimator).__name__}.save: the training diverged, and the network")
    # No weights, but the evidence of a long training: as costly to get again.
    for name, record in getattr(estimator, "records_", {}).items():
        weights[_RECORD + name] = torch.from_numpy(np.ascontiguousarray(record))
    content = {
        "class": type(estimator).__name__,
        "params": _plain_params(estimator),
        "state": {
            "classes_": {"dtype": estimator.classes_.dtype.str, "values": estimator.classes_.tolist()},
            "n_features_in_": getattr(estimator, "n_features_in_", None),
            "feature_names_in_": list(getattr(estimator, "feature_names_in_", [])),
            "format_": dataclasses.asdict(estimator.format_),
        },
    }
    header = {"format": _FORMAT, "sha256": _checksum(content, weights), **content}
    # As bytes: of a full disk the system's own error names the file.
    written = save(weights, metadata={"sksvp": json.dumps(header)})
    with replacing(path) as part:
        part.write_bytes(written)


def load_classifier(cls, path, *, device: str):
    """Build the classifier anew from its parameters and fill in its weights."""
    resolve_device(device)
    header, weights = _read(Path(path))
    if header["class"] != cls.__name__:
        raise ValueError(f"{path} holds a {header['class']}, not a {cls.__name__}: load it with that class.")
    records = {
        name.removeprefix(_RECORD): weights.pop(name).numpy()
        for name in list(weights)
        if name.startswith(_RECORD)
    }
    _check_finite(weights, f"{path}: the network")
    params = {name: _restore(value) for name, value in header["params"].items()}
    if params.get("class_weight") is not None and not isinstance(params["class_weight"], str):
        params["class_weight"] = dict(params["class_weight"])
    state = header["state"]
    try:
        estimator = cls(**params)
        estimator.classes_ = np.asarray(state["classes_"]["values"], dtype=state["classes_"]["dtype"])
        if state["n_features_in_"] is not None:
            estimator.n_features_in_ = state["n_features_in_"]
        if state["feature_names_in_"]:
            estimator.feature_names_in_ = np.asarray(state["feature_names_in_"], dtype=object)
        if records:
            estimator.records_ = records
        form = {name: _restore(value) for name, value in state["format_"].items()}
        estimator._restore_network(estimator._format_type(**form), weights, device=device)
    except (KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path} does not fit this version of sksvp: {error}") from error
    return estimator


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return header and tensors of a file, when its checksum has been found right."""
    # Not `safe_open`: its tensors are a map of the file, which another process may write to.
    content = path.read_bytes()
    try:
        weights = load(content)
        n_header = int.from_bytes(content[:8], "little")
        text = json.loads(content[8 : 8 + n_header]).get("__metadata__", {}).get("sksvp")
    except SafetensorError as error:
        raise DamagedFile(f"{path} is no saved classifier, or a damaged one: {error}.") from error
    if text is None:
        raise ValueError(f"{path} is no saved classifier of this library.")
    try:
        header = json.loads(text)
        there, checksum = header.pop("format"), header.pop("sha256")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DamagedFile(
            f"{path} is damaged, or of another version of sksvp: its header cannot be read."
        ) from error
    if there != _FORMAT:
        raise ValueError(
            f"{path} holds {there!r}, not {_FORMAT!r}: it is damaged, or of another version of sksvp."
        )
    if checksum != _checksum(header, weights):
        raise DamagedFile(f"{path} is damaged: its checksum is another.")
    return header, weights


def _checksum(content: dict[str, Any], weights: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(checksum_of(content).encode())
    for name in sorted(weights):
        tensor = weights[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _check_finite(weights: dict[str, torch.Tensor], what: str) -> None:
    wrong = [name for name, tensor in weights.items() if not tensor.isfinite().all()]
    if wrong:
        raise ValueError(f"{what} has weights that are not finite ({', '.join(wrong[:3])}).")


def _plain_params(estimator) -> dict:
    params = estimator.get_params(deep=False)
    # Those that the network was built with: `set_params` may have changed them since. What net_params has,
    # such as callbacks, makes no other network, and can be taken away before a file is written.
    built_with = getattr(estimator, "_params_of_fit", {})
    params |= {name: value for name, value in built_with.items() if name != "net_params"}
    # A generator has no further meaning once the weights are there, nor have the machine's device and folders.
    if not isinstance(params["random_state"], int | np.integer | None):
        params["random_state"] = None
    for name, plain in (("device", "auto"), ("checkpoint", None)):
        if name in params:
            params[name] = plain
    if isinstance(params.get("class_weight"), dict):
        # The keys of a JSON object are strings, class labels need not be.
        params["class_weight"] = list(params["class_weight"].items())
    for name, value in params.items():
        try:
            json.dumps(value, default=_plain)
        except TypeError as error:
            raise TypeError(
                f"{name}={value!r} cannot be saved as JSON ({error}); pickle the estimator instead."
            ) from error
    return json.loads(json.dumps(params, default=_plain))


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _restore(value):
    """Give lists back as tuples, the form in which shapes and schedules are usually written."""
    return tuple(_restore(item) for item in value) if isinstance(value, list) else value
