"""Training VDCNN through our estimator against bare PyTorch loops, with our layers and with torch's own."""

import statistics
from collections.abc import Callable

import numpy as np
import torch
from _made_up import made_up
from _report import parser, ratio, take_turns, write
from torch import nn

from sksvp._device import resolve_precision
from sksvp.estimators import VDCNNClassifier
from sksvp.networks import VDCNN, BatchNormReLU
from sksvp.text import encode_characters


def with_torchs_layers(network: VDCNN) -> VDCNN:
    """Put torch's convolutions, batch norms and ReLUs in the place of ours."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Conv2d):
                plain = nn.Conv2d(
                    layer.in_channels,
                    layer.out_channels,
                    layer.kernel_size,
                    layer.stride,
                    layer.padding,
                    bias=False,
                )
                setattr(parent, name, plain)
            elif isinstance(layer, BatchNormReLU):
                setattr(
                    parent, name, nn.Sequential(nn.BatchNorm2d(layer.num_features), nn.ReLU(inplace=True))
                )
    return network


def bare_loop(
    X: np.ndarray, y: np.ndarray, network: VDCNN, epochs: int, batch_size: int, dtype: torch.dtype
) -> None:
    """What one would write by hand: resident characters, SGD."""
    characters, labels = torch.from_numpy(X), torch.from_numpy(y)
    network = network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    generator = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=generator).split(batch_size):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                logits = network(characters[rows])
            nn.functional.cross_entropy(logits.float(), labels[rows]).backward()
            optimizer.step()


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--depth", type=int, default=9)
    options.add_argument("--rows", type=int, default=256)
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--batch-size", type=int, default=128)
    options.add_argument("--hidden", type=int, default=2048)
    options.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    options.add_argument("--rounds", type=int, default=9)
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    # Three made-up reviews in one: most are longer than the 1,014 characters that are read.
    short, labels = made_up(3 * args.rows)
    X, y = [" ".join(short[k :: args.rows]) for k in range(args.rows)], labels[: args.rows].astype(np.int64)
    encoded = encode_characters(X)
    dtype = resolve_precision(args.precision, torch.device("cpu"))
    shape = {"depth": args.depth, "n_classes": 2, "hidden": args.hidden}

    def ours() -> None:
        VDCNNClassifier(
            args.depth,
            hidden=args.hidden,
            max_epochs=args.epochs,
            batch_size=args.batch_size,
            precision=args.precision,
            device="cpu",
        ).fit(X, y)

    def bare(build: Callable[[], VDCNN]) -> Callable[[], None]:
        return lambda: bare_loop(encoded, y, build(), args.epochs, args.batch_size, dtype)

    sides = {
        "ours": ours,
        "bare": bare(lambda: VDCNN(**shape)),
        "torch": bare(lambda: with_torchs_layers(VDCNN(**shape))),
    }
    rounds = take_turns(sides, args.rounds)
    ratios = {f"{a} to {b}": ratio(rounds, a, b) for a, b in (("ours", "bare"), ("torch", "ours"))}
    rate = {
        name: args.rows * args.epochs / statistics.median(times[name] for times in rounds) for name in sides
    }
    settings = {key: value for key, value in vars(args).items() if key != "out"} | {"dtype": str(dtype)}
    overhead, gain = ratios["ours to bare"], ratios["torch to ours"]
    write(
        args.out,
        "bench_vdcnn",
        {"settings": settings, "cpu_seconds": rounds, "ratios": ratios, "texts_per_cpu_second": rate},
        [
            f"# Training: VDCNNClassifier against bare PyTorch loops (VDCNN{args.depth}, batch {args.batch_size}, "
            f"{dtype})",
            "",
            "| | texts of 1,014 characters per CPU second (median) |",
            "|---|---|",
            f"| bare loop, torch's layers | {rate['torch']:.1f} |",
            f"| bare loop, our layers | {rate['bare']:.1f} |",
            f"| `VDCNNClassifier.fit` | {rate['ours']:.1f} |",
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
