"""When RankingSettled would have stopped a proxy, and how its choice then agrees with that of the whole training."""

from pathlib import Path

import numpy as np
import torch
from _report import parser, write

from sksvp import ProxyCoresetSelector, RankingSettled
from sksvp.agreement import rank_correlation
from sksvp.coreset._ranking_settled import RankingWatch
from sksvp.datasets import load_cifar10, load_digits
from sksvp.estimators import ResNetClassifier

TOLERANCES = (0.05, 0.02, 0.01, 0.005)


class Recorder(RankingSettled):
    """Never stops, and keeps the ranking of every epoch."""

    def watch(self, *args):
        watch = super().watch(*args)
        self.rankings = []

        def keep(gather):
            watch(gather)
            self.rankings.append(watch._last)
            return False

        keep.correlations = watch.correlations
        return keep


def end_of(rule: RankingSettled, rankings: list[np.ndarray]) -> int:
    """Epochs after which a rule would have stopped a training with these rankings."""
    correlations = [np.nan, *map(rank_correlation, rankings, rankings[1:])]
    replayed = RankingWatch(rule, None, np.empty(0), np.empty(0))
    for number in range(1, len(rankings) + 1):
        replayed.correlations = correlations[:number]
        if replayed.is_settled():
            return number
    return len(rankings)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--dataset", default="digits", choices=["digits", "cifar10"])
    options.add_argument("--data-dir", type=Path, default=Path("data"))
    options.add_argument(
        "--rows", type=int, default=None, help="random training rows; all of them by default"
    )
    options.add_argument("--depth", type=int, default=8)
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--batch-size", type=int, default=32)
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    data = load_digits() if args.dataset == "digits" else load_cifar10(args.data_dir)
    rows = np.random.RandomState(0).permutation(len(data.y_train))[: args.rows]
    X, y = data.X_train[rows], data.y_train[rows]
    lines = []
    for strategy in ("forgetting_events", "entropy"):
        recorder = Recorder(n_rows=len(y))
        proxy = ResNetClassifier(args.depth, max_epochs=args.epochs, batch_size=args.batch_size, device="cpu")
        selector = ProxyCoresetSelector(proxy, strategy=strategy, stop_proxy=recorder, random_state=0)
        selector.fit(X, y)
        # Within a sample, as the rule sees it; agreement is told of all rows.
        sample = np.random.RandomState(1).permutation(len(y))[: RankingSettled().n_rows]
        rankings = [ranking[sample] for ranking in recorder.rankings]
        seconds = selector.proxy_.history_[:, "dur"]
        for tolerance in TOLERANCES:
            end = end_of(RankingSettled(tolerance), rankings)
            at_end, whole = recorder.rankings[end - 1], recorder.rankings[-1]
            lines.append(
                {
                    "strategy": strategy,
                    "tolerance": tolerance,
                    "epochs": end,
                    "saved": 1 - end / args.epochs,
                    "seconds_saved": sum(seconds[end:]),
                    "correlation": rank_correlation(at_end, whole),
                    "overlap": _overlap(at_end, whole),
                }
            )
    settings = {key: str(value) for key, value in vars(args).items() if key != "out"}
    write(
        args.out,
        "bench_stop_proxy",
        {"settings": settings, "lines": lines},
        [
            f"# Stopping a proxy when its ranking has settled: ResNet{args.depth}, {len(y):,} rows of {args.dataset}, "
            f"{args.epochs} epochs",
            "",
            "| strategy | tolerance | epochs until settled | epochs saved | seconds saved | correlation with the "
            "whole training | common rows of the best half |",
            "|---|---|---|---|---|---|---|",
            *(
                f"| {line['strategy']} | {line['tolerance']} | {line['epochs']} | {line['saved']:.0%} | "
                f"{line['seconds_saved']:.1f} | {line['correlation']:.3f} | {line['overlap']:.0%} |"
                for line in lines
            ),
            "",
            "One training each, watched to its end; correlation is Spearman's, over all rows. Half of the rows in "
            "common would be chance.",
        ],
    )


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Share of the best half of `a` that is in the best half of `b`; equal scores in one random order."""
    shuffled = np.random.RandomState(2).permutation(len(a))
    best = [set(shuffled[np.argsort(-scores[shuffled], kind="stable")[: len(a) // 2]]) for scores in (a, b)]
    return len(best[0] & best[1]) / len(best[0])


if __name__ == "__main__":
    main()
