"""Learning curves of a linear model on frozen features, beside those published for BAIT in Fast Fishing on letter."""

from pathlib import Path

import numpy as np
import torch
from _data_of_strategies import load, name_of
from _report import parser, write
from _results import Results
from joblib import Memory
from scipy import stats
from sklearn.linear_model import LogisticRegression

from sksvp import ProxyActiveLearner
from sksvp._clock import Clock
from sksvp.active import active_learning_curve

STRATEGIES = ("random", "margin", "entropy", "badge", "bait", "typiclust", "auto")
# Area under the curve and seconds, of a head with a Laplace approximation (Huseljic et al., ECML PKDD 2024).
PUBLISHED = {
    "random": (60.72, None),
    "BAIT, the most probable class": (65.23, 133),
    "BAIT, the two most probable": (65.70, 170),
    "BAIT, all classes": (65.70, 915),
}


def curve(data, strategy: str, seed: int, args) -> dict:
    """Return the accuracies after each round, and the CPU seconds of the whole loop."""
    learner = ProxyActiveLearner(
        LogisticRegression(C=args.C, max_iter=1000),
        strategy=strategy,
        initial_size=args.batch,
        rounds=[args.batch] * args.rounds,
        max_candidates=None if strategy in ("random", "auto") else args.candidates,
        random_state=seed,
    )
    with Clock() as clock:
        found = active_learning_curve(learner, data.X, data.y, data.X_test, data.y_test, n_repeats=1)
    return {"accuracy": (1.0 - found["proxy_error"]).tolist(), "seconds": clock.cpu}


def lines_of(record: dict) -> list[str]:
    """Return the page of a record."""
    settings = record["settings"]
    first = settings["batch"]
    lines = [
        "# Active learning with frozen features: a linear model on tables",
        "",
        f"A logistic regression (C={settings['C']:g}) on scaled columns learns from {first} random rows, then from "
        f"{first} more in each of {settings['rounds']} rounds. Strategies choose among {settings['candidates']:,} "
        "random rows of the pool, `auto` among all. *Area*: the mean test accuracy over the rounds, in %. "
        f"*Difference*: of the areas to random rows with the same first rows, paired over {settings['seeds']} seeds, "
        "with its interval of 95 % by Student's t.",
    ]
    for name, found in record["curves"].items():
        areas = {strategy: 100 * np.mean(parts["accuracy"], axis=1) for strategy, parts in found.items()}
        lines += [
            "",
            f"## {name}",
            "",
            "| strategy | area | difference to random | accuracy at the end | CPU s of a loop |",
            "|---|---|---|---|---|",
        ]
        for strategy, parts in found.items():
            end = 100 * np.array(parts["accuracy"])[:, -1]
            gap = areas[strategy] - areas["random"]
            difference = "" if strategy == "random" else interval(gap)
            lines.append(
                f"| {strategy} | {areas[strategy].mean():.2f} ± {areas[strategy].std(ddof=1):.2f} | {difference} "
                f"| {end.mean():.2f} ± {end.std(ddof=1):.2f} | {np.median(parts['seconds']):.1f} |"
            )
    if "letter" in record["curves"]:
        lines += [
            "",
            "Published for letter, with other splits, an unstated number of labels and a head whose probabilities come "
            "from a Laplace approximation (Huseljic et al., Fast Fishing, ECML PKDD 2024). These forms of BAIT keep "
            "the gradients of the most probable classes; `bait` here is the binary form, which does not tell classes "
            "apart, and for which no figure on letter is published.",
            "",
            "| strategy | area | difference to random | s |",
            "|---|---|---|---|",
            *(
                f"| {name} | {area:.2f} | {area - PUBLISHED['random'][0]:+.2f} | {seconds or ''} |"
                for name, (area, seconds) in PUBLISHED.items()
            ),
        ]
    return [*lines, *(["", settings["note"]] if settings["note"] else [])]


def interval(values: np.ndarray) -> str:
    """Return mean and interval of paired differences."""
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return f"{values.mean():+.2f} [{values.mean() - half:+.2f}, {values.mean() + half:+.2f}]"


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--data", nargs="+", default=["digits"], help="'digits', or files as of bench_strategies"
    )
    options.add_argument(
        "--strategies", nargs="+", default=STRATEGIES, help="random is one of them in any case"
    )
    options.add_argument("--batch", type=int, default=80, help="rows of the start and of each round")
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--candidates", type=int, default=1_000, help="rows among which a round chooses")
    options.add_argument("--C", type=float, default=10.0, help="of the logistic regression")
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument(
        "--partial", type=Path, default=Path("bench_frozen_features"), help="folder of what is finished"
    )
    options.add_argument("--note", default="", help="a sentence for the page")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    kept, memory = Results(args.partial), Memory(args.partial / "columns", verbose=0)
    curves: dict = {}
    for spec in args.data:
        data, name = load(spec, 0, memory), name_of(spec)
        for strategy in dict.fromkeys(["random", *args.strategies]):
            parts = [
                kept.get(
                    lambda strategy=strategy, seed=seed, data=data: curve(data, strategy, seed, args),
                    data=name,
                    strategy=strategy,
                    seed=seed,
                )
                for seed in range(args.seeds)
            ]
            curves.setdefault(name, {})[strategy] = {
                part: [one[part] for one in parts] for part in ("accuracy", "seconds")
            }
    names = ("batch", "rounds", "candidates", "C", "seeds", "note")
    record = {"settings": {name: getattr(args, name) for name in names}, "curves": curves}
    write(args.out, "bench_frozen_features", record, lines_of(record))


if __name__ == "__main__":
    main()
