"""The fast recipe against the paper's recipe: seconds of the processor, test error, and agreement of rankings."""

from pathlib import Path

import numpy as np
import torch
from _report import median_interval, parser, write
from _results import Results, spread, timed_fit

from sksvp.agreement import rank_correlation
from sksvp.datasets import load_cifar10, load_digits
from sksvp.estimators import ResNetClassifier, WhitenedConvNetClassifier
from sksvp.strategies import entropy

PAPER_EPOCHS = 181
PAPER_ERROR = 7.6
PARTS = ("cost", "whole", "agreement")
# Larger than any count: JSON has no infinity.
NEVER_LEARNED = 1e9


def timed_epoch(model, X, y) -> dict:
    """Train; return seconds for one row and epoch."""
    times = timed_fit(model, X, y)
    return {key: value / (len(y) * model.max_epochs) for key, value in times.items()}


def make(name: str, args, *, seed: int, epochs: int | None = None, batch_size: int | None = None):
    """Make a network by name, with its own recipe but for what is given."""
    given = {"max_epochs": epochs, "batch_size": batch_size}
    params = {key: value for key, value in given.items() if value is not None}
    params |= {"device": args.device, "precision": args.precision, "random_state": seed, "verbose": 1}
    if name == "fast":
        return WhitenedConvNetClassifier(**params)
    return ResNetClassifier(int(name.removeprefix("resnet")), **params)


def measure_cost(args, results: Results, X, y) -> None:
    """Time one epoch of both recipes, in turns."""
    rows = np.random.RandomState(0).permutation(len(y))[: args.timed_rows]
    for name in ("fast", "resnet20"):
        # What is imported, compiled or allocated once belongs to neither.
        make(name, args, seed=0, epochs=1).fit(X[rows[:64]], y[rows[:64]])
    for number in range(args.timed_rounds):
        for name in ("fast", "resnet20"):
            model = make(name, args, seed=number, epochs=1)
            results.get(
                lambda model=model: timed_epoch(model, X[rows], y[rows]),
                **cost_settings(args, name, number),
            )


def cost_settings(args, name: str, number: int) -> dict:
    return {"part": "cost", "network": name, **where(args), "rows": args.timed_rows, "round": number}


def where(args) -> dict:
    return {"dataset": args.dataset, "device": args.device, "precision": args.precision}


def measure_whole(args, results: Results, X, y, X_test, y_test) -> None:
    """Train the fast recipe to its end; error on the test rows after the last epoch."""
    rows = np.random.RandomState(0).permutation(len(y))[: args.train_rows]
    for seed in range(args.seeds):
        model = make("fast", args, seed=seed, epochs=args.epochs)

        def train(model=model):
            times = timed_fit(model, X[rows], y[rows])
            return {
                **times,
                "test_error": 1 - model.score(X_test, y_test),
                "rows": len(rows),
                "epochs": model.max_epochs,
                "history": [
                    {key: float(epoch[key]) for key in ("train_loss", "train_acc", "dur")}
                    for epoch in model.history_
                ],
            }

        results.get(train, **whole_settings(args, seed))


def whole_settings(args, seed: int) -> dict:
    return {"part": "whole", **where(args), "rows": args.train_rows, "epochs": args.epochs, "seed": seed}


def measure_agreement(args, results: Results, X, y, X_test, y_test) -> None:
    """Train the networks on the same rows; keep entropy and forgetting events of each row."""
    rows = np.random.RandomState(0).permutation(len(y))[: args.agreement_rows]
    for seed in range(args.agreement_seeds):
        for name in ("fast", "resnet20", args.deep):
            epochs = args.epochs if name == "fast" else args.agreement_epochs
            model = make(name, args, seed=seed, epochs=epochs, batch_size=args.agreement_batch)

            def train(model=model):
                times = timed_fit(model, X[rows], y[rows])
                events = model.forgetting_events_
                return {
                    **times,
                    "test_error": 1 - model.score(X_test, y_test),
                    "epochs": model.max_epochs,
                    "entropy": entropy(model.predict_log_proba(X[rows]), log=True).tolist(),
                    "forgetting_events": np.where(np.isinf(events), NEVER_LEARNED, events).tolist(),
                }

            results.get(train, **agreement_settings(args, name, seed))


