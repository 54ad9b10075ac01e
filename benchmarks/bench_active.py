"""What a round of active learning costs beside training and inference, and how fast a large pool is ranked."""

import tempfile

import numpy as np
import torch
from _report import median_interval, parser, write
from sklearn.base import BaseEstimator

from sksvp import ProxyActiveLearner
from sksvp._clock import processor_seconds
from sksvp.active._ranking import rank_pool
from sksvp.estimators import ResNetClassifier
from sksvp.proxies import as_proxy
from sksvp.strategies import resolve_strategy

_STRATEGIES = ("least_confidence", "entropy", "margin", "random")


class Told(BaseEstimator):
    """A fitted proxy whose inference costs nothing: a row says its own logits."""

    def fit(self, X, y):
        return self

    def predict_logits(self, X):
        return X


class TimedProxy(ResNetClassifier):
    """A proxy that notes the processor seconds of its own training and scoring."""

    training = 0.0
    scoring = 0.0

    def fit(self, X, y):
        start = processor_seconds()
        super().fit(X, y)
        TimedProxy.training += processor_seconds() - start
        return self

    def predict_logits(self, X):
        start = processor_seconds()
        logits = super().predict_logits(X)
        TimedProxy.scoring += processor_seconds() - start
        return logits


def rank_seconds(n_rows: int, n_classes: int, repeats: int) -> dict[str, dict[str, float]]:
    """Rank a pool of which a tenth is labelled; processor seconds beside what gives the logits."""
    rng = np.random.RandomState(0)
    logits = rng.normal(scale=4, size=(n_rows, n_classes)).astype(np.float32)
    labelled = rng.rand(n_rows) < 0.1
    seconds: dict[str, list[float]] = {name: [] for name in _STRATEGIES}
    for repeat in range(repeats):
        for name in _STRATEGIES:
            start = processor_seconds()
            proxy = as_proxy(Told())
            rank_pool(
                resolve_strategy(name),
                proxy,
                logits,
                labelled,
                np.flatnonzero(~labelled),
                n_rows // 10,
                random_state=repeat,
            )
            seconds[name].append(processor_seconds() - start)
    return {name: median_interval(values) for name, values in seconds.items()}


def round_seconds(n_rows: int, start_size: int, round_size: int, depth: int, epochs: int) -> dict[str, float]:
    """Run two rounds with a checkpoint; the second is the round that is measured."""
    rng = np.random.RandomState(0)
    y = rng.randint(0, 10, n_rows)
    X = rng.randint(0, 200, (n_rows, 32, 32, 3)).astype(np.uint8)
    X[np.arange(n_rows), 3 * y] += 50
    proxy = TimedProxy(depth, max_epochs=epochs, device="cpu")
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        learner = ProxyActiveLearner(proxy, strategy="least_confidence", checkpoint=folder, random_state=0)
        start = processor_seconds()
        learner.fit(X)
        rows = learner.query(start_size)
        learner.teach(rows, y[rows])
        figures["start"] = processor_seconds() - start
        for _ in range(2):
            TimedProxy.training = TimedProxy.scoring = 0.0
            start = processor_seconds()
            rows = learner.query(round_size)
            learner.teach(rows, y[rows])
            total = processor_seconds() - start
        learner.close()
    figures["training"], figures["inference"] = TimedProxy.training, TimedProxy.scoring
    figures["ranking"] = learner.history_[-1]["ranking"]
    figures["rest"] = total - TimedProxy.training - TimedProxy.scoring - figures["ranking"]
    return figures


def main() -> None:
    """Measure both and write docs/results/bench_active.*."""
    options = parser(__doc__)
    options.add_argument("--pool", type=int, default=1_000_000, help="rows of the large pool")
    options.add_argument("--classes", type=int, default=10)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--rows", type=int, default=50_000, help="rows of the pool whose round is measured")
    options.add_argument("--depth", type=int, default=8)
    options.add_argument("--epochs", type=int, default=1, help="epochs of the proxy that is measured")
    options.add_argument(
        "--full-epochs", type=int, default=20, help="epochs of the proxy that the overhead is compared with"
    )
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    ranking = rank_seconds(args.pool, args.classes, args.repeats)
    start_size, round_size = max(20, args.rows // 50), max(10, args.rows // 12)
    one = round_seconds(args.rows, start_size, round_size, args.depth, args.epochs)
    whole = one["training"] / args.epochs * args.full_epochs + one["inference"] + one["ranking"]
    share, start_share = one["rest"] / whole, one["start"] / whole
    write(
        args.out,
        "bench_active",
        {
            "settings": {k: v for k, v in vars(args).items() if k != "out"},
            "ranking_cpu_seconds": ranking,
            "round_cpu_seconds": one,
            "overhead_share": share,
            "start_share": start_share,
        },
        [
            f"# Active learning beside training and inference: ranking {args.pool:,} rows, a round on {args.rows:,}",
            "",
            f"Ranking a pool of {args.pool:,} rows with {args.classes} classes, a tenth of them labelled, from the "
            "proxy's logits to the rows to label:",
            "",
            f"| strategy | CPU seconds, median of {args.repeats} | interval |",
            "|---|---|---|",
            *(
                f"| {name} | {entry['median']:.2f} | {entry['low']:.2f} to {entry['high']:.2f} |"
                for name, entry in ranking.items()
            ),
            "",
            "Goal: under 2 s.",
            "",
            f"One round with a checkpoint on {args.rows:,} images of 32x32, ResNet{args.depth} proxy trained on "
            f"{start_size + round_size:,} rows, {round_size:,} labels bought by least confidence:",
            "",
            "| part | CPU seconds |",
            "|---|---|",
            f"| training, {args.epochs} epoch(s) | {one['training']:.2f} |",
            f"| inference on the pool | {one['inference']:.2f} |",
            f"| ranking | {one['ranking']:.3f} |",
            f"| everything else of the round | {one['rest']:.3f} |",
            f"| once: fingerprint of X, random start, first state | {one['start']:.3f} |",
            "",
            f"Everything else is {100 * share:.2f} % of a round with {args.full_epochs} epochs, the start of the run "
            f"{100 * start_share:.2f} % of one. Goal: under 1 % a round.",
        ],
    )


if __name__ == "__main__":
    main()
