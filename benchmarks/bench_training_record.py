"""The training record: what noting it costs a training, its bytes, and the seconds of all scores at ImageNet's size."""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from _report import parser, ratio, take_turns, write

from sksvp._clock import Clock
from sksvp.estimators import ResNetClassifier
from sksvp.strategies import (
    Evidence,
    RecordChanges,
    RecordFeatureNorms,
    RecordVisits,
    TrainingRecord,
    confidence,
    correctness,
    resolve_strategy,
)

# The recorders of each side, beside forgetting events, which every training has.
SIDES: dict[str, tuple[str, ...]] = {
    "without": (),
    "record": ("training_record",),
    "record and feature norms": ("training_record", "feature_norm"),
    "all": ("training_record", "feature_norm", "change"),
}
SCORES = ("el2n", "aum", "variability", "dyn_unc", "dual", "tdds", "cld", "beta", "stratified")


def recording(args: argparse.Namespace) -> dict:
    """Train with more and more of the recorders, in turns."""
    rng = np.random.RandomState(0)
    X, y = rng.randint(0, 256, (args.rows, 32, 32, 3)).astype(np.uint8), rng.randint(0, 10, args.rows)

    def train(recorders: tuple[str, ...]) -> Callable[[], object]:
        def work() -> None:
            model = ResNetClassifier(
                args.depth, max_epochs=args.epochs, batch_size=args.batch_size, device="cpu", random_state=0
            )
            with model.observe(recorders):
                model.fit(X, y)

        return work

    rounds = take_turns({name: train(recorders) for name, recorders in SIDES.items()}, args.rounds)
    return {
        "cpu_seconds": rounds,
        "ratios": {name: ratio(rounds, name, "without") for name in SIDES if name != "without"},
    }


class Drawn:
    """Values of the recorders of a training that learns most rows, drawn visit by visit."""

    def __init__(self, n_rows: int, n_visits: int):
        rng = np.random.default_rng(0)
        self.n_rows = n_rows
        self.y = rng.integers(0, 1000, n_rows)
        visits, changes = RecordVisits(n_rows), RecordChanges(n_rows)
        rows = np.arange(n_rows)
        for visit in range(n_visits):
            p = rng.beta(1 + visit / 8, 2, n_rows).astype(np.float32)
            values = [-np.log(p), p * p + (1 - p) ** 2 / 9, np.log(p / (1 - p + 1e-6))]
            visits.note(rows, np.stack(values, axis=1))
            # Two classes stand for the probabilities; the channel has one number a visit in any case.
            changes.note(rows, np.log(np.stack([p, 1 - p + 1e-6], axis=1)).astype(np.float16))
        self.evidence = Evidence(training_record=visits.result(), change=changes.result(), y=self.y)


