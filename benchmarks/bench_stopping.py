"""Where `PredictionsSettled` ends active learning: labels saved, and error lost against all rounds."""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _data_of_strategies import load, name_of
from _report import parser, write
from _results import Results
from joblib import Memory
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sksvp.active import PredictionsSettled, ProxyActiveLearner
from sksvp.datasets import load_text_csv
from sksvp.estimators import BagOfNgramsClassifier

MEASURES = ("kappa", "flips", "expected_error")
TOLERANCES = (0.005, 0.01, 0.02)
PATIENCE = 3
# A run has enough labels when the target's error is within so much of that after the last round.
ENOUGH = 0.005


def targets_of(spec: str) -> dict[str, Any]:
    """Make the targets: a network and a forest of tables, a bag of n-grams of texts."""
    if Path(spec).is_dir():
        return {"bag of n-grams": BagOfNgramsClassifier(lr=0.5, max_epochs=20, device="cpu")}
    return {
        "network": MLPClassifier((128,), max_iter=60, early_stopping=False),
        "forest": RandomForestClassifier(200),
    }


def proxy_of(spec: str) -> Any:
    """Make the proxy: a linear model, of 4096 hashed words where rows are texts."""
    linear = LogisticRegression(max_iter=300)
    return make_pipeline(HashingVectorizer(n_features=4096), linear) if Path(spec).is_dir() else linear


def rows_of(spec: str, seed: int, args: argparse.Namespace, memory: Memory) -> tuple:
    """Draw pool and test rows."""
    if Path(spec).is_dir():
        bunch = load_text_csv(spec)
        X, y = list(bunch.X_train), np.asarray(bunch.y_train)
        X_test, y_test = list(bunch.X_test), np.asarray(bunch.y_test)
    else:
        X, y, X_test, y_test = load(spec, 0, memory)
    rng = np.random.RandomState(seed)
    pool, test = rng.permutation(len(y))[: args.rows], rng.permutation(len(y_test))[: args.test_rows]
    if isinstance(X, list):
        return [X[row] for row in pool], y[pool], [X_test[row] for row in test], y_test[test]
    return X[pool], y[pool], X_test[test], y_test[test]


def run(spec: str, seed: int, args: argparse.Namespace, memory: Memory) -> dict[str, Any]:
    """Run all rounds; note what each model says of the sample, and its test error, after each of them."""
    X, y, X_test, y_test = rows_of(spec, seed, args, memory)
    size = len(y) // args.of_pool
    learner = ProxyActiveLearner(proxy_of(spec), strategy="margin", random_state=seed).fit(X)
    sample = PredictionsSettled().sample(len(y), seed)
    sampled = X[sample] if isinstance(X, np.ndarray) else [X[row] for row in sample]
    targets = targets_of(spec)
    noted: dict[str, list[dict]] = {name: [] for name in ("proxy", *targets)}
    for number in range(args.n_rounds + 1):
        rows = learner.query(size)
        learner.teach(rows, y[rows])
        # A proxy of these labels, which the next query would train.
        labelled, labels = learner.labeled_rows_, learner.labels_
        part = X[labelled] if isinstance(X, np.ndarray) else [X[row] for row in labelled]
        for name, model in {"proxy": proxy_of(spec), **targets}.items():
            seeded = clone(model).set_params(
                **({"random_state": 1000 * seed + number} if "random_state" in model.get_params() else {})
            )
            with warnings.catch_warnings():
                # Of trainings that end after their iterations.
                warnings.simplefilter("ignore")
                seeded.fit(part, labels)
            told = seeded.predict_proba(sampled)
            noted[name].append(
                {
                    "n_labeled": len(labelled),
                    "error": float(np.mean(seeded.predict(X_test) != y_test)),
                    "codes": np.searchsorted(np.unique(y), seeded.classes_)[told.argmax(axis=1)].tolist(),
                    "expected_error": float(np.mean(1 - told.max(axis=1))),
                }
            )
    return {"noted": [json.dumps(noted)], "n_pool": len(y)}


def stops(noted: dict[str, list[dict]], target: str, rule: PredictionsSettled) -> tuple[int, int]:
    """Return the rounds at which the rule ends a run with this target, and by the proxy alone; -1 for never.

    As in the learner, the target is trained in a round in which the proxy has settled, and
    compared with the target before.
    """
    proxies, targets = noted["proxy"], noted[target]
    changes: list[float | None] = [None]
    of_target: list[float | None] = []
    former, alone = None, -1
    for number in range(1, len(proxies)):
        changes.append(rule.change(proxies[number - 1], proxies[number]))
        if not rule.is_met(changes, rule.patience):
            continue
        alone = number if alone < 0 else alone
        if former is not None:
            of_target.append(rule.change(former, targets[number]))
        former = targets[number]
        if rule.is_met(of_target, 1):
            return number, alone
    return -1, alone


