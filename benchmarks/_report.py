"""Medians with their intervals, and where figures come from."""

import argparse
import json
import os
import platform
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from sksvp._clock import processor_seconds
from sksvp._device import multiplies_bf16


def parser(description: str) -> argparse.ArgumentParser:
    """Options that every benchmark has."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    options.add_argument("--threads", type=int, default=1, help="torch threads")
    options.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs" / "results")
    return options


def median_interval(values, level: float = 0.95) -> dict[str, float]:
    """Median of the values and its bootstrap interval."""
    values = np.asarray(values, dtype=float)
    draws = np.random.RandomState(0).choice(values, size=(10_000, len(values)))
    low, high = np.quantile(np.median(draws, axis=1), [(1 - level) / 2, (1 + level) / 2])
    return {"median": float(np.median(values)), "low": float(low), "high": float(high), "n": len(values)}


def take_turns(sides: dict[str, Callable[[], object]], rounds: int) -> list[dict[str, float]]:
    """Run all sides once unmeasured, then in turns; return their processor seconds of each round."""
    for work in sides.values():
        work()
    measured = []
    for k in range(rounds):
        # The order alternates, so that no side always runs first.
        order = list(sides) if k % 2 == 0 else list(sides)[::-1]
        times = {name: _cpu_seconds(sides[name]) for name in order}
        measured.append({name: times[name] for name in sides})
    return measured


def _cpu_seconds(work: Callable[[], object]) -> float:
    start = processor_seconds()
    work()
    return processor_seconds() - start


def ratio(rounds: list[dict[str, float]], side: str, other: str) -> dict[str, float]:
    """How many times longer a side takes than another one of the same round: median and interval."""
    return median_interval([times[side] / times[other] for times in rounds])


def machine() -> dict[str, object]:
    """Describe what the figures were measured on."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line.split(":", 1)[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        name = models[0] if models else name
    return {
        "cpu": name,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "bf16": multiplies_bf16(torch.device("cpu")),
    }


def footer(name: str, content: dict) -> str:
    """How a page's figures were made and where they are, from the content of its JSON file."""
    # A note is on the page already.
    command, where = content["command"].partition(" --note ")[0], content["machine"]
    return (
        f"By `{command}` on {where['cpu']}, {where['cores']} cores, {where['threads']} torch thread(s), "
        f"torch {where['torch']}. All figures: [{name}.json]({name}.json)."
    )


def write(out: Path, name: str, figures: dict, lines: list[str]) -> None:
    """Write NAME.json and NAME.md, and show the latter."""
    out.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["python", f"benchmarks/{name}.py", *sys.argv[1:]])
    content = {"command": command, "machine": machine(), **figures}
    (out / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    text = "\n".join([*lines, "", footer(name, content), ""])
    (out / f"{name}.md").write_text(text)
    print(text)