def own_megabytes() -> float:
    """Return the memory that is the process's own, without pages of mapped files; NaN elsewhere than on Linux."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")), float("nan"))


@contextmanager
def watching_memory() -> Iterator[list[float]]:
    """Collect the process's own megabytes, before the block and within it."""
    seen, is_over = [own_megabytes()], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            seen.append(own_megabytes())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def scoring(args: argparse.Namespace) -> dict:
    """Compute every score of a drawn record."""
    drawn = Drawn(args.scored_rows, args.visits)
    seconds, evidence = {}, drawn.evidence
    with watching_memory() as megabytes:
        before = time.perf_counter()
        with Clock() as clock:
            record = TrainingRecord.of(evidence)
        seconds["check of the record"] = {"wall": clock.wall, "cpu": clock.cpu}
        work: dict[str, Callable[[], object]] = {
            name: lambda name=name: resolve_strategy(name).rank(evidence, drawn.n_rows // 10, random_state=0)
            for name in SCORES
        }
        work |= {
            "confidence": lambda: confidence(record.require("loss")),
            "correctness": lambda: correctness(record.require("margin")),
        }
        for name, score in work.items():
            with Clock() as clock:
                score()
            seconds[name] = {"wall": clock.wall, "cpu": clock.cpu}
        wall = time.perf_counter() - before
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "record.npz"
            for name, act in {
                "save": lambda: record.save(path),
                "load": lambda: TrainingRecord.load(path, mmap_mode="r"),
            }.items():
                with Clock() as clock:
                    act()
                seconds[name] = {"wall": clock.wall, "cpu": clock.cpu}
    return {
        "seconds": seconds,
        "all_scores": {
            "wall": wall,
            "cpu": sum(seconds[n]["cpu"] for n in seconds if n not in ("save", "load")),
        },
        "own_megabytes": {"before": megabytes[0], "most": max(megabytes)},
        "bytes": {name: part.nbytes for name, part in record.channels.items()},
    }


def computed_bytes(n_rows: int, n_visits: int) -> dict[str, int]:
    """What the recorders of so many rows and visits take, by their types."""
    kinds = (RecordVisits, RecordFeatureNorms, RecordChanges)
    return {kind.name: n_rows * n_visits * kind.n_channels * np.dtype(kind.dtype).itemsize for kind in kinds}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--depth", type=int, default=20)
    options.add_argument("--rows", type=int, default=1024, help="images of a training; the goal's are 50,000")
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--batch-size", type=int, default=128)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--scored-rows", type=int, default=1_281_167)
    options.add_argument("--visits", type=int, default=90)
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    trained, scored = recording(args), scoring(args)
    settings = {key: value for key, value in vars(args).items() if key != "out"}
    sizes = {
        name: computed_bytes(*shape)
        for name, shape in {
            "CIFAR-10, 181 epochs": (50_000, 181),
            f"{args.scored_rows:,} rows, {args.visits} visits": (args.scored_rows, args.visits),
        }.items()
    }
    lines = [
        "# The training record: cost, bytes, scores",
        "",
        f"CPU seconds of training ResNet{args.depth} on {args.rows:,} random images for {args.epochs} epoch(s) in "
        f"batches of {args.batch_size}, to those of the same training without the record, {args.rounds} interleaved "
        "rounds (goal of the record: at most 1.02). What is noted grows with the rows as the training does.",
        "",
        "| noted beside forgetting events | ratio (median) | 95 % interval |",
        "|---|---|---|",
    ]
    for name, entry in trained["ratios"].items():
        lines.append(f"| {name} | **{entry['median']:.3f}** | {entry['low']:.3f} to {entry['high']:.3f} |")
    lines += [
        "",
        "Bytes, computed from rows, visits and channels:",
        "",
        "| | loss, squares, margin | feature norms | changes |",
        "|---|---|---|---|",
    ]
    for name, size in sizes.items():
        lines.append(f"| {name} | {' | '.join(f'{value / 1e6:,.1f} MB' for value in size.values())} |")
    total, memory = scored["all_scores"], scored["own_megabytes"]
    lines += [
        "",
        f"Seconds of every score of a drawn record of {args.scored_rows:,} rows, {args.visits} visits, ranking "
        f"included: **{total['cpu']:.1f}** of the processor, {total['wall']:.1f} on the wall (goal: under 30). Other "
        "work on the machine lengthens the latter alone. The "
        f"record, of {sum(scored['bytes'].values()) / 1e6:,.0f} MB, lies in mapped files; the process's own memory was "
        f"{memory['before']:.0f} MB before the first score and at most {memory['most']:.0f} MB.",
        "",
        "| | of the processor | on the wall |",
        "|---|---|---|",
    ]
    for name, entry in scored["seconds"].items():
        lines.append(f"| {name} | {entry['cpu']:.2f} | {entry['wall']:.2f} |")
    lines += ["", "`save` writes the record to one `.npz`; `load` checks that file and maps it."]
    write(
        args.out,
        "bench_training_record",
        {"settings": settings, "recording": trained, "bytes": sizes, "scoring": scored},
        lines,
    )


if __name__ == "__main__":
    main()
