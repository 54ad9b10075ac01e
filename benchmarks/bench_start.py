"""What a clustered start of active learning is worth, beside random first rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _data_of_strategies import load, name_of
from _report import parser, write
from _results import Results
from joblib import Memory
from sklearn.linear_model import LogisticRegression

from sksvp.active import ProxyActiveLearner
from sksvp.strategies import FacilityLocation

STARTS = {
    "random": "random",
    "clustered": "clustered",
    "facility location": FacilityLocation(by_class=False),
    "k_centers": "k_centers",
}
PER_CLASS = (1, 2, 5, 10)
N_ROUNDS = 4


def run(spec: str, seed: int, args: Any, memory: Memory) -> dict[str, Any]:
    """Return the errors after the start and after each round of margins, and the classes in the start."""
    X, y, X_test, y_test = load(spec, 0, memory)
    rng = np.random.RandomState(seed)
    rows = rng.permutation(len(y))[: args.rows]
    X, y, n_classes = X[rows], y[rows], len(np.unique(y))
    found: dict[str, Any] = {}
    for per_class in PER_CLASS:
        size = per_class * n_classes
        for name, start in STARTS.items():
            learner = ProxyActiveLearner(
                LogisticRegression(max_iter=300),
                start=start,
                initial_size=size,
                rounds=[size] * N_ROUNDS,
                random_state=seed,
            )
            learner.fit(X, y, X_val=X_test, y_val=y_test)
            first = y[learner.history_[0]["rows"]]
            found[f"{name} {per_class}"] = {
                "errors": [
                    # Rows of one class train nothing, and one class is the answer to every test row.
                    float(np.mean(y_test != first[0]))
                    if entry["proxy_score"] is None
                    else 1 - entry["proxy_score"]
                    for entry in learner.history_
                ],
                "classes": len(np.unique(first)) / n_classes,
            }
    return {"found": [json.dumps(found)]}


def _gain(runs: list[dict], start: str, per_class: int, after: int) -> np.ndarray:
    """Return the points of test error below a random start, one for each run."""
    return np.array(
        [
            100 * (one[f"random {per_class}"]["errors"][after] - one[f"{start} {per_class}"]["errors"][after])
            for one in runs
        ]
    )


def _cell(gains: np.ndarray) -> str:
    error = np.std(gains, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    return f"{gains.mean():+.1f} ± {error:.1f}"


def main() -> None:
    """Run what `--runs` does not hold yet, and write docs/results/bench_start.*."""
    options = parser(__doc__)
    options.add_argument("--data", nargs="+", default=["digits"], help="as of bench_strategies")
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--rows", type=int, default=4000, help="rows of the pool at most")
    options.add_argument("--runs", type=Path, required=True, help="folder of what is finished")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    results, memory = Results(args.runs), Memory(args.runs / "columns", verbose=0)
    by_data: dict[str, list[dict]] = {}
    for seed in range(args.seeds):
        for spec in args.data:
            name = name_of(spec)
            result = results.get(
                lambda spec=spec, seed=seed: run(spec, seed, args, memory),
                data=name,
                rows=args.rows,
                seed=seed,
            )
            by_data.setdefault(name, []).append(json.loads(result["found"][0]))
    runs = [one for of_data in by_data.values() for one in of_data]
    others = [start for start in STARTS if start != "random"]
    lines = [
        "# The first rows of active learning",
        "",
        f"{len(by_data)} data sets as tables of numbers, {args.seeds} seeds, pools of at most {args.rows:,} rows; "
        "texts are 128 components of their words. A logistic regression chooses by the smallest margin; the start and "
        f"each of {N_ROUNDS} rounds have so many rows a class on average. Figures are points of test error below those "
        "of a random start, with the standard error over the runs.",
        "",
        "| rows a class | start | right after the start | after one round | after four rounds "
        "| better, worse after the start | share of the classes in the start |",
        "|---|---|---|---|---|---|---|",
    ]
    for per_class in PER_CLASS:
        for start in STARTS:
            classes = np.mean([one[f"{start} {per_class}"]["classes"] for one in runs])
            if start == "random":
                lines.append(f"| {per_class} | random | | | | | {classes:.0%} |")
                continue
            gains = [_gain(runs, start, per_class, after) for after in (0, 1, N_ROUNDS)]
            better = f"{int((gains[0] > 0).sum())}, {int((gains[0] < 0).sum())} of {len(runs)}"
            cells = " | ".join(_cell(gain) for gain in gains)
            lines.append(f"| {per_class} | {start} | {cells} | {better} | {classes:.0%} |")
    lines += [
        "",
        "## By data set, right after the start",
        "",
        f"| data set | rows a class | {' | '.join(others)} | error of a random start, % |",
        "|---|---|" + "---|" * (len(others) + 1),
    ]
    for name, of_data in by_data.items():
        for per_class in PER_CLASS:
            cells = " | ".join(_cell(_gain(of_data, start, per_class, 0)) for start in others)
            error = 100 * np.mean([one[f"random {per_class}"]["errors"][0] for one in of_data])
            lines.append(f"| {name} | {per_class} | {cells} | {error:.1f} |")
    write(args.out, "bench_start", {"runs": by_data}, lines)


if __name__ == "__main__":
    main()
