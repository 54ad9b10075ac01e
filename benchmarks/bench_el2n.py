"""EL2N after two of thirteen epochs beside random rows, and beside what was published for the same plan."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from _report import parser, write
from _results import Results, spread, timed_fit

from sksvp import ProxyCoresetSelector
from sksvp.datasets import load_cifar10, load_digits
from sksvp.estimators import WhitenedConvNetClassifier
from sksvp.reproduction._data import average_blocks

# Test accuracy in % of ten trainings each, on CIFAR-10 as it is: a published reproduction of EL2N (Paul et al., 2021)
# with another recipe of thirteen epochs and the mean score of ten proxies.
# Source: github.com/BlackHC/pytorch_datadiet, stored results of commit fda604d.
PUBLISHED = {
    0.4: {"el2n": (89.75, 0.30), "random": (90.09, 0.21)},
    0.5: {"el2n": (92.56, 0.21), "random": (91.39, 0.18)},
    0.6: {"el2n": (93.44, 0.14), "random": (92.21, 0.13)},
    0.7: {"el2n": (93.68, 0.12), "random": (92.78, 0.18)},
    0.8: {"el2n": (93.92, 0.17), "random": (93.33, 0.23)},
    0.9: {"el2n": (93.97, 0.15), "random": (93.72, 0.17)},
    1.0: {"random": (93.97, 0.19)},
}
PROXY_EPOCHS = 2


def load(args: Any) -> tuple[np.ndarray, ...]:
    """Training and test images and classes, the images averaged over blocks of pixels."""
    data = load_digits() if args.cifar is None else load_cifar10(args.cifar)
    rows = np.random.RandomState(0).permutation(len(data.y_train))[: args.train_rows]
    X, X_test = (
        average_blocks(np.asarray(part), args.averaged) for part in (data.X_train[rows], data.X_test)
    )
    return X, data.y_train[rows], X_test, data.y_test


def network(args: Any, **params: Any) -> WhitenedConvNetClassifier:
    """The network of the fast recipe."""
    return WhitenedConvNetClassifier(max_epochs=args.epochs, device=args.device, **params)


def choose(X: np.ndarray, y: np.ndarray, seed: int, args: Any) -> dict[str, Any]:
    """Order all rows by the mean rank of EL2N among several proxies that stop early, the hardest first."""
    proxy = network(args).set_params(max_epochs=PROXY_EPOCHS, schedule=f"one-cycle:{args.epochs}")
    selector = ProxyCoresetSelector(
        proxy, strategy="el2n", subset_size=1.0, n_proxies=args.proxies, random_state=seed
    )
    spent = timed_fit(selector, X, y)
    return {**spent, "order": selector.order_.tolist()}


def train(rows: np.ndarray, data: tuple[np.ndarray, ...], seed: int, args: Any) -> dict[str, float]:
    """Train a target on the rows; return its accuracy and its seconds."""
    X, y, X_test, y_test = data
    target = network(args, random_state=1000 + seed)
    spent = timed_fit(target, X[rows], y[rows])
    return {**spent, "accuracy": 100 * float(target.score(X_test, y_test))}


def report(
    found: dict[str, dict[float, list[dict]]], choices: list[dict], n_rows: int, args: Any
) -> list[str]:
    """Lines of the page."""
    images = (
        "as they are"
        if args.averaged == 1
        else f"averaged over blocks of {args.averaged} by {args.averaged} pixels"
    )
    name = "digits" if args.cifar is None else "CIFAR-10"
    lines = [
        f"# EL2N and random rows: {name}, {n_rows:,} training rows",
        "",
        f"{args.proxies} proxies are trained for {PROXY_EPOCHS} of {args.epochs} epochs; the rows that are highest in "
        "their EL2N on the mean are kept. Target and proxies have the fast recipe, `WhitenedConvNetClassifier`. Images "
        f"are {images}. Equal epochs: every target was trained for {args.epochs}, so that fewer rows mean fewer "
        f"updates. Seeds: {args.seeds}. Test accuracy in %, and the lead of EL2N over random rows, paired by seed. "
        "Published: another recipe of thirteen epochs, the mean score of ten proxies, ten seeds, images as they are.",
        "",
        "| kept | EL2N | random | lead | published: EL2N | random | lead | CPU s of a target |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for share in args.shares:
        ours = {way: np.array([one["accuracy"] for one in found[way][share]]) for way in ("el2n", "random")}
        published = PUBLISHED.get(share, {})
        told_published = [f"{mean:.2f} ± {deviation:.2f}" for mean, deviation in published.values()] or [
            "",
            "",
        ]
        lead = f"{published['el2n'][0] - published['random'][0]:+.2f}" if published else ""
        difference = ours["el2n"] - ours["random"]
        sign = "+" if difference.mean() >= 0 else ""
        lines.append(
            f"| {share:.0%} | {spread(ours['el2n'], 2)} | {spread(ours['random'], 2)} | "
            f"{sign}{spread(difference, 2)} | "
            f"{' | '.join(told_published)} | {lead} | {seconds(found['el2n'][share])} |"
        )
    if 1.0 in found["random"]:
        accuracy = spread([one["accuracy"] for one in found["random"][1.0]], 2)
        mean, deviation = PUBLISHED[1.0]["random"]
        spent = seconds(found["random"][1.0])
        lines.append(f"| all | | {accuracy} | | | {mean:.2f} ± {deviation:.2f} | | {spent} |")
    lines += ["", f"The proxies of a choice took {seconds(choices)} CPU seconds."]
    return lines if args.seeds > 2 else [*lines, "With fewer than three seeds no lead is sure."]


def seconds(trainings: list[dict]) -> str:
    """Mean CPU seconds."""
    return f"{np.mean([one['cpu_seconds'] for one in trainings]):,.0f}"


def main() -> None:
    """Train what `--runs` does not hold yet, and write docs/results/bench_el2n.*."""
    options = parser(__doc__)
    options.add_argument("--cifar", type=Path, help="folder of CIFAR-10; without it the digits")
    options.add_argument("--averaged", type=int, default=1, help="side of the blocks of averaged pixels")
    options.add_argument("--train-rows", type=int)
    options.add_argument("--epochs", type=int, default=13)
    options.add_argument("--proxies", type=int, default=10)
    options.add_argument("--shares", type=float, nargs="+", default=[0.4, 0.5, 0.6, 0.7])
    options.add_argument("--all-rows", action="store_true", help="train on all rows too")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--device", default="auto")
    options.add_argument("--runs", type=Path, required=True, help="folder of what is finished")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    data = load(args)
    n_rows = len(data[1])
    results = Results(args.runs)
    recipe = {"rows": n_rows, "averaged": args.averaged, "epochs": args.epochs}
    found: dict[str, dict[float, list[dict]]] = {way: {} for way in ("el2n", "random")}
    choices = []
    for seed in range(args.seeds):
        choice = results.get(
            lambda seed=seed: choose(*data[:2], seed, args),
            way="choice",
            proxies=args.proxies,
            **recipe,
            seed=seed,
        )
        choices.append(choice)
        orders = {
            "el2n": np.array(choice["order"]),
            "random": np.random.RandomState(seed).permutation(n_rows),
        }
        for share in [*args.shares, *[1.0] * args.all_rows]:
            for way in ("el2n", "random") if share < 1 else ("random",):
                rows = np.sort(orders[way][: round(share * n_rows)])
                trained = results.get(
                    lambda rows=rows, seed=seed: train(rows, data, seed, args),
                    **{
                        "way": f"el2n-{args.proxies}" if way == "el2n" else way,
                        "share": share,
                        **recipe,
                        "seed": seed,
                    },
                )
                found[way].setdefault(share, []).append({"rows": len(rows), **trained})
    spent = [{key: value for key, value in choice.items() if key != "order"} for choice in choices]
    write(args.out, "bench_el2n", {"targets": found, "choices": spent}, report(found, choices, n_rows, args))


if __name__ == "__main__":
    main()
