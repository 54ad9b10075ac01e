"""Training through our estimator against bare PyTorch loops, with our BatchNormReLU and with torch's own layers."""

import statistics
from collections.abc import Callable

import numpy as np
import torch
from _report import parser, ratio, take_turns, write

from sksvp._device import resolve_precision
from sksvp.estimators import ResNetClassifier
from sksvp.networks import BatchNormReLU, PreActResNet
from sksvp.training._augment import random_crop, random_flip


def bare_loop(
    X: np.ndarray,
    y: np.ndarray,
    depth: int,
    epochs: int,
    batch_size: int,
    dtype: torch.dtype,
    *,
    one_sweep: bool,
) -> None:
    """What one would write by hand: resident tensors, whole-batch augmentation, SGD."""
    images, labels = torch.from_numpy(X), torch.from_numpy(y)
    mean = images.double().mean(dim=(0, 1, 2)).float()
    std = images.double().std(dim=(0, 1, 2)).float()
    network = PreActResNet(depth, 10).to(memory_format=torch.channels_last).train()
    for layer in network.modules():
        if isinstance(layer, BatchNormReLU):
            layer.one_sweep = one_sweep
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


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--depth", type=int, default=20)
    options.add_argument("--rows", type=int, default=2560)
    options.add_argument("--epochs", type=int, default=2)
    options.add_argument("--batch-size", type=int, default=128)
    options.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    options.add_argument("--rounds", type=int, default=9)
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

    def bare(*, one_sweep: bool) -> Callable[[], None]:
        return lambda: bare_loop(X, y, args.depth, args.epochs, args.batch_size, dtype, one_sweep=one_sweep)

    sides = {"ours": ours, "bare": bare(one_sweep=True), "torch": bare(one_sweep=False)}
    rounds = take_turns(sides, args.rounds)
    ratios = {f"{a} to {b}": ratio(rounds, a, b) for a, b in (("ours", "bare"), ("torch", "ours"))}
    images = args.rows * args.epochs
    rate = {name: images / statistics.median(times[name] for times in rounds) for name in sides}
    settings = {key: value for key, value in vars(args).items() if key != "out"} | {"dtype": str(dtype)}
    overhead, gain = ratios["ours to bare"], ratios["torch to ours"]
    write(
        args.out,
        "bench_training",
        {"settings": settings, "cpu_seconds": rounds, "ratios": ratios, "images_per_cpu_second": rate},
        [
            f"# Training: ResNetClassifier against bare PyTorch loops "
            f"(ResNet{args.depth}, batch {args.batch_size}, {dtype})",
            "",
            "| | images per CPU second (median) |",
            "|---|---|",
            f"| bare loop, torch's batch norm and ReLU | {rate['torch']:.0f} |",
            f"| bare loop, our `BatchNormReLU` | {rate['bare']:.0f} |",
            f"| `ResNetClassifier.fit` | {rate['ours']:.0f} |",
            "",
            f"CPU seconds of ours to those of a bare loop over the same network: **{overhead['median']:.3f}** "
            f"(95 % interval {overhead['low']:.3f} to {overhead['high']:.3f}, {overhead['n']} interleaved rounds; "
            "goal: at most 1.05).",
            "",
            f"CPU seconds of a bare loop over torch's own layers to ours: **{gain['median']:.3f}** "
            f"(95 % interval {gain['low']:.3f} to {gain['high']:.3f}).",
        ],
    )


if __name__ == "__main__":
    main()
