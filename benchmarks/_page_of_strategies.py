"""Page and heat map of `bench_strategies`, from its record."""

from pathlib import Path

import numpy as np

SHARES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
RANDOM, FRESH, ALL, AUTO = "random, by class", "rs2", "all rows", "auto"
PROTOCOLS = ("equal updates", "equal epochs")
# Points of error by which a choice counts as good as the best one.
_NEARLY_BEST = 0.5
_COLOURS = 8.0

Errors = dict[str, dict[str, list[float]]]


def errors_of(parts: list[dict[str, float]]) -> Errors:
    """Join the errors of several seeds: by strategy and share, one of each of the first seeds that have it."""
    joined: Errors = {}
    for key in dict.fromkeys(key for part in parts for key in part):
        name, _, share = (ALL, "", "1.0") if key == ALL else key.rpartition(" ")
        joined.setdefault(name, {})[share] = [part[key] for part in parts if key in part]
    return joined


def differences(errors: Errors, name: str, share: float) -> np.ndarray | None:
    """Return the points of error over random rows of each class, one of each seed; None if there are none."""
    values = errors.get(name, {}).get("1.0" if name == ALL else str(share))
    if values is None:
        return None
    return 100 * (np.array(values) - np.array(errors[RANDOM][str(share)][: len(values)]))


def mean_and_spread(sets: list[Errors], name: str, share: float) -> tuple[float, float] | None:
    """Return a mean difference and twice its standard error, over seeds, or over data sets that have it."""
    found = [differences(errors, name, share) for errors in sets]
    found = [values for values in found if values is not None]
    if not found or (len(found) == 1 and len(sets) > 1):
        return None
    values = found[0] if len(sets) == 1 else np.array([each.mean() for each in found])
    # One seed has no spread.
    spread = 2 * values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return float(values.mean()), float(spread)


def judge(sets: list[Errors], name: str) -> dict[str, int]:
    """Count the cells, each a data set and share, in which a strategy is worse, better or nearly best.

    A cell counts as worse where the mean difference to random rows of each class is
    above its standard error (above 0 with one seed), and as better where it is below 0.
    """
    counts = {"cells": 0, "worse": 0, "better": 0, "nearly best": 0}
    for errors in sets:
        for share in SHARES:
            values = differences(errors, name, share)
            if values is None:
                continue
            means = [
                differences(errors, other, share).mean()
                for other in errors
                if other not in (ALL, FRESH, AUTO) and str(share) in errors[other]
            ]
            error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
            counts["cells"] += 1
            counts["worse"] += bool(values.mean() > error)
            counts["better"] += bool(values.mean() < 0)
            counts["nearly best"] += bool(values.mean() <= min(means) + _NEARLY_BEST)
    return counts


def table(sets: list[Errors]) -> list[str]:
    """Return a table of differences in points; the line of random rows of each class has errors in %."""
    lines = [
        "| strategy | " + " | ".join(f"{share:.0%}" for share in SHARES) + " |",
        "|---" * (len(SHARES) + 1) + "|",
    ]
    for name in sets[0]:
        cells = [_cell(sets, name, share) for share in SHARES]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _cell(sets: list[Errors], name: str, share: float) -> str:
    if name == RANDOM:
        return f"{100 * np.mean([np.mean(errors[name][str(share)]) for errors in sets]):.1f}"
    found = mean_and_spread(sets, name, share)
    if found is None:
        return ""
    text = written(found)
    return f"**{text}**" if sum(found) < 0 else text


def written(found: tuple[float, float]) -> str:
    """Write a mean and its spread, if there is one."""
    return f"{found[0]:+.1f}" + (f" ± {found[1]:.1f}" if np.isfinite(found[1]) else "")


def groups(record: dict) -> dict[str, list[str]]:
    """Return the names of the data sets with right and with wrong labels."""
    wrong = [name for name in record["errors"] if "," in name]
    return {
        "Labels as they are": [name for name in record["errors"] if name not in wrong],
        "Wrong labels": wrong,
    }


