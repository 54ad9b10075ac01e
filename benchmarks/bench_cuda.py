"""Training and scoring on an NVIDIA GPU: ours beside a bare loop, skorch's default and torchvision's loader.

Parts: `loops` (seconds of an epoch, all sides in turns), `scoring` (beside the bare forward pass), `resnet20` and
`fast` (whole trainings: seconds and test error), `k-centers` (the orders of the CPU's results, by their SHA-256) and
`resnet164` (the longest; stopped by Ctrl-C or a kill, it is resumed from its checkpoint by the same command, and
`--part resnet164 --so-far` records what is done). `benchmarks/gpu.sh` runs all but the last.
"""

import hashlib
import importlib.util
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _report import median_interval, parser, write
from bench_k_centers import CASES, make_features
from skorch import NeuralNetClassifier
from torch import Tensor, nn

from sksvp._clock import Clock
from sksvp._device import resolve_precision
from sksvp._storage._states import read_newest
from sksvp._torchvision import import_torchvision
from sksvp.datasets import load_cifar10
from sksvp.estimators import ResNetClassifier, WhitenedConvNetClassifier
from sksvp.networks import PreActResNet
from sksvp.strategies import k_centers
from sksvp.training._augment import random_crop, random_flip
from sksvp.training._resume import TrainingFolder
from sksvp.training._scoring import scored_rows

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
BATCH = 128
CHANGES = ("graphs", "compile and graphs")
COMPILED = {"compile": True}
# Which bare loop is run as ours is, and how many times longer ours may take.
ALIKE = {"ours": "bare, graphs", "ours, compiled": "bare, compile and graphs"}
GOAL = 1.05
PARTS = ("loops", "scoring", "resnet20", "fast", "k-centers", "resnet164")


class Images:
    """CIFAR-10 from a folder, or random pixels where there is none: those serve for seconds only."""

    def __init__(self, folder: Path | None, rows: int | None):
        self.are_real = folder is not None
        if folder is not None:
            data = load_cifar10(folder)
            self.X, self.y, self.X_test, self.y_test = (
                data.X_train,
                data.y_train,
                data.X_test,
                data.y_test,
            )
        else:
            rng = np.random.RandomState(0)
            self.X = rng.randint(0, 256, (50_000, 32, 32, 3)).astype(np.uint8)
            self.y = rng.randint(0, 10, 50_000)
            self.X_test, self.y_test = self.X[:10_000], self.y[:10_000]
        self.X, self.y = self.X[:rows], self.y[:rows]


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


# One epoch of ResNet20, batch 128, by each side ------------------------------------------------


def bare_epoch(
    images: Images, device: torch.device, dtype: torch.dtype, change: str = ""
) -> Callable[[], object]:
    """What one would write by hand: resident rows, whole-batch augmentation, one transfer an epoch."""
    X, y = torch.from_numpy(images.X).to(device), torch.from_numpy(images.y).to(device)
    mean, std = torch.tensor(MEAN, device=device) * 255, torch.tensor(STD, device=device) * 255
    network = PreActResNet(20, 10).to(device, memory_format=torch.channels_last).train()
    fused = device.type == "cuda"
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, fused=fused)
    generator = torch.Generator(device).manual_seed(0)
    whole = torch.compile(network) if "compile" in change else network

    def gradients(batch: Tensor, labels: Tensor) -> Tensor:
        optimizer.zero_grad()
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            logits = whole(batch)
        loss = nn.functional.cross_entropy(logits.float(), labels)
        loss.backward()
        return loss.detach()

    step = replayed(gradients, network, device) if "graphs" in change else gradients

    def epoch() -> float:
        total = torch.zeros((), device=device)
        for rows in torch.randperm(len(X), generator=generator, device=device).split(BATCH):
            batch = random_flip(random_crop(X[rows], 4, generator), generator)
            batch = ((batch - mean) / std).permute(0, 3, 1, 2)
            total += step(batch, y[rows])
            optimizer.step()
        return float(total)

    return epoch


