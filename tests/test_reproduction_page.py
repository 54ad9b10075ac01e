"""The page of what was reproduced has the figures of its records."""

import csv
import re
from pathlib import Path

import pytest

_RESULTS = Path(__file__).parents[1] / "docs" / "results"
_PAGE = (_RESULTS / "reproduce_small.md").read_text(encoding="utf-8")
# Lines of a table of the page, and of its record: our networks stand for those of the paper.
_PAPER = {"ResNet8": "ResNet20", "the bag of n-grams": "fastText", "VDCNN9 itself": "VDCNN29"}
_PANELS = {
    "coreset": (
        "error %",
        "seconds of selection (paper: minutes)",
        "seconds of selection and training (paper: minutes)",
        "times faster, end to end, than all rows",
    ),
    "active": (
        "error %",
        "seconds of selection (paper: minutes)",
        "times faster selection than the baseline",
    ),
}
_TABLES = [
    ("MNIST", "half of the rows by", "table2-mnist", "coreset"),
    ("MNIST", "labels bought by", "table1-mnist", "active"),
    ("Digits", "half of the rows by", "table2-digits", "coreset"),
    ("CIFAR-10", "half of the rows by", "table2-cifar10", "coreset"),
    ("CIFAR-10", "labels bought by", "table1-cifar10", "active"),
    ("IMDB", "labels bought by", "table1-imdb", "active"),
    ("IMDB", "60 % of the rows by", "table4-imdb", "coreset"),
]


def section(name):
    return _PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]


def lines_below(text, head):
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {head} "):
            next(lines)
            break
    found = []
    for line in lines:
        if not line.startswith("|"):
            return found
        found.append([part.strip() for part in line.strip("|").split("|")])
    return found


def name_in_record(label):
    """Return how the record's line begins, from "entropy of ResNet8" on the page."""
    if label in ("random", "all rows"):
        return "random"
    strategy, network = label.split(" of ", 1)
    paper = _PAPER.get(network, "ResNet164")
    return f"{strategy.replace('k-centers', 'k centers')}, {paper} "


@pytest.mark.parametrize(("place", "head", "record", "kind"), _TABLES)
def test_a_table_has_the_figures_of_its_record(place, head, record, kind):
    rows = list(csv.DictReader((_RESULTS / "reproduce-small" / f"{record}.csv").open(encoding="utf-8")))
    lines = lines_below(section(place), head)
    assert len(lines) >= 3
    for label, *cells in lines:
        share = "1.0" if label == "all rows" else "0.6" if head.startswith("60") else "0.5"
        for panel, cell in zip(_PANELS[kind], cells, strict=True):
            if not cell:
                continue
            here = [row for row in rows if row["panel"] == panel and row["column"] == share]
            [row] = [row for row in here if f"{row['row']} ".startswith(name_in_record(label))]
            for text, key in zip(re.findall(r"[\d.]+", cell), ("ours", "spread"), strict=False):
                assert f"{float(row[key]):.{len(text.partition('.')[2])}f}" == text, (label, panel)
