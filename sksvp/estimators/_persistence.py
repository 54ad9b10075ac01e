"""Saving a fitted classifier without pickle: safetensors with a JSON header."""

import dataclasses
import json

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .._storage._files import replacing

_FORMAT = "sksvp-classifier-1"
_RECORD = "record "


def save_classifier(estimator, path) -> None:
    """Write weights and a JSON description; the old file stays until the new one is whole."""
    header = {
        "format": _FORMAT,
        "class": type(estimator).__name__,
        "params": _plain_params(estimator),
        "state": {
            "classes_": {"dtype": estimator.classes_.dtype.str, "values": estimator.classes_.tolist()},
            "n_features_in_": getattr(estimator, "n_features_in_", None),
            "feature_names_in_": list(getattr(estimator, "feature_names_in_", [])),
            "format_": dataclasses.asdict(estimator.format_),
        },
    }
    weights = estimator._weights()
    # No weights, but the evidence of a long training: as costly to get again.
    for name, record in getattr(estimator, "records_", {}).items():
        weights[_RECORD + name] = torch.from_numpy(np.ascontiguousarray(record))
    with replacing(path) as part:
        save_file(weights, part, metadata={"sksvp": json.dumps(header)})


def load_classifier(cls, path, *, device: str):
    """Build the classifier anew from its parameters and fill in its weights."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("sksvp", "{}"))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (safe_open is no dict)
    except SafetensorError as error:
        raise ValueError(f"{path} is no saved classifier: {error}.") from error
    if header.get("format") != _FORMAT:
        raise ValueError(f"{path} is no saved classifier of this library.")
    if header["class"] != cls.__name__:
        raise ValueError(f"{path} holds a {header['class']}, not a {cls.__name__}: load it with that class.")
    params = {name: _restore(value) for name, value in header["params"].items()}
    if params.get("class_weight") is not None and not isinstance(params["class_weight"], str):
        params["class_weight"] = dict(params["class_weight"])
    estimator = cls(**params)
    state = header["state"]
    estimator.classes_ = np.asarray(state["classes_"]["values"], dtype=state["classes_"]["dtype"])
    if state["n_features_in_"] is not None:
        estimator.n_features_in_ = state["n_features_in_"]
    if state["feature_names_in_"]:
        estimator.feature_names_in_ = np.asarray(state["feature_names_in_"], dtype=object)
    records = {name: weights.pop(name).numpy() for name in list(weights) if name.startswith(_RECORD)}
    if records:
        estimator.records_ = {name.removeprefix(_RECORD): record for name, record in records.items()}
    form = {name: _restore(value) for name, value in state["format_"].items()}
    estimator._restore_network(estimator._format_type(**form), weights, device=device)
    return estimator


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
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _restore(value):
    """Give lists back as tuples, the form in which shapes and schedules are usually written."""
    return tuple(_restore(item) for item in value) if isinstance(value, list) else value
