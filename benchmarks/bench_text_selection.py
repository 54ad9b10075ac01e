"""Choosing reviews with fastText or a bag of n-grams against VDCNN29 choosing for itself."""

import shutil
from pathlib import Path

import numpy as np
import torch
from _made_up import made_up
from _report import parser, write
from _results import Results, spread, timed_fit

from sksvp._clock import Clock
from sksvp.agreement import rank_correlation
from sksvp.datasets import load_imdb
from sksvp.estimators import BagOfNgramsClassifier, FastTextClassifier, VDCNNClassifier
from sksvp.strategies import entropy

PROXIES = {"fasttext": FastTextClassifier, "bag-of-ngrams": BagOfNgramsClassifier}
PARTS = ("choice", "target")
# With some thousands of texts the loss of the published recipe stays that of guessing.
RECIPES = {
    "published": {},
    "small": {
        "pooling": "maxpool",
        "length": 512,
        "lr": 5e-4,
        "schedule": "one-cycle",
        "net_params": {
            "optimizer": torch.optim.Adam,
            "optimizer__weight_decay": 0.0,
            "optimizer__fused": True,
        },
    },
}
NAMES = {
    "fasttext": "fastText",
    "bag-of-ngrams": "bag of n-grams",
    "random": "random rows",
    "all": "all rows",
}


class Experiment:
    """One pool of texts and one target: who chooses, and what the target learns from the choice."""

    def __init__(self, args):
        self.args = args
        self.results = Results(args.runs)
        self.target_name = f"vdcnn{args.depth}"
        self.X, self.y, self.X_test, self.y_test = texts(args)
        self.n_chosen = round(args.fraction * len(self.X))

    def settings(self, **more) -> dict:
        args = self.args
        return {
            **more,
            "target": self.target_name,
            "precision": args.precision,
            "rows": len(self.X),
            "epochs": args.epochs,
            "batch": args.batch_size,
            "recipe": args.recipe,
            "proxies": f"{args.proxy_epochs}x{args.proxy_lr}",
        }

    def choices(self, chooser: str) -> list[dict]:
        """Return what is known of a chooser, one a seed."""
        return self._known(part="choice", name=chooser)

    def targets(self, chooser: str) -> list[dict]:
        """Return what the target learned from rows of a chooser, one a seed."""
        return self._known(part="target", name=chooser, fraction=self.args.fraction)

    def _known(self, **more) -> list[dict]:
        found = [self.results.find(**self.settings(**more, seed=seed)) for seed in range(self.args.seeds)]
        return [result for result in found if result is not None]

    def make(self, name: str, seed: int):
        """Make a classifier by name."""
        args = self.args
        if name in PROXIES:
            extra = {} if name == "fasttext" else {"device": "cpu"}
            return PROXIES[name](lr=args.proxy_lr, max_epochs=args.proxy_epochs, random_state=seed, **extra)
        return VDCNNClassifier(
            args.depth,
            max_epochs=args.epochs,
            batch_size=args.batch_size,
            precision=args.precision,
            device="cpu",
            checkpoint=self.training(name, seed) if args.checkpoint_every else None,
            checkpoint_every=args.checkpoint_every or 1,
            random_state=seed,
            verbose=1,
            **RECIPES[args.recipe],
        )

    def training(self, name: str, seed: int) -> Path:
        """Return the folder of a training in progress."""
        return self.args.runs / f"training-{name}-{seed}"

    def do(self, part: str, name: str, seed: int) -> None:
        """Do one part for one chooser, unless it is done."""
        more = {"fraction": self.args.fraction} if part == "target" else {}
        work = self.choose if part == "choice" else self.train_target
        self.results.get(lambda: work(name, seed), **self.settings(part=part, name=name, **more, seed=seed))
        for training in (name, f"of-{name}"):
            shutil.rmtree(self.training(training, seed), ignore_errors=True)

    def choose(self, name: str, seed: int) -> dict:
        """Train a chooser on the whole pool; time it, and score the pool."""
        model = self.make(name, seed)
        times = timed_fit(model, self.X, self.y)
        with Clock() as scoring:
            scores = entropy(model.predict_proba(self.X))
        return {
            **times,
            "score_cpu_seconds": scoring.cpu,
            "epochs": model.max_epochs,
            "test_error": 1 - model.score(self.X_test, self.y_test),
            "entropy": scores.tolist(),
        }

    def train_target(self, chooser: str, seed: int) -> dict:
        """Train the target on the rows of largest entropy, or on random rows."""
        if chooser == "random":
            ranking = np.random.RandomState(seed).permutation(len(self.X))
        else:
            known = self.results.find(**self.settings(part="choice", name=chooser, seed=seed))
            if known is None:
                raise SystemExit(f"{chooser} has not chosen yet: run --part choice first.")
            ranking = np.argsort(-np.array(known["entropy"]), kind="stable")
        rows = np.sort(ranking[: self.n_chosen])
        model = self.make(f"of-{chooser}", seed)
        times = timed_fit(model, [self.X[row] for row in rows], self.y[rows])
        return {**times, "test_error": 1 - model.score(self.X_test, self.y_test), "rows": len(rows)}