def lines_of(record: dict) -> list[str]:
    """Return the page of a record."""
    settings, errors = record["settings"], record["errors"]
    seeds = ", ".join(
        f"{name} {len(sets[PROTOCOLS[0]][RANDOM][str(SHARES[0])])}" for name, sets in errors.items()
    )
    lines = [
        "# Errors by strategy and share that is kept",
        "",
        "Test error of a network with two hidden layers of 64, in points beside as many random rows of each class, and "
        f"twice the standard error of the difference. The line *{RANDOM}* has the error itself in %. Bold: below it by "
        "more than that. One proxy with a hidden layer of 64 and 30 passes chooses for all strategies. Strata leave "
        "out the hardest 50, 40, 30, 20, 20, 10 and 0 %, those named *all* none. *rs2* takes other random rows at each "
        "pass, *all rows* has all of them. The features are the scaled columns: of the tables, of 128 components of "
        "TF-IDF, of 256 features of random patches. What takes long was tried with few data sets, shares or seeds; "
        "means over data sets are over those that have it.",
        "",
        f"**Equal updates**: {settings['updates']:,} updates of 64 rows for every strategy. **Equal epochs**: as many "
        f"passes over the chosen rows as come to {settings['visits']:,} visits over all rows, but from 5 to 40; few "
        f"rows then get few updates. Seeds: {seeds}.",
        "",
        "![Heat map of the differences](bench_strategies.svg)",
    ]
    if AUTO in next(iter(errors.values()))[PROTOCOLS[0]]:
        lines += ["", "## What `auto` reaches", "", *_judged(record)]
    for protocol in PROTOCOLS:
        for title, names in groups(record).items():
            if len(names) > 1:
                sets = [errors[name][protocol] for name in names]
                lines += ["", f"## {title}, {protocol}: {len(names)} data sets", "", *table(sets)]
    for name, by_protocol in errors.items():
        for protocol in PROTOCOLS:
            lines += ["", f"## {name}, {protocol}", "", *table([by_protocol[protocol]])]
    return lines


def _judged(record: dict) -> list[str]:
    lines = [
        "Each cell is a data set and a share. *Worse*: the mean difference to random rows of each class is above its "
        "standard error. *Better*: it is below 0. *Best*: within half a point of the best strategy of the page.",
        "",
        "| | cells | worse | better | best |",
        "|---|---|---|---|---|",
    ]
    shown = (AUTO, "el2n, strata", "facility location", "forgetting", "entropy")
    for protocol in PROTOCOLS:
        for title, names in groups(record).items():
            sets = [record["errors"][name][protocol] for name in names]
            for name in shown if sets else ():
                counts = " | ".join(str(count) for count in judge(sets, name).values())
                lines.append(f"| {name}; {title[0].lower()}{title[1:]}, {protocol} | {counts} |")
    return lines


def draw(record: dict, path: Path) -> None:
    """Write the heat map of the differences, a panel for each protocol and kind of labels."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "bench_strategies"
    matplotlib.rcParams["svg.fonttype"] = "none"
    import matplotlib.pyplot as plt

    panels = {
        (protocol, title): [record["errors"][name][protocol] for name in names]
        for title, names in groups(record).items()
        for protocol in PROTOCOLS
        if names
    }
    figure, axes = plt.subplots(
        len(panels) // 2, 2, figsize=(15, 7.5 * (len(panels) // 2)), squeeze=False, layout="constrained"
    )
    for axis, ((protocol, title), sets) in zip(axes.flat, panels.items(), strict=True):
        names = [name for name in sets[0] if name != RANDOM]
        found = [[mean_and_spread(sets, name, share) for share in SHARES] for name in names]
        values = np.array([[np.nan if cell is None else cell[0] for cell in line] for line in found])
        image = axis.imshow(values, cmap="RdBu_r", vmin=-_COLOURS, vmax=_COLOURS, aspect="auto")
        for row, line in enumerate(found):
            for column, cell in enumerate(line):
                if cell is not None:
                    colour = "white" if abs(cell[0]) > 0.7 * _COLOURS else "black"
                    axis.text(column, row, written(cell), ha="center", va="center", fontsize=7, color=colour)
        axis.set_title(f"{title}, {protocol}", fontsize=11)
        axis.set_xticks(range(len(SHARES)), [f"{share:.0%}" for share in SHARES])
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.set_xlabel("rows kept")
    figure.colorbar(
        image, ax=axes, label="points of error beside random rows of each class", shrink=0.5, extend="both"
    )
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