def agreement_settings(args, name: str, seed: int) -> dict:
    return {
        "part": "agreement",
        "network": name,
        **where(args),
        "rows": args.agreement_rows,
        "epochs": args.epochs if name == "fast" else args.agreement_epochs,
        "batch": args.agreement_batch,
        "seed": seed,
    }


def report_cost(args, results: Results, whole: list[dict]) -> tuple[dict, list[str]]:
    """Seconds of both recipes, as figures and as lines of markdown."""
    found = {
        name: [results.find(**cost_settings(args, name, number)) for number in range(args.timed_rounds)]
        for name in ("fast", "resnet20")
    }
    if None in found["fast"] + found["resnet20"]:
        return {}, ["Seconds of both recipes: not measured yet."]
    key = "cpu_seconds" if args.device == "cpu" else "seconds"
    per_row = {name: median_interval([result[key] for result in times]) for name, times in found.items()}
    epoch_ratio = median_interval(
        [fast[key] / paper[key] for fast, paper in zip(found["fast"], found["resnet20"], strict=True)]
    )
    figures: dict = {"seconds_per_row_and_epoch": per_row, "epoch_ratio": epoch_ratio, "seconds_are": key}
    kind = "CPU s" if key == "cpu_seconds" else "s"
    lines = [
        "## Cost",
        "",
        f"| recipe | epochs | {kind} for an epoch of 50,000 rows | {kind} for the whole training |",
        "|---|---|---|---|",
    ]
    paper_epoch = 50_000 * per_row["resnet20"]["median"]
    lines.append(
        f"| paper: ResNet20 | {PAPER_EPOCHS} | {paper_epoch:,.0f} | {PAPER_EPOCHS * paper_epoch:,.0f} "
        f"(its epoch times {PAPER_EPOCHS}) |"
    )
    fast_epoch = 50_000 * per_row["fast"]["median"]
    if whole:
        seconds = float(np.median([result[key] for result in whole]))
        rows, epochs = whole[0]["rows"], whole[0]["epochs"]
        figures["whole_ratio"] = seconds / (PAPER_EPOCHS * rows * per_row["resnet20"]["median"])
        measured = f"{seconds:,.0f} (measured, {rows:,} rows)"
    else:
        epochs = args.epochs
        measured = f"{epochs * fast_epoch:,.0f} (its epoch times {epochs})"
        figures["whole_ratio"] = epochs * fast_epoch / (PAPER_EPOCHS * paper_epoch)
    lines += [
        f"| fast | {epochs} | {fast_epoch:,.0f} | {measured} |",
        "",
        f"Whole trainings on the same rows: **{figures['whole_ratio']:.3f}** of the paper's recipe (goal: under 0.1). "
        f"One epoch: {epoch_ratio['median']:.2f} [{epoch_ratio['low']:.2f}, {epoch_ratio['high']:.2f}] of "
        f"ResNet20's. Epochs are timed on {args.timed_rows:,} rows, {args.timed_rounds} of each in turns.",
    ]
    return figures, lines


