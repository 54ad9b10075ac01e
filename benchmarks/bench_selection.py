"""What a core-set selection costs beside the proxy's training and one inference pass."""

import numpy as np
import torch
from _report import parser, write

from sksvp import ProxyCoresetSelector
from sksvp._clock import processor_seconds
from sksvp.estimators import ResNetClassifier

STRATEGIES = ("entropy", "least_confidence", "margin", "forgetting_events", "random")


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


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=50_000)
    options.add_argument("--depth", type=int, default=8)
    options.add_argument("--epochs", type=int, default=1, help="epochs of the proxy that is measured")
    options.add_argument(
        "--full-epochs", type=int, default=20, help="epochs of the proxy that the overhead is compared with"
    )
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    rng = np.random.RandomState(0)
    y = rng.randint(0, 10, args.rows)
    X = rng.randint(0, 200, (args.rows, 32, 32, 3)).astype(np.uint8)
    X[np.arange(args.rows), 3 * y] += 50
    figures = {}
    for name in STRATEGIES:
        TimedProxy.training = TimedProxy.scoring = 0.0
        proxy = TimedProxy(args.depth, max_epochs=args.epochs, device="cpu", random_state=0)
        start = processor_seconds()
        ProxyCoresetSelector(proxy, strategy=name, random_state=0).fit(X, y)
        total = processor_seconds() - start
        figures[name] = {
            "training": TimedProxy.training,
            "scoring": TimedProxy.scoring,
            "rest": total - TimedProxy.training - TimedProxy.scoring,
        }
    epoch = max(entry["training"] for entry in figures.values()) / args.epochs
    rows = []
    for name, entry in figures.items():
        entry["share_of_training"] = entry["rest"] / (epoch * args.full_epochs)
        rows.append(f"| {name} | {entry['rest']:.2f} | {100 * entry['share_of_training']:.2f} % |")
    write(
        args.out,
        "bench_selection",
        {
            "settings": {k: v for k, v in vars(args).items() if k != "out"},
            "cpu_seconds": figures,
            "training_cpu_seconds_per_epoch": epoch,
        },
        [
            f"# Selection beside training and inference: {args.rows:,} images, ResNet{args.depth} proxy",
            "",
            f"| strategy | CPU seconds | share of {args.full_epochs} epochs of the proxy |",
            "|---|---|---|",
            *rows,
            "",
            f"One epoch of the proxy took {epoch:.1f} CPU seconds. The rest is fingerprint, checks, ranking, choice: "
            "everything but the proxy's `fit` and its pass over the rows. Goal: under 1 %.",
        ],
    )


if __name__ == "__main__":
    main()
