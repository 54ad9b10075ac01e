"""Seconds and peak memory of every strategy at growing sizes, beside what `estimate_cost` says before.

Each cell runs in a process of its own and is kept in `--runs`: a run goes on where it was stopped.
"""

import json
import subprocess
import sys
from pathlib import Path

from _report import parser, write
from _results import Results

from sksvp.strategies import strategy_names

# What a cell runs: STRATEGY N_ROWS N_FEATURES N_CLASSES N_SAMPLES; the estimate, then the measurement.
CELL = """
import json, resource, sys
from sksvp._clock import Clock
from sksvp.strategies import _cost, estimate_cost, resolve_strategy

SMALL = 2**25
name, sizes = sys.argv[1], [int(part) for part in sys.argv[2:6]]
most_seconds = float(sys.argv[6])
with Clock() as clock:
    cost = estimate_cost(name, *sizes)
result = {"estimate": cost._asdict(), "estimate_took": clock.cpu}
if cost.cpu_seconds <= most_seconds:
    strategy = resolve_strategy(name)
    evidence = _cost.made_up_evidence(strategy, _cost.DataSize(*sizes, 20))
    held = _cost.evidence_bytes(strategy, _cost.DataSize(*sizes, 20))
    print(json.dumps(result), flush=True)
    # The peak so far is that of making the evidence: it starts anew here.
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    with open("/proc/self/statm") as file:
        before = int(file.read().split()[1]) * resource.getpagesize()
    with Clock() as clock:
        strategy.rank(evidence, sizes[3], random_state=0)
    with open("/proc/self/status") as file:
        peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    more = peak - before
    if more < SMALL:
        # It may lie in memory that the process had before: the arrays are counted one by one, in another run.
        more = max(more, _cost._peak_bytes(strategy, _cost.DataSize(*sizes, 20)))
    result["measured"] = {"seconds": clock.wall, "cpu_seconds": clock.cpu, "memory": held + more}
print(json.dumps(result), flush=True)
"""


def run_cell(name: str, sizes: tuple[int, ...], most_seconds: float) -> dict:
    """Estimate and measure one cell in a process of its own."""
    command = [sys.executable, "-c", CELL, name, *map(str, sizes), str(most_seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended by signal {-done.returncode}"])[-1]
        return {**(results[-1] if results else {}), "error": last[:200]}
    return results[-1]


def shown_seconds(seconds: float) -> str:
    """Show seconds with two digits."""
    return f"{seconds:.2g} s" if seconds < 100 else f"{seconds:,.0f} s"


def lines_of(cells: dict, sizes: list[int]) -> list[str]:
    """Lines of the table: measured, and in brackets estimated."""
    head = " | ".join(f"{n_rows:,} rows: seconds | memory" for n_rows in sizes)
    lines = [f"| strategy | {head} |", "|---|" + "---|---|" * len(sizes)]
    for name in dict.fromkeys(cell["strategy"] for cell in cells.values()):
        columns = []
        for n_rows in sizes:
            cell = cells.get(f"{name}-{n_rows}", {})
            estimate, measured = cell.get("estimate"), cell.get("measured")
            if estimate is None:
                columns += ["", ""]
                continue
            told = shown_seconds(estimate["cpu_seconds"]), f"{estimate['memory'] / 1e6:,.0f} MB"
            if measured is None:
                columns += [f"not run ({told[0]})", f"({told[1]})"]
            else:
                columns += [
                    f"{shown_seconds(measured['cpu_seconds'])} ({told[0]})",
                    f"{measured['memory'] / 1e6:,.0f} MB ({told[1]})",
                ]
        lines.append(f"| `{name}` | {' | '.join(columns)} |")
    return lines


def summary(cells: dict) -> list[str]:
    """Say how far the estimates are off."""
    lines = []
    for key, what in (("cpu_seconds", "seconds"), ("memory", "memory")):
        ratios = {
            place: cell["estimate"][key] / max(cell["measured"][key], 1e-9)
            for place, cell in cells.items()
            if "measured" in cell and (key == "memory" or cell["measured"]["cpu_seconds"] >= 0.01)
        }
        within = sum(0.5 <= ratio <= 2.0 for ratio in ratios.values())
        off = ", ".join(
            f"`{place}` {ratio:.2f}" for place, ratio in ratios.items() if not 0.5 <= ratio <= 2.0
        )
        lines.append(
            f"Of {len(ratios)} estimates of the {what}, {within} are within a factor of two of what was measured"
            + (f"; the others, estimate over measurement: {off}." if off else ".")
        )
    return lines


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--runs", type=Path, required=True, help="folder of the cells")
    options.add_argument("--strategy", action="append", choices=strategy_names(), help="default: all")
    options.add_argument("--rows", type=int, action="append", help="default: 10,000, 100,000 and 1,000,000")
    options.add_argument("--features", type=int, default=64)
    options.add_argument("--classes", type=int, default=100)
    options.add_argument("--picks", type=int, default=1000)
    options.add_argument(
        "--most-seconds", type=float, default=120.0, help="cells whose estimate is above are not run"
    )
    args = options.parse_args()
    results = Results(args.runs)
    sizes = args.rows or [10_000, 100_000, 1_000_000]
    cells = {}
    for n_rows in sizes:
        for name in args.strategy or strategy_names():
            shape = (n_rows, args.features, args.classes, args.picks)
            cell = results.get(
                lambda name=name, shape=shape: run_cell(name, shape, args.most_seconds),
                strategy=name,
                n_rows=n_rows,
                n_features=args.features,
                n_classes=args.classes,
                n_samples=args.picks,
            )
            cells[f"{name}-{n_rows}"] = {"strategy": name, **cell}
    write(
        args.out,
        "bench_strategy_costs",
        {"cells": cells},
        [
            "# What a strategy costs",
            "",
            f"{args.picks:,} picks from rows of {args.classes} classes, with {args.features} features and 20 visits. "
            "Processor seconds and memory at the peak, in brackets what `estimate_cost` said before. Memory is that "
            "of the evidence in single precision and of what the strategy holds beside it, without Python and the "
            "libraries; below 32 MB the arrays are counted, in another run. Cells of which the estimate is above "
            f"{args.most_seconds:g} s are not run.",
            "",
            *lines_of(cells, sizes),
            "",
            *summary(cells),
        ],
    )


if __name__ == "__main__":
    main()
