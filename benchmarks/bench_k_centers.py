"""Greedy k-centers beside the libraries that have it, a plain torch loop and the float64 definition.

The libraries pin other versions of scikit-learn, so they run in an environment of their own:
python -m venv PEERS && PEERS/bin/pip install skmatter scikit-activeml
"""

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from _report import machine, parser, write
from numpy.lib.format import open_memmap

from sksvp.strategies import k_centers


class Case(NamedTuple):
    """Made features: `spread` clusters (0: isotropic) of power-law directions, ReLU'd as a network's are."""

    n_rows: int
    n_features: int
    n_initial: int
    n_samples: int
    clusters: int
    dtype: str = "float32"


CASES = {
    "cifar": Case(50_000, 64, 1000, 24_000, 10),
    "200k-clustered": Case(200_000, 512, 1000, 20_000, 1000),
    "200k-isotropic": Case(200_000, 512, 1000, 20_000, 0),
    "imagenet-10": Case(1_280_000, 512, 12_800, 128_000, 1000),
    "imagenet-50": Case(1_280_000, 512, 12_800, 640_000, 1000),
    "imagenet-2048": Case(1_280_000, 2048, 12_800, 128_000, 1000, "float16"),
}

# What the peers' Python runs: FEATURES PEER N_INITIAL STEPS, seconds out. State is built before the clock starts
# where the library allows it: each is run for two numbers of steps, and the difference is what counts.
PEERS = """
import sys, time
import numpy as np
path, peer, n_initial, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
X = np.load(path)
if peer == "skmatter":
    from skmatter.sample_selection import FPS
    start = time.perf_counter()
    FPS(initialize=list(range(n_initial)), n_to_select=n_initial + steps).fit(X)
else:
    from skactiveml.pool import CoreSet
    y = np.full(len(X), np.nan)
    y[:n_initial] = 0
    start = time.perf_counter()
    CoreSet(random_state=0).query(X, y, batch_size=steps)
print(time.perf_counter() - start)
"""


def make_features(case: Case, path: Path, seed: int) -> None:
    """Write the features of a case as .npy, in blocks."""
    rng = np.random.default_rng(seed)
    width = case.n_features
    table = open_memmap(path, mode="w+", dtype=case.dtype, shape=(case.n_rows, width))
    centres = rng.standard_normal((max(1, case.clusters), width), dtype=np.float32)
    falling = np.arange(1, width + 1, dtype=np.float32)[:, None] ** -0.5
    mix = 3 * rng.standard_normal((width, width), dtype=np.float32) * falling / np.float32(np.sqrt(width))
    for start in range(0, case.n_rows, 8192):
        block = rng.standard_normal((min(8192, case.n_rows - start), width), dtype=np.float32)
        if case.clusters:
            block = np.maximum((block + centres[rng.integers(0, case.clusters, len(block))]) @ mix, 0)
        table[start : start + len(block)] = block
    table.flush()


def torch_loop(features: torch.Tensor, initial: np.ndarray, n_steps: int) -> float:
    """Time the six lines that anyone would write, in float32; seconds of the steps alone."""
    squares = features.square().sum(dim=1)
    nearest = torch.cdist(features, features[torch.from_numpy(initial[:256])]).amin(dim=1).square()
    start = time.perf_counter()
    for _ in range(n_steps):
        pick = int(nearest.argmax())
        nearest = torch.minimum(nearest, squares + squares[pick] - 2 * (features @ features[pick]))
        nearest[pick] = -1
    return time.perf_counter() - start