def texts(args) -> tuple[list[str], np.ndarray, list[str], np.ndarray]:
    """Read the rows of the pool and of the test, drawn at random from IMDB, or make them up."""
    if args.data_dir is None:
        X, y = made_up(args.rows + args.test_rows)
        return X[: args.rows], y[: args.rows], X[args.rows :], y[args.rows :]
    bunch = load_imdb(args.data_dir)
    pool = np.random.RandomState(0).permutation(len(bunch.y_train))[: args.rows]
    test = np.random.RandomState(0).permutation(len(bunch.y_test))[: args.test_rows]
    return (
        [bunch.X_train[row] for row in pool],
        bunch.y_train[pool],
        [bunch.X_test[row] for row in test],
        bunch.y_test[test],
    )


def report(experiment: Experiment) -> tuple[dict, list[str]]:
    """Figures, and lines of markdown."""
    target = experiment.target_name
    own = experiment.choices(target)
    own_seconds = seconds_of_choosing(own)
    figures: dict = {"choosers": {}}
    lines = [
        f"| who chooses | seeds | CPU s of choosing | factor | its own test error, % | Spearman's correlation with "
        f"{shown(target)} | {shown(target)}'s test error from {experiment.args.fraction:.0%}, % |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in (*PROXIES, target, "random"):
        found, targets = experiment.choices(name), experiment.targets(name)
        if not found and not targets:
            continue
        row: dict = {"seeds": max(len(found), len(targets))}
        if found:
            spent = seconds_of_choosing(found)
            row |= {"cpu_seconds": spent, "test_error": [result["test_error"] for result in found]}
        if found and own and name != target:
            row["factor"] = [mine / theirs for mine, theirs in zip(own_seconds, spent, strict=False)]
            row["agreement"] = [
                rank_correlation(theirs["entropy"], mine["entropy"])
                for mine, theirs in zip(own, found, strict=False)
            ]
        if targets:
            row["target_error"] = [result["test_error"] for result in targets]
        figures["choosers"][name] = row
        lines.append(
            f"| {shown(name)} | {row['seeds']} | {told(row, 'cpu_seconds', '{:,.1f}')} | "
            f"{told(row, 'factor', '{:,.0f} x')} | {percent(row, 'test_error')} | "
            f"{spread(row['agreement']) if 'agreement' in row else ''} | {percent(row, 'target_error')} |"
        )
    if own:
        epoch = np.mean([result["cpu_seconds"] / result["epochs"] for result in own])
        figures["epoch_cpu_seconds"] = float(epoch)
        lines += [
            "",
            f"An epoch of {shown(target)} over the {len(experiment.X):,} texts takes {epoch:,.0f} CPU seconds.",
        ]
    return figures, lines


def seconds_of_choosing(choices: list[dict]) -> list[float]:
    return [choice["cpu_seconds"] + choice["score_cpu_seconds"] for choice in choices]


def shown(name: str) -> str:
    return NAMES.get(name, name.replace("vdcnn", "VDCNN"))


def told(row: dict, key: str, form: str) -> str:
    return form.format(np.mean(row[key])) if key in row else ""


def percent(row: dict, key: str) -> str:
    if key not in row:
        return ""
    values = 100 * np.array(row[key])
    deviation = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{deviation}"


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--data-dir", type=Path, help="folder with imdb_csv; made-up texts without")
    options.add_argument("--rows", type=int, default=5_000, help="of the pool")
    options.add_argument("--test-rows", type=int, default=5_000)
    options.add_argument("--fraction", type=float, default=0.5, help="of the pool that is chosen")
    options.add_argument("--depth", type=int, default=29, help="of the target")
    options.add_argument("--epochs", type=int, default=15, help="of the target, its schedule scaled to them")
    options.add_argument("--batch-size", type=int, default=64, help="of the target")
    options.add_argument(
        "--recipe",
        choices=RECIPES,
        default="small",
        help="of the target: small is max pooling, 512 characters, Adam and a rate of one cycle",
    )
    options.add_argument("--precision", default="auto", help="of the target")
    options.add_argument(
        "--checkpoint-every", type=int, default=1, help="epochs of a training in progress; 0: never"
    )
    options.add_argument("--proxy-lr", type=float, default=0.5)
    options.add_argument("--proxy-epochs", type=int, default=10)
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument(
        "--part", action="append", choices=[*PARTS, "report"], help="what to do now; all by default"
    )
    options.add_argument("--runs", type=Path, default=Path("runs") / "bench_text_selection")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    experiment = Experiment(args)
    choosers = (*PROXIES, experiment.target_name)
    # Loops are compiled, and the program loaded, before the clock runs.
    for name in PROXIES:
        experiment.make(name, 0).fit(["a b", "c d"], [0, 1])
    for seed in range(args.seeds):
        for part, names in zip(PARTS, (choosers, (*choosers, "random")), strict=True):
            for name in names if part in (args.part or PARTS) else ():
                experiment.do(part, name, seed)
    figures, lines = report(experiment)
    kind = "made-up texts" if args.data_dir is None else "IMDB"
    settings = {
        key: str(value) for key, value in vars(args).items() if key not in ("out", "runs", "data_dir")
    }
    write(
        args.out,
        "bench_text_selection",
        {"settings": settings, **figures},
        [
            f"# Choosing texts with a small model: {len(experiment.X):,} of {kind}, precision {args.precision}",
            "",
            f"Each chooser is trained on the whole pool and ranks it by entropy; seconds of the processor of training "
            f"and scoring, all with {args.threads} thread(s). {shown(experiment.target_name)} trains for {args.epochs} "
            f"epochs in batches of {args.batch_size}, by the recipe {args.recipe!r}; the small models "
            f"for {args.proxy_epochs} epochs. Test errors on "
            f"{len(experiment.X_test):,} texts.",
            "",
            *lines,
        ],
    )


if __name__ == "__main__":
    main()
