"""Peak memory of training and scoring on images of CIFAR's size."""

import resource

import numpy as np
import torch
from _report import parser, write

from sksvp.estimators import ResNetClassifier


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=50_000)
    options.add_argument("--depth", type=int, default=20)
    options.add_argument("--epochs", type=int, default=1)
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    rng = np.random.RandomState(0)
    X = rng.randint(0, 256, (args.rows, 32, 32, 3), dtype=np.uint8)
    y = rng.randint(0, 10, args.rows)
    data, before = X.nbytes / 2**20, peak_mb()
    model = ResNetClassifier(args.depth, max_epochs=args.epochs, device="cpu", random_state=0).fit(X, y)
    fitted = peak_mb()
    model.predict_proba(X)
    model.transform(X)
    scored = peak_mb()
    write(
        args.out,
        "bench_memory",
        {
            "settings": {k: v for k, v in vars(args).items() if k != "out"},
            "megabytes": {
                "data": data,
                "imports_and_data": before,
                "after_fit": fitted,
                "after_scoring": scored,
            },
        },
        [
            f"# Peak memory: {args.rows:,} images, ResNet{args.depth}",
            "",
            "| | MB |",
            "|---|---|",
            f"| the uint8 array | {data:.0f} |",
            f"| process with imports and the array | {before:.0f} |",
            f"| peak after `fit` | {fitted:.0f} |",
            f"| peak after `predict_proba` and `transform` of every row | {scored:.0f} |",
            "",
            f"Beyond the array: **{scored - data:.0f} MB** in all, {scored - before:.0f} MB of them by "
            "training and scoring (goal: at most 1,024).",
        ],
    )


if __name__ == "__main__":
    main()
