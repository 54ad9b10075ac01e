"""Windows of best window selection, judged by inputs that have not seen the labels and by the proxy's hidden layer."""

import warnings
from pathlib import Path

import numpy as np
import torch
from _report import parser, write
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

from sksvp import ProxyCoresetSelector
from sksvp.datasets import load_digits, load_text_csv
from sksvp.proxies import as_proxy
from sksvp.strategies import Evidence, Window, rank_by_score

SCORES = ("aum", "forgetting_events")


def load(folder: Path | None, n_rows: int | None):
    """Return training and test rows of texts as 128 scaled columns of a truncated SVD, or of digits."""
    data = load_digits() if folder is None else load_text_csv(folder)
    rows = np.random.RandomState(0).permutation(len(data.y_train))[:n_rows]
    X, X_test, (_, y) = data.X_train[rows], data.X_test, np.unique(data.y_train[rows], return_inverse=True)
    _, y_test = np.unique(data.y_test, return_inverse=True)
    if folder is None:
        steps = [StandardScaler()]
        X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    else:
        words = TfidfVectorizer(min_df=5, sublinear_tf=True)
        steps = [words, TruncatedSVD(128, random_state=0), StandardScaler()]
        X, X_test = list(X), list(X_test)
    tables = make_pipeline(*steps).fit(X)
    return tables.transform(X).astype(np.float32), y, tables.transform(X_test).astype(np.float32), y_test


def make_proxy(n_columns: int, n_classes: int, n_epochs: int):
    """Return a network of one hidden layer, which is enough to memorise most rows."""
    layers = nn.Sequential(nn.Linear(n_columns, 64), nn.ReLU(), nn.Linear(64, n_classes))
    optimizer = {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9, "lr": 0.1}
    training = {"max_epochs": n_epochs, "batch_size": 128, "train_split": None, "verbose": 0}
    return NeuralNetClassifier(layers, criterion=nn.CrossEntropyLoss, **optimizer, **training)


def compare(folder: Path | None, n_rows: int | None, sizes: list[float], n_epochs: int, seeds: int):
    """Return the proxy's errors, and one line for each score and size."""
    X, y, X_test, y_test = load(folder, n_rows)

    def error(rows) -> float:
        if len(np.unique(y[rows])) < 2:
            return float(np.mean(y_test != y[rows][0]))
        return 1 - LogisticRegression(C=0.1, max_iter=500).fit(X[rows], y[rows]).score(X_test, y_test)

    lines, errors = [], []
    for seed in range(seeds):
        net = make_proxy(X.shape[1], len(np.unique(y)), n_epochs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            selector = ProxyCoresetSelector(net, strategy="aum", subset_size=sizes[0], random_state=seed).fit(
                X, y
            )
            forgetting = selector.rerank(strategy="forgetting_events", X=X)
        proxy = as_proxy(selector.proxy_)
        errors.append(
            [float(np.mean(proxy.predict(rows) != labels)) for rows, labels in ((X, y), (X_test, y_test))]
        )
        judges = {"inputs": X, "hidden": proxy.gather(X, ("features",)).features}
        rng = np.random.RandomState(seed)
        for score, scores in zip(SCORES, (selector.scores_, forgetting.scores_), strict=True):
            for size in sizes:
                n_samples = int(size * len(y))
                line = {"score": score, "kept": size, "seed": seed}
                for judge, inputs in judges.items():
                    evidence = Evidence(y=y, inputs=inputs, given=scores)
                    rows, _ = Window(_Given(), start="best").rank(evidence, n_samples, random_state=seed)
                    line[judge] = error(rows)
                line["random"] = error(rng.permutation(len(y))[:n_samples])
                lines.append(line)
    return np.mean(errors, axis=0).tolist(), lines


class _Given:
    """The scores of a former choice."""

    requires = ("given",)

    def rank(self, evidence, n_samples, *, candidates=None, initial=None, random_state=None):
        return rank_by_score(evidence.given, random_state=random_state), evidence.given


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--data", type=Path, default=None, help="folder of texts, train.csv and test.csv; else digits"
    )
    options.add_argument("--rows", type=int, default=None, help="random training rows, at most")
    options.add_argument("--sizes", type=float, nargs="+", default=[0.02, 0.05, 0.1, 0.3, 0.5])
    options.add_argument("--epochs", type=int, default=40)
    options.add_argument("--seeds", type=int, default=3)
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    (learned, unseen), lines = compare(args.data, args.rows, args.sizes, args.epochs, args.seeds)
    name = "digits" if args.data is None else args.data.name
    settings = {"data": name, "rows": args.rows, "epochs": args.epochs, "seeds": args.seeds}
    table = [
        "# Windows judged by inputs and by a hidden layer",
        "",
        "| score | kept | by inputs | by the hidden layer | random |",
        "|---|---|---|---|---|",
    ]
    for score in SCORES:
        for size in args.sizes:
            cells = [line for line in lines if (line["score"], line["kept"]) == (score, size)]
            means = [np.mean([line[arm] for line in cells]) for arm in ("inputs", "hidden", "random")]
            table.append(f"| {score} | {size:.0%} | " + " | ".join(f"{mean:.1%}" for mean in means) + " |")
    table += [
        "",
        f"Test error of a logistic regression (C=0.1) on the rows that `Window(score)` chose from {name}; mean of "
        f"{args.seeds} seeds. The proxy is a network with one hidden layer of 64, trained for {args.epochs} epochs. It"
        f" gets {learned:.1%} of its training rows and {unseen:.1%} of the test rows wrong.",
    ]
    write(args.out, "bench_window", {"settings": settings, "lines": lines}, table)


if __name__ == "__main__":
    main()