def report_whole(args, whole: list[dict]) -> tuple[list[dict], list[str]]:
    """Test errors of the fast recipe."""
    if not whole:
        return [], ["Test error of the fast recipe: not measured yet."]
    lines = [
        "## Accuracy",
        "",
        "| training | rows | epochs | seed | test error, % | CPU s | s by the clock |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in whole:
        lines.append(
            f"| fast | {result['rows']:,} | {result['epochs']} | {result['seed']} | "
            f"{100 * result['test_error']:.2f} | {result['cpu_seconds']:,.0f} | {result['seconds']:,.0f} |"
        )
    if args.dataset == "cifar10":
        lines += [
            "",
            f"Published for ResNet20 after {PAPER_EPOCHS} epochs: {PAPER_ERROR} % (Coleman et al., 2020). That "
            f"training is not repeated here.",
        ]
    return whole, lines + (["", args.note] if args.note else [])


def report_agreement(args, results: Results) -> tuple[list[dict], list[str]]:
    """Spearman's correlation of each small network's rankings with those of the deep one."""
    figures, errors = [], {}
    for seed in range(args.agreement_seeds):
        found = {
            name: results.find(**agreement_settings(args, name, seed))
            for name in ("fast", "resnet20", args.deep)
        }
        for name, result in found.items():
            if result is not None:
                errors.setdefault(name, []).append(result)
        deep = found.pop(args.deep)
        for name, result in found.items():
            if deep is None or result is None:
                continue
            correlations = {
                kind: rank_correlation(result[kind], deep[kind]) for kind in ("entropy", "forgetting_events")
            }
            about = {
                "test_error": result["test_error"],
                "deep_test_error": deep["test_error"],
                "cpu_seconds": result["cpu_seconds"],
            }
            figures.append({"network": name, "seed": seed, **correlations, **about})
    if not figures:
        return [], ["Agreement of rankings: not measured yet."]
    lines = [
        "## Agreement",
        "",
        f"Spearman's correlation with the ranking of {label(args.deep)}, over the {args.agreement_rows:,} training "
        f"rows; batches of {args.agreement_batch}; the ResNets train for {args.agreement_epochs} epochs, with their "
        f"schedule scaled to them.",
        "",
        f"| network | seeds | entropy | forgetting events | test error, % | that of {label(args.deep)}, % | CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    deep_error = 100 * np.mean([result["test_error"] for result in errors[args.deep]])
    for name in ("fast", "resnet20"):
        own = [line for line in figures if line["network"] == name]
        if own:
            lines.append(
                f"| {label(name)}, {errors[name][0]['epochs']} epochs | {len(own)} | "
                f"{spread([line['entropy'] for line in own])} | "
                f"{spread([line['forgetting_events'] for line in own])} | "
                f"{100 * np.mean([result['test_error'] for result in errors[name]]):.1f} | {deep_error:.1f} | "
                f"{np.mean([result['cpu_seconds'] for result in errors[name]]):,.0f} |"
            )
    return figures, lines


def label(name: str) -> str:
    return name.replace("resnet", "ResNet")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--dataset", default="cifar10", choices=["cifar10", "digits"])
    options.add_argument("--data-dir", type=Path, default=Path("data"))
    options.add_argument("--device", default="cpu")
    options.add_argument("--precision", default="auto")
    options.add_argument(
        "--part",
        action="append",
        choices=[*PARTS, "report"],
        help="what to train now, or the report of what there is alone; all by default",
    )
    options.add_argument("--runs", type=Path, default=Path("runs") / "bench_fast_recipe")
    options.add_argument("--note", default="", help="what to say of the data, below the test error")
    options.add_argument("--train-rows", type=int, default=50_000, help="rows of the whole trainings")
    options.add_argument("--epochs", type=int, default=None, help="of the fast recipe; its own by default")
    options.add_argument("--seeds", type=int, default=1, help="whole trainings")
    options.add_argument("--timed-rows", type=int, default=5_000)
    options.add_argument("--timed-rounds", type=int, default=3)
    options.add_argument("--agreement-rows", type=int, default=5_000)
    options.add_argument("--agreement-epochs", type=int, default=20, help="of the ResNets")
    options.add_argument("--agreement-batch", type=int, default=128)
    options.add_argument("--agreement-seeds", type=int, default=1)
    options.add_argument("--deep", default="resnet56")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    # A result is found again by its settings: none of them may hide behind a default.
    args.epochs = args.epochs or WhitenedConvNetClassifier().max_epochs
    data = load_digits() if args.dataset == "digits" else load_cifar10(args.data_dir)
    train, test = (data.X_train, data.y_train), (data.X_test, data.y_test)
    results = Results(args.runs)
    parts = args.part or PARTS
    if "cost" in parts:
        measure_cost(args, results, *train)
    if "whole" in parts:
        measure_whole(args, results, *train, *test)
    if "agreement" in parts:
        measure_agreement(args, results, *train, *test)
    whole = [
        {"seed": seed, **result}
        for seed in range(args.seeds)
        if (result := results.find(**whole_settings(args, seed))) is not None
    ]
    cost, cost_lines = report_cost(args, results, whole)
    accuracy, accuracy_lines = report_whole(args, whole)
    agreement, agreement_lines = report_agreement(args, results)
    settings = {key: str(value) for key, value in vars(args).items() if key not in ("out", "runs")}
    write(
        args.out,
        "bench_fast_recipe",
        {"settings": settings, "cost": cost, "accuracy": accuracy, "agreement": agreement},
        [
            f"# The fast recipe beside the paper's: {args.dataset}, {args.device}, precision {args.precision}",
            "",
            *cost_lines,
            "",
            *accuracy_lines,
            "",
            *agreement_lines,
        ],
    )


if __name__ == "__main__":
    main()
