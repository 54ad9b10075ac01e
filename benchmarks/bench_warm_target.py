"""What it is worth to begin the target from the proxy's weights (`warm_target=True`)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from _report import parser, write
from _results import Results, spread

from sksvp._clock import Clock
from sksvp.datasets import load_cifar10, load_digits
from sksvp.estimators import ResNetClassifier
from sksvp.proxies import as_proxy

PROXY_DEPTH, TARGET_DEPTH = 8, 20
# Rows, epochs of the proxy and of the targets, rows of a batch, test rows.
CASES = {
    "digits, 200 rows": ("digits", 200, 30, (3, 10, 30), 32, 540),
    "digits, 800 rows": ("digits", 800, 30, (3, 10, 30), 32, 540),
    "CIFAR-10, 1,000 rows": ("cifar10", 1000, 10, (3, 10), 64, 1000),
}


def trained(
    depth: int, epochs: int, batch_size: int, X: Any, y: Any, seed: int, start: Any = None
) -> tuple[Any, float]:
    """Train a network, from fresh weights or those of a proxy; return it and its seconds of the processor."""
    network = ResNetClassifier(depth, max_epochs=epochs, batch_size=batch_size, device="cpu")
    with Clock() as clock:
        model = as_proxy(network).train(X, y, random_state=seed, start=start)
    return model, clock.cpu


def run(case: tuple, seed: int, args: Any) -> dict[str, Any]:
    """Return errors and seconds of the proxy and of each target."""
    name, n_rows, proxy_epochs, target_epochs, batch_size, n_test = case
    data = load_digits() if name == "digits" else load_cifar10(args.cifar)
    rows = np.random.RandomState(seed).permutation(len(data.y_train))[:n_rows]
    X, y, X_test, y_test = data.X_train[rows], data.y_train[rows], data.X_test[:n_test], data.y_test[:n_test]
    found: dict[str, Any] = {}

    def note(name: str, model: Any, seconds: float) -> None:
        found[name] = {"error": 100 * float(np.mean(model.predict(X_test) != y_test)), "cpu_seconds": seconds}

    proxy, spent = trained(PROXY_DEPTH, proxy_epochs, batch_size, X, y, seed)
    note("proxy", proxy, spent)
    for epochs in target_epochs:
        for start in (None, proxy):
            way = "fresh" if start is None else "warm"
            note(f"{way} {epochs}", *trained(TARGET_DEPTH, epochs, batch_size, X, y, 1000 + seed, start))
    # As long as proxy and target together.
    both = target_epochs[-1] + round(
        spent / found[f"fresh {target_epochs[-1]}"]["cpu_seconds"] * target_epochs[-1]
    )
    note("fresh, same cost", *trained(TARGET_DEPTH, both, batch_size, X, y, 1000 + seed))
    return found


def main() -> None:
    """Run what `--runs` does not hold yet, and write docs/results/bench_warm_target.*."""
    options = parser(__doc__)
    options.add_argument("--cifar", type=Path, help="folder of CIFAR-10; without it only the digits are run")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--runs", type=Path, required=True, help="folder of what is finished")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    results = Results(args.runs)
    cases = {name: case for name, case in CASES.items() if case[0] == "digits" or args.cifar is not None}
    lines = [
        "# Targets that begin from the proxy",
        "",
        f"A ResNet{TARGET_DEPTH} is trained on random rows, from fresh weights or from those of a ResNet{PROXY_DEPTH} "
        f"that was trained on the same rows (`warm_target=True`). Test errors in percent, {args.seeds} seeds. *Same "
        "cost*: from fresh weights for as long as the proxy and the longest of the other targets together.",
        "",
        "| rows | model | epochs | error, fresh weights | error, from the proxy | CPU seconds |",
        "|---|---|---|---|---|---|",
    ]
    figures: dict[str, list[dict]] = {}
    for name, case in cases.items():
        figures[name] = runs = [
            results.get(lambda case=case, seed=seed: run(case, seed, args), case=name, seed=seed)
            for seed in range(args.seeds)
        ]

        def told(key: str, what: str = "error", runs: list[dict] = runs) -> str:
            return spread([one[key][what] for one in runs])

        lines.append(f"| {name} | proxy | {case[2]} | {told('proxy')} | | {told('proxy', 'cpu_seconds')} |")
        for epochs in case[3]:
            errors = f"{told(f'fresh {epochs}')} | {told(f'warm {epochs}')}"
            lines.append(
                f"| {name} | target | {epochs} | {errors} | {told(f'warm {epochs}', 'cpu_seconds')} |"
            )
        cost = told("fresh, same cost", "cpu_seconds")
        lines.append(f"| {name} | target, same cost | | {told('fresh, same cost')} | | {cost} |")
    write(args.out, "bench_warm_target", {"runs": figures}, lines)


if __name__ == "__main__":
    main()
