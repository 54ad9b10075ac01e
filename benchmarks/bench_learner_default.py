"""Strategies of ProxyActiveLearner beside random rows, on texts of several classes."""

from pathlib import Path

import numpy as np
import torch
from _made_up import made_up
from _report import parser, write
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from sksvp import ProxyActiveLearner
from sksvp.active import active_learning_curve
from sksvp.datasets import load_ag_news, load_imdb, load_text_csv
from sksvp.estimators import BagOfNgramsClassifier

STRATEGIES = ("random", "least_confidence", "margin", "entropy")
LENGTH = 400  # characters of a text that are read


def ag_news(args) -> tuple[list[str], np.ndarray]:
    """Texts of four topics."""
    return all_rows(load_ag_news(args.data_dir))


def topics_and_reviews(args) -> tuple[list[str], np.ndarray]:
    """The four topics of AG News, and good and bad reviews of films (IMDB) and goods (Amazon)."""
    sources = [
        all_rows(bunch)
        for bunch in (
            load_ag_news(args.data_dir),
            load_imdb(args.data_dir),
            load_text_csv(
                args.data_dir / "amazon_multidomain_csv" / "train.csv",
                args.data_dir / "amazon_multidomain_csv" / "test.csv",
            ),
        )
    ]
    rng = np.random.RandomState(0)
    X, y = [], []
    for texts, labels in sources:
        first = len(set(y))
        for label in np.unique(labels):
            rows = rng.permutation(np.flatnonzero(labels == label))[: args.per_class]
            X += [texts[row] for row in rows]
            y += [first + int(label)] * len(rows)
    return X, np.array(y)


def models(args) -> dict:
    """Make the classifiers; with a few hundred labels their own defaults would hardly learn."""
    return {
        "logistic regression on tf-idf": LogisticRegression(C=args.C, max_iter=1000),
        "bag of n-grams": BagOfNgramsClassifier(lr=0.5, max_epochs=args.epochs, device="cpu"),
    }


SETS = {"AG News": ag_news, "topics and reviews": topics_and_reviews}


def all_rows(bunch) -> tuple[list[str], np.ndarray]:
    """Join the training and test rows of a set."""
    return [*bunch.X_train, *bunch.X_test], np.concatenate([bunch.y_train, bunch.y_test])


def cut(X, y, args) -> tuple:
    """Draw pool and test rows, and shorten the texts."""
    rows = np.random.RandomState(0).permutation(len(y))
    pool, test = rows[args.test_rows :][: args.rows], rows[: args.test_rows]
    return [X[k][:LENGTH] for k in pool], y[pool], [X[k][:LENGTH] for k in test], y[test]


def errors(model, strategy: str, data: tuple, args) -> dict[str, list[float]]:
    """Return test errors in percent by number of labels, one a seed."""
    totals = np.array(args.labels)
    learner = ProxyActiveLearner(
        model,
        strategy=strategy,
        initial_size=int(totals[0]),
        rounds=np.diff(totals).tolist(),
        random_state=0,
    )
    curve = active_learning_curve(learner, *data, n_repeats=args.seeds)
    return {str(total): (100 * rows["proxy_error"]).tolist() for total, rows in curve.groupby("n_labeled")}


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--data-dir",
        type=Path,
        help="folder with ag_news_csv, imdb_csv and amazon_multidomain_csv; made-up texts without",
    )
    options.add_argument("--rows", type=int, default=8_000, help="of the pool at most")
    options.add_argument("--test-rows", type=int, default=2_000)
    options.add_argument(
        "--per-class", type=int, default=1_250, help="texts of a class of 'topics and reviews'"
    )
    options.add_argument("--labels", type=int, nargs="+", default=[50, 100, 200, 400, 800, 1600])
    options.add_argument("--C", type=float, default=100.0, help="of the logistic regression")
    options.add_argument("--epochs", type=int, default=200, help="of the bag of n-grams")
    options.add_argument("--seeds", type=int, default=3)
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    sets = SETS if args.data_dir else {"made-up texts": lambda args: made_up(args.rows + args.test_rows)}
    figures: dict = {}
    heads = [f"{total:,} labels" for total in args.labels[1:]]
    lines = [
        "# Strategies of active learning on texts, beside random rows",
        "",
        f"Test error in percent of the model that also chooses, mean and standard deviation over {args.seeds} seeds. "
        f"{args.labels[0]} labels at random begin, then each round buys up to the next number, without a look at "
        f"the classes. Texts are cut after {LENGTH} characters. The logistic regression has C={args.C:g}, the bag of "
        f"n-grams a rate of 0.5 and {args.epochs} epochs, with which random rows did best.",
    ]
    for name, load in sets.items():
        X, y, X_test, y_test = cut(*load(args), args)
        vectorizer = TfidfVectorizer(sublinear_tf=True).fit(X)
        as_numbers = (vectorizer.transform(X), y, vectorizer.transform(X_test), y_test)
        for model_name, model in models(args).items():
            data = as_numbers if isinstance(model, LogisticRegression) else (X, y, X_test, y_test)
            found = {strategy: errors(model, strategy, data, args) for strategy in STRATEGIES}
            figures.setdefault(name, {"classes": len(np.unique(y)), "pool": len(y)})[model_name] = found
            lines += [
                "",
                f"## {name} ({len(np.unique(y))} classes, a pool of {len(y):,}), {model_name}",
                "",
                f"| strategy | {' | '.join(heads)} |",
                "|---" * (1 + len(heads)) + "|",
            ]
            for strategy, by_total in found.items():
                cells = [spread(by_total[str(total)]) for total in args.labels[1:]]
                lines.append(f"| {strategy} | {' | '.join(cells)} |")
                print(name, model_name, strategy, cells, flush=True)
    settings = {key: str(value) for key, value in vars(args).items() if key not in ("out", "data_dir")}
    write(args.out, "bench_learner_default", {"settings": settings, "error": figures}, lines)


def spread(values: list[float]) -> str:
    """Mean and sample standard deviation."""
    deviation = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{deviation}"


if __name__ == "__main__":
    main()
