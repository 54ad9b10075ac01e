"""Training through our estimator against a bare PyTorch loop."""

import statistics
import time

import numpy as np
import torch
from _report import median_interval, parser, write

from sksvp.estimators import ResNetClassifier
from sksvp.estimators._augment import random_crop, random_flip
from sksvp.estimators._device import resolve_precision
from sksvp.networks import PreActResNet


def bare_loop(
    X: np.ndarray, y: np.ndarray, depth: int, epochs: int, batch_size: int, dtype: torch.dtype
) -> None:
    """What one would write by hand: resident tensors, whole-batch augmentation, SGD."""
    images, labels = torch.from_numpy(X), torch.from_numpy(y)
    mean = images.double().mean(dim=(0, 1, 2)).float()
    std = images.double().std(dim=(0, 1, 2)).float()
    network = PreActResNet(depth, 10).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    generator = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for rows in order.split(batch_size):
            batch = random_flip(random_crop(images[rows], 4, generator), generator)
            batch = ((batch - mean) / std).permute(0, 3, 1, 2)
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                logits = network(batch)
            loss = torch.nn.functional.cross_entropy(logits.float(), labels[rows])
            loss.backward()
            optimizer.step()


def cpu_seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--depth", type=int, default=20)
    options.add_argument("--rows", type=int, default=2560)
    options.add_argument("--epochs", type=int, default=2)
    options.add_argument("--batch-size", type=int, default=128)
    options.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    options.add_argument("--pairs", type=int, default=9)
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    rng = np.random.RandomState(0)
    X, y = rng.randint(0, 256, (args.rows, 32, 32, 3)).astype(np.uint8), rng.randint(0, 10, args.rows)
    dtype = resolve_precision(args.precision, torch.device("cpu"))

    def ours() -> None:
        ResNetClassifier(
            args.depth,
            max_epochs=args.epochs,
            batch_size=args.batch_size,
            precision=args.precision,
            device="cpu",
        ).fit(X, y)

    def bare() -> None:
        bare_loop(X, y, args.depth, args.epochs, args.batch_size, dtype)

    ours(), bare()
    pairs = []
    for k in range(args.pairs):
        # The order within a pair alternates, so that neither side always runs first.
        first, second = (ours, bare) if k % 2 == 0 else (bare, ours)
        times = {first: cpu_seconds(first), second: cpu_seconds(second)}
        pairs.append((times[ours], times[bare]))
    ratio = median_interval([a / b for a, b in pairs])
    images = args.rows * args.epochs
    rate = {
        name: images / statistics.median(side)
        for name, side in zip(("ours", "bare"), zip(*pairs, strict=True), strict=True)
    }
    settings = {key: value for key, value in vars(args).items() if key != "out"} | {"dtype": str(dtype)}
    write(
        args.out,
        "bench_training",
        {"settings": settings, "cpu_seconds_pairs": pairs, "ratio": ratio, "images_per_cpu_second": rate},
        [
            f"# Training: ResNetClassifier against a bare PyTorch loop "
            f"(ResNet{args.depth}, batch {args.batch_size}, {dtype})",
            "",
            "| | images per CPU second (median) |",
            "|---|---|",
            f"| bare loop | {rate['bare']:.0f} |",
            f"| `ResNetClassifier.fit` | {rate['ours']:.0f} |",
            "",
            f"Ratio of CPU seconds, ours to bare: **{ratio['median']:.3f}** "
            f"(95 % interval {ratio['low']:.3f} to {ratio['high']:.3f}, {ratio['n']} interleaved pairs; "
            "goal: at most 1.05).",
        ],
    )


if __name__ == "__main__":
    main()