def definition(features: np.ndarray, initial: np.ndarray, n_steps: int) -> tuple[np.ndarray, float]:
    """Pick by the definition in float64: one pass over all rows for each centre; rows and seconds a step."""
    # Rows lie side by side, in blocks that stay in a core's cache: halves are added to each other in long runs.
    width = max(64, (1 << 16) // features.shape[1])
    blocks = [
        np.ascontiguousarray(features[first : first + width].T, dtype=np.float64)
        for first in range(0, len(features), width)
    ]
    terms = np.empty_like(blocks[0])
    nearest = np.full(len(features), np.inf)

    def see(row: int) -> None:
        centre = features[row].astype(np.float64)[:, None]
        for number, block in enumerate(blocks):
            part = terms[:, : block.shape[1]]
            np.subtract(block, centre, out=part)
            np.multiply(part, part, out=part)
            size = len(part)
            while size > 1:
                half = (size + 1) // 2
                part[: size - half] += part[half:size]
                size = half
            known = nearest[number * width : (number + 1) * width]
            np.minimum(known, part[0], out=known)

    for row in initial:
        see(int(row))
    # Below every squared distance, so the minimum keeps it.
    nearest[initial] = -1
    picks = np.empty(n_steps, dtype=np.int64)
    start = time.perf_counter()
    for step in range(n_steps):
        # The first of equal ones is the lowest row.
        picks[step] = nearest.argmax()
        nearest[picks[step]] = -1
        see(int(picks[step]))
    return picks, (time.perf_counter() - start) / n_steps


def peer_step(python: str, path: Path, peer: str, n_initial: int, n_steps: int) -> float:
    """Seconds of a step of a library: the difference of a longer and a shorter run."""
    seconds = []
    for steps in (1, 1 + n_steps):
        command = [python, "-c", PEERS, str(path), peer, str(n_initial), str(steps)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds.append(float(done.stdout.split()[-1]))
    return max(0.0, seconds[1] - seconds[0]) / n_steps


def measure(name: str, args) -> dict[str, object]:
    """Time one case: ours in full, the others on some steps."""
    case = CASES[name]
    path = args.folder / f"{name}.npy"
    if not path.exists():
        make_features(case, path, seed=0)
    features = np.load(path, mmap_mode="r" if args.memmap else None)
    initial = np.arange(case.n_initial)
    seconds = []
    for _ in range(args.repeats):
        start = time.perf_counter()
        rows = k_centers(features, case.n_samples, initial=initial, device=args.device)
        seconds.append(time.perf_counter() - start)
    figures: dict[str, object] = {
        **case._asdict(),
        "cpu": machine()["cpu"],
        "seconds": min(seconds),
        "seconds_of_each_run": seconds,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 * 1.024,
        "sha256": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest(),
    }
    if args.oracle_steps:
        n_steps = min(args.oracle_steps, case.n_samples)
        picks, step = definition(features, initial, n_steps)
        figures["definition"] = {
            "steps": n_steps,
            "step": step,
            "equal": int((picks == rows[:n_steps]).sum()),
        }
    if args.peer_steps:
        tensor = torch.from_numpy(np.array(features, dtype=np.float32))
        step = torch_loop(tensor, initial, args.peer_steps) / args.peer_steps
        figures["torch loop"] = {"steps": args.peer_steps, "step": step}
        del tensor
        # Fewer initial rows: libraries take all of them one by one, and a step costs the same.
        for peer in ("skmatter", "scikit-activeml") if args.peers_python else ():
            step = peer_step(args.peers_python, path, peer, 10, args.peer_steps)
            figures[peer] = {"steps": args.peer_steps, "step": step}
    return figures


def warm_up() -> float:
    """Seconds of the first call, which compiles or loads the loops."""
    start = time.perf_counter()
    for dtype in (np.float32, np.float64):
        k_centers(np.random.default_rng(0).normal(size=(3000, 8)).astype(dtype), 100, initial=[0])
    return time.perf_counter() - start


def table(figures: dict) -> list[str]:
    """Lines of the table: ours, and the others extrapolated to all centres."""
    lines = [
        "| case | n x d | centres | sksvp | peak memory | "
        "definition | torch loop | scikit-matter | scikit-activeml | order | CPU |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, entry in figures.items():
        n_centres = entry["n_initial"] + entry["n_samples"]
        others = []
        for peer in ("definition", "torch loop", "skmatter", "scikit-activeml"):
            if peer in entry:
                whole = entry[peer]["step"] * n_centres
                others.append(f"{whole:,.0f} s ({whole / entry['seconds']:,.0f} x)")
            else:
                others.append("not run")
        lines.append(
            f"| {name} | {entry['n_rows']:,} x {entry['n_features']} {entry['dtype']} | "
            f"{entry['n_initial']:,} + {entry['n_samples']:,} | {entry['seconds']:.2f} s | "
            f"{entry['peak_gb']:.1f} GB | {' | '.join(others)} | `{entry['sha256'][:12]}` | "
            f"{entry['cpu']} |"
        )
    return lines


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--case", action="append", choices=CASES, help="repeatable; default: the first three"
    )
    options.add_argument("--device", default="cpu")
    options.add_argument("--repeats", type=int, default=1, help="runs of ours; the fastest counts")
    options.add_argument("--peers-python", help="Python of an environment with skmatter and scikit-activeml")
    options.add_argument(
        "--peer-steps", type=int, default=50, help="centres that the others are timed on; 0: none"
    )
    options.add_argument("--oracle-steps", type=int, default=200, help="centres compared with the definition")
    options.add_argument("--memmap", action="store_true", help="leave the features on disk")
    options.add_argument("--folder", type=Path, help="where made features are kept; default: nowhere")
    options.add_argument("--keep", action="store_true", help="keep the cases of earlier runs in the table")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as scratch:
        args.folder = args.folder or Path(scratch)
        compile_seconds = warm_up()
        earlier = args.out / "bench_k_centers.json"
        figures = json.loads(earlier.read_text())["cases"] if args.keep and earlier.exists() else {}
        for name in args.case or list(CASES)[:3]:
            figures[name] = measure(name, args)
            print(name, json.dumps(figures[name]), file=sys.stderr, flush=True)
    equal = [
        f"{name}: {entry['definition']['equal']:,} of {entry['definition']['steps']:,}"
        for name, entry in figures.items()
        if "definition" in entry
    ]
    write(
        args.out,
        "bench_k_centers",
        {"compile_seconds": compile_seconds, "device": args.device, "cases": figures},
        [
            "# Greedy k-centers",
            "",
            *table(figures),
            "",
            "All columns but ours are extrapolated: the seconds of a step, timed on the steps given in the JSON file, "
            "times all centres. In brackets: how many times longer than ours. Ours is a full run, without the "
            f"{compile_seconds:.1f} s that the first call of a process takes to compile or load its loops.",
            "",
            f"Positions equal to the float64 definition, from the first on: {'; '.join(equal) or 'not compared'}. "
            "`order`: the first digits of the SHA-256 of the rows as little-endian int64. Peak memory is that of the "
            "process, features and libraries included.",
        ],
    )


if __name__ == "__main__":
    main()