def replayed(
    gradients: Callable, network: nn.Module, device: torch.device
) -> Callable[[Tensor, Tensor], Tensor]:
    """Record the gradients of a full batch as a CUDA graph, the way of PyTorch's documentation."""
    batch = torch.zeros(BATCH, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(BATCH, dtype=torch.long, device=device)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            gradients(batch, labels)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=side):
        loss = gradients(batch, labels)
    kept = [(parameter, parameter.grad) for parameter in network.parameters()]

    def step(new_batch: Tensor, new_labels: Tensor) -> Tensor:
        if len(new_batch) < BATCH:
            # A graph has one shape of batch.
            return gradients(new_batch, new_labels)
        batch.copy_(new_batch)
        labels.copy_(new_labels)
        graph.replay()
        for parameter, gradient in kept:
            parameter.grad = gradient
        return loss

    return step


def our_epochs(
    images: Images, device: torch.device, precision: str, epochs: int, net_params: dict | None = None
) -> Callable[[], object]:
    return lambda: ResNetClassifier(
        20, max_epochs=epochs, precision=precision, device=str(device), net_params=net_params, random_state=0
    ).fit(images.X, images.y)


def skorch_epoch(images: Images, device: torch.device) -> Callable[[], object]:
    """Return skorch as it comes: arrays in, its DataLoader in the same process, float32, no augmentation."""
    X = ((images.X / 255 - MEAN) / STD).transpose(0, 3, 1, 2).astype(np.float32)
    net = NeuralNetClassifier(
        PreActResNet,
        module__depth=20,
        module__n_classes=10,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        optimizer__weight_decay=5e-4,
        lr=0.1,
        batch_size=BATCH,
        max_epochs=1,
        train_split=None,
        device=str(device),
        verbose=0,
        warm_start=True,
    ).initialize()
    return lambda: net.partial_fit(X, images.y)