def judge(runs: list[tuple[str, int, dict, int]], rule: PredictionsSettled) -> list[dict[str, Any]]:
    """Tell where a rule ends each run of each target, and what this costs."""
    found = []
    for name, seed, noted, n_pool in runs:
        for target in (name for name in noted if name != "proxy"):
            curve = noted[target]
            last = curve[-1]
            enough = next(e["n_labeled"] for e in curve if e["error"] <= last["error"] + ENOUGH)
            line = {"data": name, "seed": seed, "target": target, "n_pool": n_pool}
            line |= {"last": last["n_labeled"], "enough": enough}
            for way, number in zip(("both", "alone"), stops(noted, target, rule), strict=True):
                entry = curve[number]  # The last one where the rule is never met.
                line[way] = {
                    "met": number >= 0,
                    "n_labeled": entry["n_labeled"],
                    "lost": 100 * (entry["error"] - last["error"]),
                }
            found.append(line)
    return found


def _row(first: str, lines: list[dict]) -> str:
    cells = [first]
    for way in ("both", "alone"):
        met = [line for line in lines if line[way]["met"]]
        cells.append(f"{len(met)} of {len(lines)}")
        share = [line[way]["n_labeled"] / line["n_pool"] for line in lines]
        lost = [line[way]["lost"] for line in lines]
        too_soon = sum(line["lost"] > 100 * ENOUGH for line in (line[way] for line in lines))
        cells += [f"{np.mean(share):.0%}", f"{np.mean(lost):+.2f}", f"{np.max(lost):+.2f}", str(too_soon)]
    return f"| {' | '.join(cells)} |"


_HEAD = [
    "| {} | stopped | labelled | error lost | at most | too soon "
    "| proxy alone: stopped | labelled | error lost | at most | too soon |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
]


def main() -> None:
    """Run what `--runs` does not hold yet, and write docs/results/bench_stopping.*."""
    options = parser(__doc__)
    options.add_argument(
        "--data", nargs="+", default=["digits"], help="as of bench_strategies; folders are texts"
    )
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--rows", type=int, default=4000, help="rows of the pool at most")
    options.add_argument("--test-rows", type=int, default=2000)
    options.add_argument(
        "--of-pool", type=int, default=40, help="a round buys one of so many rows of the pool"
    )
    options.add_argument("--n-rounds", type=int, default=30)
    options.add_argument("--runs", type=Path, required=True, help="folder of what is finished")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    results, memory = Results(args.runs), Memory(args.runs / "columns", verbose=0)
    runs = []
    for seed in range(args.seeds):
        for spec in args.data:
            settings = {"data": name_of(spec), "rows": args.rows, "rounds": args.n_rounds, "seed": seed}
            result = results.get(lambda spec=spec, seed=seed: run(spec, seed, args, memory), **settings)
            runs.append((name_of(spec), seed, json.loads(result["noted"][0]), result["n_pool"]))
    judged = {
        f"{measure} {tolerance}": judge(
            runs, PredictionsSettled(measure, tolerance=tolerance, patience=PATIENCE)
        )
        for measure in MEASURES
        for tolerance in TOLERANCES
    }
    names = list(dict.fromkeys(name for name, *_ in runs))
    default = judged["kappa 0.01"]
    shares = [line["enough"] / line["n_pool"] for line in default]
    lines = [
        "# Where `PredictionsSettled` ends active learning",
        "",
        f"{len(names)} data sets, {args.seeds} seeds, pools of at most {args.rows:,} rows. A linear proxy chooses by "
        f"the smallest margin; each of {args.n_rounds} rounds buys one {args.of_pool}th of the pool after a random "
        "start of as many. Targets of tables are a network of 128 hidden units and a forest; of texts a bag of "
        "n-grams, with hashed words as the proxy.",
        "",
        f"The rule wants {PATIENCE} changes of the proxy within the tolerance and then one of the target. *Labelled*: "
        f"the share of the pool at the stop, {args.n_rounds + 1}/{args.of_pool} where the rule is never met. *Error "
        "lost*: points of the target's test error above that after the last round, in the mean and at most. *Too "
        f"soon*: runs that lost more than {100 * ENOUGH:g} points. *Proxy alone*: what the rule would give without "
        "asking the target.",
        "",
        f"Labels needed until the target is within {100 * ENOUGH:g} points of its last error, which nobody can know "
        f"beforehand: {np.mean(shares):.0%} of the pool in the mean.",
        "",
        "## By measure and tolerance",
        "",
        _HEAD[0].format("measure, tolerance"),
        _HEAD[1],
        *(_row(name.replace(" ", ", "), found) for name, found in judged.items()),
        "",
        "## By data set and target, kappa with 0.01",
        "",
        _HEAD[0].format("data, target"),
        _HEAD[1],
        *(
            _row(
                f"{data}, {target}",
                [line for line in default if (line["data"], line["target"]) == (data, target)],
            )
            for data, target in dict.fromkeys((line["data"], line["target"]) for line in default)
        ),
    ]
    write(args.out, "bench_stopping", {"judged": judged}, lines)


if __name__ == "__main__":
    main()
