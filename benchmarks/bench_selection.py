"""What a core-set selection costs beside the proxy's training and one inference pass."""

import time

import numpy as np
import torch
from _report import parser, write

from sksvp import ProxyCoresetSelector
from sksvp.estimators import ResNetClassifier
from sksvp.strategies import strategy_names


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
    for name in strategy_names():
        if name == "k_centers":
            continue
        proxy = ResNetClassifier(args.depth, max_epochs=args.epochs, device="cpu", random_state=0)
        start = time.process_time()
        selector = ProxyCoresetSelector(proxy, strategy=name, random_state=0).fit(X, y)
        seconds = time.process_time() - start
        inside = selector.timings_
        # One thread: processor and wall seconds of the two parts agree but for other work on the machine.
        figures[name] = {"cpu_seconds": seconds, **inside}
    training = max(entry["proxy_fit"] for entry in figures.values()) / args.epochs
    rows = []
    for name, entry in figures.items():
        entry["overhead"] = max(0.0, entry["cpu_seconds"] - entry["proxy_fit"] - entry["inference"])
        entry["share_of_training"] = entry["overhead"] / (training * args.full_epochs)
        rows.append(f"| {name} | {entry['overhead']:.2f} | {100 * entry['share_of_training']:.2f} % |")
    write(
        args.out,
        "bench_selection",
        {
            "settings": {k: v for k, v in vars(args).items() if k != "out"},
            "seconds": figures,
            "training_seconds_per_epoch": training,
        },
        [
            f"# Selection beside training and inference: {args.rows:,} images, ResNet{args.depth} proxy",
            "",
            f"| strategy | seconds | share of {args.full_epochs} epochs of the proxy |",
            "|---|---|---|",
            *rows,
            "",
            f"One epoch of the proxy took {training:.1f} s. The seconds are fingerprint, checks, ranking and choice: "
            "everything but `timings_['proxy_fit']` and `timings_['inference']`. Goal: under 1 %.",
        ],
    )


if __name__ == "__main__":
    main()