def loader_epoch(images: Images, device: torch.device, workers: int) -> Callable[[], object]:
    """Train the way of torchvision's examples and the paper's code: Pillow images, transforms, a DataLoader.

    With worker processes, or without, which is the default of the paper's code.
    """
    from PIL import Image

    transforms = import_torchvision().transforms
    view = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return len(images.X)

        def __getitem__(self, row):
            return view(Image.fromarray(images.X[row])), int(images.y[row])

    loader = torch.utils.data.DataLoader(
        Rows(), batch_size=BATCH, shuffle=True, num_workers=workers, pin_memory=device.type == "cuda"
    )
    network = PreActResNet(20, 10).to(device).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)

    def epoch() -> None:
        for batch, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(batch.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            loss.item()

    return epoch


def measure_loops(images: Images, device: torch.device, args) -> dict:
    """Seconds of an epoch of every side, in turns; `fit`'s own start is taken off by two numbers of epochs."""
    dtype = resolve_precision(args.precision, device)
    workers = min(8, os.cpu_count() or 1)

    def fits(net_params: dict | None) -> dict[int, Callable[[], object]]:
        return {n: our_epochs(images, device, args.precision, n, net_params) for n in (1, 1 + args.epochs)}

    ours = {"ours": fits(None), "ours, compiled": fits(COMPILED)}
    sides = {"bare": bare_epoch(images, device, dtype)}
    if device.type == "cuda":
        sides |= {f"bare, {change}": bare_epoch(images, device, dtype, change) for change in CHANGES}
    slow = {"skorch's default": skorch_epoch(images, device)}
    if importlib.util.find_spec("torchvision"):
        for count in (workers, 0):
            slow[f"torchvision and DataLoader, {count} workers"] = loader_epoch(images, device, count)
    starts = sides | {name: work[1] for name, work in ours.items()}
    first = {name: seconds_of(work, device) for name, work in starts.items()}
    rounds = []
    for _ in range(args.rounds):
        times = {name: seconds_of(work, device) for name, work in sides.items()}
        for name, work in ours.items():
            long, short = (seconds_of(work[n], device) for n in (1 + args.epochs, 1))
            times[name] = (long - short) / args.epochs
            times[f"{name}: start of fit"] = short - times[name]
        rounds.append(times)
    # Once, after an epoch in which kernels are tried: they take five times as long.
    once = {name: [seconds_of(work, device) for _ in range(2)][1] for name, work in slow.items()}
    middle = {name: statistics.median(times[name] for times in rounds) for name in rounds[0]}
    return {
        "seconds_of_an_epoch": middle | once,
        "seconds_of_the_first_epoch": first,
        "rounds": rounds,
        "ours_to_others": {
            mine: {name: median_interval([times[mine] / times[name] for times in rounds]) for name in sides}
            for mine in ours
        },
        "others_to_ours": {
            mine: {name: seconds / middle[mine] for name, seconds in once.items()} for mine in ours
        },
        "dtype": str(dtype),
        "slow_sides_timed_in_epoch": 2,
    }


# Scoring, whole trainings, k-centers -----------------------------------------------------------


def measure_scoring(images: Images, device: torch.device, args) -> dict:
    """Rows a second of predict_logits, and of the network's forward pass over resident rows."""
    model = ResNetClassifier(20, max_epochs=1, device=str(device), random_state=0)
    model.fit(images.X[:1024], images.y[:1024])
    network = model.net_.module_.eval()
    rows = torch.from_numpy(images.X).to(device)
    batch_rows = scored_rows(model.batch_size, device)

    def bare() -> None:
        with torch.inference_mode():
            for batch in rows.split(batch_rows):
                network(model.format_.normalize(batch))

    rounds = []
    for _ in range(args.rounds + 1):
        rounds.append([seconds_of(lambda: model.predict_logits(images.X), device), seconds_of(bare, device)])
    rounds = rounds[1:]
    return {
        "rows_a_second": {
            name: len(images.X) / statistics.median(times[k] for times in rounds)
            for k, name in enumerate(("ours", "bare"))
        },
        "share_of_bare": median_interval([bare / ours for ours, bare in rounds]),
    }


def measure_training(model, images: Images, device: torch.device) -> dict:
    """Seconds and test error of a whole training; what it took before it was stopped is counted in."""
    wait(device)
    with Clock() as clock:
        model.fit(images.X, images.y)
        wait(device)
    now = clock.wall
    clock.add_earlier(model)
    error = 100 * float(np.mean(model.predict(images.X_test) != images.y_test)) if images.are_real else None
    return {
        "seconds": clock.wall,
        "seconds_before_it_was_stopped": clock.wall - now,
        "error": error,
        "epochs": len(model.history_),
        "rows": len(images.X),
    }


def training_so_far(checkpoint: Path, planned: int) -> dict:
    """Seconds and epochs of a training that was stopped, as its checkpoint has them; of several the first."""
    folder = next(path.parent for path in sorted(checkpoint.glob("*/run.json")))
    saved, _ = read_newest(folder, TrainingFolder.kind)
    told, about = saved.told, saved.about
    return {
        "seconds": told["seconds"][0],
        "seconds_of_epochs": [epoch["dur"] for epoch in told["history"]],
        "error": None,
        "epochs": len(told["history"]),
        "planned": planned,
        "rows": int(about["identity"]["X"].split()[0]),
        "versions": about["versions"],
    }


def measure_k_centers(device: torch.device, args) -> dict:
    """Seconds of each case on the GPU and on this machine's CPU, and whether the orders are the same."""
    figures = {}
    for name in args.k_centers_case or ["cifar", "imagenet-10"]:
        case, path = CASES[name], args.out / f"{name}.npy"
        make_features(case, path, seed=0)
        features = np.load(path)
        path.unlink()
        initial = np.arange(case.n_initial)
        seconds, shas = {}, {}
        for where in (str(device), "cpu"):
            # Kernels are compiled once.
            k_centers(features[:4096], 64, initial=[0], device=where)
            start = time.perf_counter()
            rows = k_centers(features, case.n_samples, initial=initial, device=where)
            seconds[where] = time.perf_counter() - start
            shas[where] = hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()
        figures[name] = {
            "seconds": seconds[str(device)],
            "seconds_on_cpu": seconds["cpu"],
            "sha256": shas[str(device)],
            "same_as_cpu": shas[str(device)] == shas["cpu"],
        }
    return figures


def ratio_cell(loops: dict, mine: str, name: str) -> str:
    """Return ours to another side, with an interval where both ran several times; nothing for ours itself."""
    if name in loops["ours_to_others"][mine]:
        ratio = loops["ours_to_others"][mine][name]
        return f"{ratio['median']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]"
    if name in loops["others_to_ours"][mine]:
        return f"{1 / loops['others_to_ours'][mine][name]:.3f}"
    return ""


def goal_line(loops: dict, mine: str, other: str) -> str:
    """Whether ours keeps up with the bare loop that is run alike."""
    ratio = loops["ours_to_others"][mine][other]["median"]
    verdict = "met" if ratio <= GOAL else "**missed**"
    return f"- {mine} / {other}: {ratio:.3f}, goal {GOAL} {verdict}"


def training_row(name: str, entry: dict) -> str:
    """One training of the page's table."""
    epochs = f"{entry['epochs']} of {entry['planned']}" if "planned" in entry else entry["epochs"]
    before = entry.get("seconds_before_it_was_stopped")
    error = "not measured" if entry["error"] is None else f"{entry['error']:.2f}"
    return (
        f"| {name} | {entry['rows']:,} | {epochs} | {entry['seconds']:.1f} | "
        f"{entry['seconds'] / entry['epochs']:.2f} | {f'{before:.1f}' if before else ''} | {error} |"
    )


def lines_of(figures: dict) -> list[str]:
    """The figures as a page."""
    lines = ["# On an NVIDIA GPU", ""]
    if "loops" in figures:
        loops = figures["loops"]
        lines += [
            "| ResNet20, batch 128 | seconds of an epoch | ours / this, 95 % interval | ours, compiled / this | "
            "seconds of the first epoch |",
            "|---|---|---|---|---|",
        ]
        for name, seconds in loops["seconds_of_an_epoch"].items():
            cells = [ratio_cell(loops, mine, name) for mine in loops["ours_to_others"]]
            first = loops["seconds_of_the_first_epoch"].get(name)
            cells.append("" if first is None else f"{first:.1f}")
            lines.append(f"| {name} | {seconds:.3f} | {' | '.join(cells)} |")
        timed = "in their second epoch."
        if "slow_sides_timed_in_epoch" not in loops:
            timed = "in their first epoch: cuDNN's trials count in, and the five times over the loader are not proven."
        lines += [
            "",
            f"In {loops['dtype']}, but for skorch's default and torchvision's loader, which run in float32, as they "
            f"come, {timed} cuDNN chooses its kernels by trial on all sides, as `fit` has it do in longer trainings. "
            "The bare loop is also run with its gradients recorded as a CUDA graph, which ours does by itself, and "
            'with torch.compile too, which is ours with `net_params={"compile": True}`. `start of fit` is what a '
            "call of `fit` takes beside its epochs. Goals: at most 1.05 times the bare loop that is recorded alike, or "
            "recorded and compiled; a fifth of the seconds of skorch's default and of torchvision's loader.",
            "",
            *(
                goal_line(loops, mine, other)
                for mine, other in ALIKE.items()
                if other in loops["seconds_of_an_epoch"]
            ),
        ]
    if "scoring" in figures:
        share = figures["scoring"]["share_of_bare"]
        lines += [
            "",
            f"Scoring gives {figures['scoring']['rows_a_second']['ours']:,.0f} rows a second, from rows in the "
            f"computer's memory: **{share['median']:.2f}** times those of the bare forward pass, in batches of the "
            "same size, over rows that lie on the GPU (goal: 0.80).",
        ]
    trained = [name for name in ("resnet20", "fast", "resnet164") if name in figures]
    if trained:
        lines += [
            "",
            "| training | rows | epochs | seconds | of an epoch | before it was stopped and resumed | test error % |",
            "|---|---|---|---|---|---|---|",
        ]
    lines += [training_row(name, figures[name]) for name in trained]
    for name in trained:
        epochs = figures[name].get("seconds_of_epochs")
        if epochs is not None:
            lines += [
                "",
                f"**Not measured: {name} as a whole** (goal: under 25 minutes). It was stopped after {len(epochs)} of "
                f"{figures[name]['planned']} epochs. They took {statistics.median(epochs):.2f} s (median), those in "
                f"which a process compiles the network up to {max(epochs):.1f} s.",
            ]
    if "k-centers" in figures:
        lines += [
            "",
            "| k-centers | seconds | on the CPU of the machine | the same order |",
            "|---|---|---|---|",
        ]
        for name, entry in figures["k-centers"].items():
            case = CASES[name]
            lines.append(
                f"| {name}: {case.n_rows:,} x {case.n_features}, {case.n_initial:,} centres at first, "
                f"{case.n_samples:,} picked | {entry['seconds']:.2f} | {entry['seconds_on_cpu']:.2f} | "
                f"{'yes' if entry['same_as_cpu'] else '**no**'} |"
            )
    left = [part for part in PARTS if part not in figures]
    return [*lines, "", f"Not measured: {', '.join(left)}."] if left else lines


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--part", action="append", choices=PARTS, help="repeatable; default: all but resnet164"
    )
    options.add_argument("--device", default="cuda")
    options.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    options.add_argument(
        "--data-dir", type=Path, help="folder with CIFAR-10; default: random pixels, no errors"
    )
    options.add_argument("--rows", type=int, help="training rows; default: all 50,000")
    options.add_argument("--epochs", type=int, default=3, help="of a turn of `loops`")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--train-epochs", type=int, default=181, help="of resnet20 and resnet164")
    options.add_argument("--k-centers-case", action="append", choices=CASES)
    options.add_argument("--checkpoint", type=Path, help="folder from which resnet164 is resumed")
    options.add_argument(
        "--so-far",
        action="store_true",
        help="record resnet164 as far as --checkpoint has it, without training",
    )
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    args.out.mkdir(parents=True, exist_ok=True)
    earlier = args.out / "bench_cuda.json"
    figures = json.loads(earlier.read_text())["figures"] if earlier.exists() else {}
    images = Images(args.data_dir, args.rows)

    def resnet(depth: int, **params) -> ResNetClassifier:
        return ResNetClassifier(
            depth,
            max_epochs=args.train_epochs,
            precision=args.precision,
            device=args.device,
            random_state=0,
            **params,
        )

    work = {
        "loops": lambda: measure_loops(images, device, args),
        "scoring": lambda: measure_scoring(images, device, args),
        "resnet20": lambda: measure_training(resnet(20), images, device),
        "fast": lambda: measure_training(
            WhitenedConvNetClassifier(precision=args.precision, device=args.device, random_state=0),
            images,
            device,
        ),
        "k-centers": lambda: measure_k_centers(device, args),
        "resnet164": lambda: measure_training(
            resnet(164, checkpoint=args.checkpoint, checkpoint_every=5, net_params=COMPILED, verbose=1),
            images,
            device,
        ),
    }
    if args.so_far:
        work["resnet164"] = lambda: training_so_far(args.checkpoint, args.train_epochs)
    for part in args.part or PARTS[:-1]:
        # On all sides. `fit` does so by itself in longer trainings.
        torch.backends.cudnn.benchmark = part == "loops"
        figures[part] = work[part]()
        print(part, json.dumps(figures[part]), flush=True)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else "no GPU"
        # After each part: an interruption loses that alone.
        write(
            args.out,
            "bench_cuda",
            {"gpu": name, "figures": figures},
            [*lines_of(figures), "", f"GPU: {name}."],
        )


if __name__ == "__main__":
    main()
