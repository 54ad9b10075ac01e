"""What the rule of `auto` reaches on a data set whose figures did not help to choose its thresholds.

For each data set of `bench_strategies.json` the thresholds are chosen on the others, and the rule is judged on the one
left out. Nothing is trained: `auto` takes strategies whose errors are in that file.
"""

import itertools
import json

import numpy as np
from _page_of_strategies import AUTO, PROTOCOLS, SHARES, differences, judge
from _report import parser, write
from _rule_of_auto import errors_of_auto

from sksvp.strategies._auto import Thresholds

# Values that are tried, all with all.
_TRIED = {
    "many_outvoted": (0.15, 0.2, 0.25, 0.3),
    "some_rows": (0.07, 0.15, 0.25),
    "quarter": (0.15, 0.25, 0.4),
    "half": (0.25, 0.4),
    "most_dropped": (0.1, 0.3),
}
# How many times a loss to random rows counts as a gain of the same size.
_FEAR = 3.0


def worth(by_protocol: dict, looks: list[dict], limits: Thresholds) -> float:
    """Return the mean gain in points, in which losses count more; minus infinity where figures are missing."""
    means = []
    for protocol, reached in errors_of_auto(by_protocol, looks, limits).items():
        if len(reached) < len(SHARES):
            return -np.inf
        errors = {**by_protocol[protocol], AUTO: reached}
        means += [differences(errors, AUTO, share).mean() for share in SHARES]
    return float(np.mean([-mean if mean < 0 else -_FEAR * mean for mean in means]))


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    args = options.parse_args()
    record = json.loads((args.out / "bench_strategies.json").read_text())
    errors, looks = record["errors"], record["looks"]
    grid = [
        Thresholds(**dict(zip(_TRIED, values, strict=True))) for values in itertools.product(*_TRIED.values())
    ]
    worths = {
        name: np.array([worth(errors[name], looks[name], limits) for limits in grid]) for name in errors
    }
    entries = {}
    for name, by_protocol in errors.items():
        others = np.mean([values for other, values in worths.items() if other != name], axis=0)
        best = grid[int(np.argmax(others))]
        entries[name] = {
            "limits": {key: getattr(best, key) for key in _TRIED},
            **{
                label: {
                    protocol: judge([{**by_protocol[protocol], AUTO: reached}], AUTO)
                    for protocol, reached in errors_of_auto(by_protocol, looks[name], limits).items()
                }
                for label, limits in (("left out", best), ("shipped", Thresholds()))
            },
        }
    write(args.out, "bench_auto", {"entries": entries}, lines_of({"entries": entries}))


def lines_of(record: dict) -> list[str]:
    """Return the page of a record."""
    lines = [
        "# What the rule of `auto` reaches on data that it was not fitted to",
        "",
        "For each data set the thresholds of the rule were chosen on the others of "
        "[the benchmark of strategies](bench_strategies.md), from all combinations of a few values, by the mean gain "
        f"over random rows of each class, in which a loss counts {_FEAR:g} times. *Worse*, *better* and *best* count "
        "cells as there. Beside them: the thresholds that `auto` has.",
        "",
        "| data set | protocol | cells | left out: worse | better | best | as shipped: worse | better | best |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, entry in record["entries"].items():
        for protocol in PROTOCOLS:
            left, shipped = entry["left out"][protocol], entry["shipped"][protocol]
            counts = [
                left["cells"],
                *(part[key] for part in (left, shipped) for key in ("worse", "better", "nearly best")),
            ]
            lines.append(f"| {name} | {protocol} | " + " | ".join(str(count) for count in counts) + " |")
    return lines


if __name__ == "__main__":
    main()
