"""How the time of greedy k-centers grows with the rows and with the centres, beside a plain torch loop."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from _report import parser, write
from bench_k_centers import Case, make_features, torch_loop, warm_up
from matplotlib.ticker import NullLocator

from sksvp.strategies import k_centers

# So that the same figures give the same file, whose text stays text.
mpl.rcParams.update({"svg.hashsalt": "sksvp", "svg.fonttype": "none"})
_OURS, _LOOP = "#0072B2", "#D55E00"


def measure(features: np.ndarray, n_centres: int, loop_steps: int) -> dict[str, float]:
    """Time ours in full, and the loop on some steps."""
    start = time.perf_counter()
    k_centers(features, n_centres, initial=[0], device="cpu")
    seconds = time.perf_counter() - start
    step = torch_loop(torch.from_numpy(features), np.array([0]), loop_steps) / loop_steps
    figures = {
        "n_rows": len(features),
        "n_centres": n_centres,
        "seconds": seconds,
        "torch_loop_step": step,
    }
    print(figures, file=sys.stderr, flush=True)
    return figures


def slope(figures: list[dict[str, float]], key: str) -> float:
    """Fit the exponent with which seconds grow."""
    x, y = (np.log([entry[name] for entry in figures]) for name in (key, "seconds"))
    return float(np.polyfit(x, y, 1)[0])


def draw(by_rows: list[dict[str, float]], by_centres: list[dict[str, float]], path: Path) -> None:
    """Draw seconds against rows and against centres, both axes logarithmic."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
    panels = (
        (by_rows, "n_rows", "rows; a tenth of them become centres"),
        (by_centres, "n_centres", f"centres; {by_centres[0]['n_rows']:,} rows"),
    )
    for ax, (figures, key, label) in zip(axes, panels, strict=True):
        x = [entry[key] for entry in figures]
        loop = [entry["torch_loop_step"] * entry["n_centres"] for entry in figures]
        ax.loglog(x, loop, color=_LOOP, marker="s", linestyle="--", label="plain torch loop, extrapolated")
        ax.loglog(x, [entry["seconds"] for entry in figures], color=_OURS, marker="o", label="sksvp")
        ax.set_xticks(x, [f"{value / 1000:g}k" for value in x])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel(label)
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("seconds")
    axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--n-features", type=int, default=512)
    options.add_argument(
        "--rows", type=int, nargs="+", default=[20_000, 40_000, 80_000, 160_000, 320_000, 640_000]
    )
    options.add_argument(
        "--centres", type=int, nargs="+", default=[1_250, 2_500, 5_000, 10_000, 20_000, 40_000, 80_000]
    )
    options.add_argument(
        "--centres-rows", type=int, default=160_000, help="rows from which --centres are picked"
    )
    options.add_argument("--loop-steps", type=int, default=20, help="centres that the torch loop is timed on")
    args = options.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    warm_up()
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "features.npy"
        n_most = max(*args.rows, args.centres_rows)
        make_features(Case(n_most, args.n_features, 1, n_most // 10, 1000), path, seed=0)
        features = np.load(path)
    by_rows = [measure(features[:n], n // 10, args.loop_steps) for n in args.rows]
    by_centres = [measure(features[: args.centres_rows], k, args.loop_steps) for k in args.centres]
    draw(by_rows, by_centres, args.out / "bench_k_centers_growth.svg")
    write(
        args.out,
        "bench_k_centers_growth",
        {"by_rows": by_rows, "by_centres": by_centres},
        [
            "# Greedy k-centers: growth",
            "",
            f"Clustered float32 features, d = {args.n_features}. On the left, {min(args.rows):,} to {max(args.rows):,} "
            f"rows of which a tenth become centres: seconds grow with the power {slope(by_rows, 'n_rows'):.2f} of the "
            f"rows; those of a loop over centres with 2. On the right, {min(args.centres):,} to "
            f"{max(args.centres):,} centres from {args.centres_rows:,} rows: the power "
            f"{slope(by_centres, 'n_centres'):.2f} of the centres, that of a loop is 1.",
            "",
            "![Seconds against rows and against centres](bench_k_centers_growth.svg)",
            "",
            *rows_of(by_rows + by_centres),
        ],
    )


def rows_of(figures: list[dict[str, float]]) -> list[str]:
    """Lines of the table."""
    lines = ["| rows | centres | sksvp | torch loop, extrapolated | ratio |", "|---|---|---|---|---|"]
    for entry in figures:
        loop = entry["torch_loop_step"] * entry["n_centres"]
        lines.append(
            f"| {entry['n_rows']:,} | {entry['n_centres']:,} | {entry['seconds']:.2f} s | {loop:,.1f} s | "
            f"{loop / entry['seconds']:.0f} |"
        )
    return lines


if __name__ == "__main__":
    main()
