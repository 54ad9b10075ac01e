"""The device that computes, and its precision."""

import warnings
from collections.abc import Mapping
from typing import Any

import torch


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn ``"auto"`` into CUDA where there is a GPU, else the CPU; check any other name.

    Raises
    ------
    ValueError
        For a name that torch does not know, or a device that is not there.
    """
    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"device={device!r} must be 'auto' or a torch device such as 'cpu' or 'cuda:0'."
        ) from error
    if resolved.type == "cuda":
        if not torch.cuda.is_available():
            raise ValueError(
                f"device={device!r} asks for CUDA, but torch sees no CUDA device here; use 'auto' or 'cpu'."
            )
        if resolved.index is not None and resolved.index >= torch.cuda.device_count():
            raise ValueError(
                f"device={device!r} does not exist: torch sees {torch.cuda.device_count()} CUDA device(s)."
            )
    elif resolved.type == "cpu":
        # Without a number: weights on "cpu:0" could not be unpickled.
        return torch.device("cpu")
    elif not _is_there(resolved.type):
        raise ValueError(f"device={device!r} is not available here; use 'auto', 'cpu' or a CUDA device.")
    return resolved


def _is_there(device_type: str) -> bool:
    is_available = getattr(getattr(torch, device_type, None), "is_available", None)
    return is_available is not None and is_available()


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """Turn ``"auto"`` into bfloat16 where the hardware multiplies it faster than float32, else float32.

    Raises
    ------
    ValueError
        For ``"bf16"`` on a CUDA device that cannot do it.
    """
    if precision == "fp32":
        return torch.float32
    native = multiplies_bf16(device)
    if precision == "bf16":
        if device.type == "cuda" and not native:
            name = torch.cuda.get_device_name(device)
            raise ValueError(f"precision='bf16' is not supported by {name}; use 'auto' or 'fp32'.")
        return torch.bfloat16
    return torch.bfloat16 if native else torch.float32


def warn_if_emulated(precision: str, device: torch.device) -> None:
    """Warn of ``"bf16"`` on a CPU that multiplies it no faster than float32."""
    if precision == "bf16" and device.type == "cpu" and not multiplies_bf16(device):
        warnings.warn(
            "precision='bf16': this CPU has no fast bfloat16 arithmetic, and trains more slowly with it than with "
            "float32; 'auto' takes float32 here.",
            UserWarning,
            stacklevel=3,
        )


def multiplies_bf16(device: torch.device) -> bool:
    """Tell whether the hardware multiplies bfloat16 faster than float32: the one place that asks."""
    if device.type == "cuda":
        # torch asks the current device.
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    # oneDNN says yes to AVX-512's products of bfloat16 pairs too, with which a ResNet20 trains more slowly than in
    # float32 (measured on a Xeon without AMX). An old torch cannot be asked for AMX.
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return capabilities.get("architecture") != "x86_64" or capabilities.get("amx_bf16", True)
