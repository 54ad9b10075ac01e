"""The hardware of a run, since figures of other processors are other figures."""

import platform
from contextlib import suppress
from pathlib import Path

import torch


def hardware_name() -> str:
    """Return the names of the processor, of the instructions that torch uses, and of the GPU if there is one."""
    kernels = torch.backends.cpu.get_cpu_capability()
    names = [f"{_processor() or platform.machine()} ({kernels})"]
    if torch.cuda.is_available():
        names.append(torch.cuda.get_device_name())
    return ", ".join(names)


def _processor() -> str:
    # On Linux, platform.processor() is empty or the name of the architecture.
    with suppress(OSError, UnicodeDecodeError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor()
