"""Figures that the documentation quotes are those of its records.

To check another figure, add a `Quote`: the page, the sentence or the line of a table
as it stands there with ``{}`` for each number (line breaks and bold type do not
count), and where its record has the numbers. They are compared as rounded as the page has them.
"""

import csv
import importlib.util
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

_ROOT = Path(__file__).parents[1]
_RESULTS = _ROOT / "docs" / "results"

# Of the paper (Coleman et al., ICLR 2020): table 1 and section 3.
_PUBLISHED = {
    "ResNet20 on CIFAR-10, error": 7.6,
    "ResNet20 on CIFAR-10, minutes": 26,
    "ResNet164 on CIFAR-10, minutes": 230,
    "fastText, Amazon Review Polarity, speed-up": [10.6, 20.6, 32.2, 41.9, 51.3],
    "fastText, Amazon Review Full, speed-up": [8.7, 17.7, 26.7, 35.1, 43.1],
}


class Quote(NamedTuple):
    """Numbers of a page and where they come from.

    Parameters
    ----------
    page : str
        Path below the root.
    text : str
        What the page has, with ``{}`` for each number. Without one, `values` says
        whether the words hold.
    record : str or dict
        File below docs/results, or the record itself.
    values : callable
        ``values(record)``, the numbers in order.
    """

    page: str
    text: str
    record: Any
    values: Callable[[Any], Any]


@cache
def _read_record(name: str) -> Any:
    path = _RESULTS / name
    if path.suffix == ".csv":
        return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def _read_page(name: str) -> str:
    return " ".join((_ROOT / name).read_text(encoding="utf-8").replace("**", "").split())


def _check(quote: Quote, page: str) -> None:
    """Compare one quote with the text of its page.

    Raises
    ------
    AssertionError
        Where the page has other words or numbers.
    """
    record = _read_record(quote.record) if isinstance(quote.record, str) else quote.record
    values = quote.values(record)
    wanted = re.escape(" ".join(quote.text.split()))
    pattern = re.compile(
        r"(?<![\d.,])" * wanted.startswith(r"\{\}") + wanted.replace(r"\{\}", r"(\d[\d,]*(?:\.\d+)?)")
    )
    found = list(pattern.finditer(page))
    assert found, f"{quote.page} does not say: {quote.text}"
    if "{}" not in quote.text:
        assert values is True, f"{quote.page}: not so: {quote.text}"
        return
    values = values if isinstance(values, list | tuple) else [values]
    for match in found:
        printed = match.groups()
        recorded = [
            f"{value:,.{len(number.partition('.')[2])}f}"
            for value, number in zip(values, printed, strict=True)
        ]
        assert list(printed) == recorded, f"{quote.page}: {match[0]}"


# What README and the guide quote ---------------------------------------------------------------

_K_CENTERS = "bench_k_centers.json"
_CUDA = "bench_cuda.json"
_FAST = "bench_fast_recipe.json"
_STOP = "bench_stop_proxy.json"
_STRATEGIES = "bench_strategies.json"
_LABELS = "bench_label_issues.json"


def _beside_random(record, *, wrong: bool, share: float) -> list[float]:
    """Points of error beside random rows by class, without signs, as the guide's table has them."""
    sets = [sets["equal updates"] for name, sets in record["errors"].items() if ("," in name) == wrong]

    def mean(errors: dict, name: str) -> float:
        return 100 * statistics.mean(errors[name][str(share)])

    return [
        abs(statistics.mean(mean(errors, name) - mean(errors, "random, by class") for errors in sets))
        for name in ("forgetting", "el2n", "auto")
    ]


def _reproduced(record, line: str, panel: str, share: str = "0.5") -> float:
    here = [row for row in record if row["panel"] == panel and row["column"] == share]
    [value] = [float(row["ours"]) for row in here if row["row"].startswith(line)]
    return value


def _transfer(record) -> list[float]:
    outcome = _benchmark("bench_pilot").outcome
    images, texts = (
        [(cell, outcome(cell, kind)) for cell in record["cells"] if cell["kind"] == kind]
        for kind in ("images", "texts")
    )

    def foretold(cell) -> float:
        errors = dict(zip(cell["names"], cell["pilot"], strict=True))
        return 100 * (errors["class-balanced random"] - errors[cell["pick"]])

    by_share = [[pair for pair in images if pair[0]["share"] == share] for share in (0.05, 0.1, 0.3)]
    assert sum(one["worse"] for _, one in images) == 0
    return [
        *(statistics.mean(one["gain"] for _, one in pairs) for pairs in by_share),
        *(statistics.mean(foretold(cell) for cell, _ in pairs) for pairs in by_share),
        len(images),
        sum(one["near_best"] for _, one in images),
        -statistics.mean(one["gain"] for _, one in texts),
    ]


def _judged(record, name: str, protocol: str = "equal updates") -> dict[str, int]:
    """Count the cases in which a strategy is worse or better than random rows, or nearly the best."""
    judge = _benchmark("_page_of_strategies").judge
    return judge([sets[protocol] for sets in record["errors"].values()], name)


def _unseen(record) -> list[int]:
    module = _benchmark("bench_auto_unseen")
    found = [(of, module.judge(values)) for _, _, of, values in module._cells(record, "network")]

    def count(target: str, verdict: str) -> int:
        return sum(pair == (target, verdict) for pair in found)

    worse, better = ([count(of, verdict) for of in module.TARGETS] for verdict in ("worse", "better"))
    return [worse[0], len(found) // len(module.TARGETS), *worse[1:], *better]


def _counts(record, name: str, *, protocol: str = "equal updates") -> list[int]:
    return [_judged(record, name, protocol)[key] for key in ("cells", "worse", "better", "nearly best")]


def _fast_error(record) -> float:
    (training,) = record["accuracy"]
    return 100 * training["test_error"]


def _compiled_share(record) -> float:
    seconds = record["figures"]["loops"]["seconds_of_an_epoch"]
    return seconds["ours, compiled"] / seconds["ours"]


def _default_stop(record) -> dict:
    (line,) = (
        line
        for line in record["lines"]
        if (line["strategy"], line["tolerance"]) == ("forgetting_events", 0.01)
    )
    return line


def _issues(record, name: str, way: str, *keys: str) -> list[float]:
    """Means over seeds of what a way found, and of errors of targets, in %; AUROC as it is."""
    parts = [part for part in record["parts"] if part["name"] == name]
    found = []
    for key in keys:
        values = [
            part["found"][way][key] if key in part["found"][way] else part["errors"][key] for part in parts
        ]
        found.append(statistics.mean(values) * (1 if key == "auroc" else 100))
    return found


_LABEL_ERRORS = {
    "CIFAR-10, human, aggregate": "CIFAR-10, majority of three people",
    "CIFAR-10, human, random1": "CIFAR-10, one answer each",
    "CIFAR-10, human, worst": "CIFAR-10, a wrong answer where there was one",
    "ag_news_csv, planted, alike": "AG News, wrong where classes are alike",
    "ag_news_csv, planted, uniform": "AG News, wrong at random",
}

_SENTENCES = [
    Quote(
        "README.md",
        "the half that a ResNet8 chooses trains a ResNet20 to an error of {} %, where all rows give {} % and a random "
        "half {} %, and takes {} times less, the choice included",
        "reproduce-small/table2-mnist.csv",
        lambda record: [
            _reproduced(record, line, panel, share)
            for line, panel, share in (
                ("entropy, ResNet20 ", "error %", "0.5"),
                ("random", "error %", "1.0"),
                ("random", "error %", "0.5"),
                ("entropy, ResNet20 ", "times faster, end to end, than all rows", "0.5"),
            )
        ],
    ),
    Quote(
        "README.md",
        "In active learning the ResNet8 chooses {} times cheaper",
        "reproduce-small/table1-mnist.csv",
        lambda record: [
            _reproduced(record, "least confidence, ResNet20 ", "times faster selection than the baseline")
        ],
    ),
    Quote(
        "docs/guide/when.md",
        "its pick was better than random rows by {}, {} and {} points with 5, 10 and 30 % kept (three seeds each), "
        "where the pilot foretold {}, {} and {}. In none of these {} cases was it worse by more than the spread of "
        "random rows, and in {} it was within half a point of the best. For a VDCNN9 on 30 % of the 25,000 texts of "
        "IMDB the pick was {} points worse",
        "bench_pilot_transfer.json",
        lambda record: _transfer(record),
    ),
    Quote(
        "docs/guide/active_learning.md",
        "over the rounds is {} % with random rows, {} with `auto`, {} with `badge`, {} with `margin`, {} with `bait` "
        "and {} with `entropy`",
        "bench_frozen_features.json",
        lambda record: [
            100 * float(np.mean(record["curves"]["letter"][name]["accuracy"]))
            for name in ("random", "auto", "badge", "margin", "bait", "entropy")
        ],
    ),
    *(
        Quote(
            "docs/guide/label_issues.md",
            f"| {label} | {{}} % | {{}} | {{}} | {{}} | {{}} % | {{}} % |",
            _LABELS,
            lambda record, name=name: [
                100 * statistics.mean(part["wrong"] for part in record["parts"] if part["name"] == name),
                *_issues(record, name, "aum", "auroc"),
                *_issues(record, name, "aum, 3 proxies", "auroc"),
                *_issues(record, name, "probability out of fold", "auroc"),
                *_issues(record, name, "aum", "flagged", "precision of flagged"),
            ],
        )
        for name, label in _LABEL_ERRORS.items()
    ),
    *(
        Quote(
            "docs/guide/label_issues.md",
            f"| {label} | {{}} | {{}} | {{}} | {{}} | {{}} |",
            _LABELS,
            lambda record, name=name: _issues(
                record,
                name,
                "aum",
                "all rows",
                "aum, 3 proxies: worst tenth less",
                "aum, 3 proxies: flagged less",
                "aum, made-up class: flagged less",
                "true labels",
            ),
        )
        for name, label in _LABEL_ERRORS.items()
    ),
    Quote(
        "docs/guide/coresets.md",
        "one proxy's events have a rank correlation of {} with the mean of five other proxies, and those of three "
        "proxies {}. For the area under the margin it is {} and {}",
        _LABELS,
        lambda record: [
            record["agreement"]["ag_news_csv"][score][n]
            for score in ("forgetting_events", "aum")
            for n in ("1", "3")
        ],
    ),
    *(
        Quote(
            "docs/guide/strategies.md",
            f"| {labels} | {share:.0%} |".replace("%", " %") + f" {first}{{}} | {second}{{}} | -{{}} |",
            _STRATEGIES,
            lambda record, wrong=wrong, share=share: _beside_random(record, wrong=wrong, share=share),
        )
        for wrong, labels, share, first, second in (
            (False, "as they are", 0.05, "+", "+"),
            (False, "as they are", 0.2, "+", "+"),
            (False, "as they are", 0.5, "-", "+"),
            (True, "a part of them wrong", 0.05, "+", "+"),
            (True, "a part of them wrong", 0.2, "+", "+"),
            (True, "a part of them wrong", 0.5, "+", "+"),
        )
    ),
    *(
        Quote(
            page,
            "in {} of {} cases, and worse ones in {}",
            _STRATEGIES,
            lambda record: [_judged(record, "auto")[key] for key in ("better", "cells", "worse")],
        )
        for page in ("README.md", "docs/guide/when.md")
    ),
    Quote(
        "README.md",
        "keep the hardest rows, were worse in {} of them",
        _STRATEGIES,
        lambda record: _judged(record, "forgetting")["worse"],
    ),
    *(
        Quote(
            "docs/guide/when.md",
            f"| {label} | {{}} | {{}} | {{}} | {{}} |",
            _STRATEGIES,
            lambda record, name=name: _counts(record, name),
        )
        for name, label in (
            ("auto", '`"auto"`'),
            ("el2n, strata", "strata over EL2N"),
            ("forgetting", "forgetting events"),
            ("entropy", "entropy"),
        )
    ),
    *(
        Quote(
            page,
            "chosen without the data set that is judged give {} better and {} worse",
            "bench_auto.json",
            lambda record: [
                sum(entry["left out"]["equal updates"][key] for entry in record["entries"].values())
                for key in ("better", "worse")
            ],
        )
        for page in ("README.md", "docs/guide/when.md")
    ),
    Quote(
        "docs/guide/when.md",
        "in {} of {} cases for boosted trees, in {} for forests and in {} for small networks, and better by more than "
        "that in {}, {} and {}",
        "bench_auto_unseen.json",
        _unseen,
    ),
    Quote(
        "docs/guide/when.md",
        "`auto` was better in {} and worse in {}",
        _STRATEGIES,
        lambda record: _counts(record, "auto", protocol="equal epochs")[2:0:-1],
    ),
    Quote(
        "docs/guide/when.md",
        "forgetting events were {} points worse than random rows, and `auto` {} better",
        _STRATEGIES,
        lambda record: _beside_random(record, wrong=True, share=0.05)[::2],
    ),
    Quote("README.md", "takes {} % of the processor time", _FAST, lambda r: 100 * r["cost"]["whole_ratio"]),
    Quote(
        "README.md",
        "a tenth of 1.28 million rows in under a minute on two cores",
        _K_CENTERS,
        lambda r: 30 < r["cases"]["imagenet-10"]["seconds"] < 60,
    ),
    Quote(
        "README.md",
        "in {} s on an H200",
        _CUDA,
        lambda r: r["figures"]["k-centers"]["imagenet-10"]["seconds"],
    ),
    Quote("README.md", "ResNet20 takes {} s", _CUDA, lambda r: r["figures"]["resnet20"]["seconds"]),
    Quote(
        "CHANGELOG.md",
        "a tenth of 1.28 million rows took {} s",
        _K_CENTERS,
        lambda r: r["cases"]["imagenet-10"]["seconds"],
    ),
    Quote(
        "CHANGELOG.md",
        "that takes {} % of the processor time",
        _FAST,
        lambda r: 100 * r["cost"]["whole_ratio"],
    ),
    Quote(
        "CHANGELOG.md",
        "ResNet20's epochs take a quarter of the time of a loop that is not recorded",
        _CUDA,
        lambda r: round(4 * r["figures"]["loops"]["ours_to_others"]["ours"]["bare"]["median"], 1) == 1,
    ),
    Quote(
        "CHANGELOG.md",
        "trains our ResNets about {} times faster",
        "bench_training.json",
        lambda r: r["ratios"]["torch to ours"]["median"],
    ),
    Quote(
        "docs/guide/estimators.md",
        "for {} % of the processor's time",
        _FAST,
        lambda r: 100 * r["cost"]["whole_ratio"],
    ),
    Quote("docs/guide/estimators.md", "it has {} % error after 24 epochs", _FAST, _fast_error),
    Quote(
        "docs/guide/estimators.md",
        "ResNet20 {} % after the 181 of the paper's recipe",
        _CUDA,
        lambda r: r["figures"]["resnet20"]["error"],
    ),
    Quote(
        "docs/guide/estimators.md",
        "The published error of ResNet20, on the lossless images, is {} %",
        _PUBLISHED,
        lambda r: r["ResNet20 on CIFAR-10, error"],
    ),
    Quote(
        "docs/guide/estimators.md",
        "its 15 epochs take {} s on an H200",
        _CUDA,
        lambda r: r["figures"]["fast"]["seconds"],
    ),
    Quote(
        "docs/guide/estimators.md",
        "takes some ten seconds once and saves a seventh of every epoch",
        _CUDA,
        lambda r: (
            round(7 * (1 - _compiled_share(r))) == 1
            and round(r["figures"]["loops"]["seconds_of_the_first_epoch"]["ours, compiled"], -1) == 10
        ),
    ),
    Quote(
        "docs/guide/coresets.md",
        "forgetting events needed {} at the default tolerance, with {} % of the chosen half",
        _STOP,
        lambda r: (_default_stop(r)["epochs"], 100 * _default_stop(r)["overlap"]),
    ),
    Quote(
        "docs/guide/coresets.md",
        "entropy did not settle at it",
        _STOP,
        lambda r: (
            {
                line["epochs"]
                for line in r["lines"]
                if line["strategy"] == "entropy" and line["tolerance"] == 0.01
            }
            == {60}
        ),
    ),
    Quote(
        "docs/guide/text.md",
        "{} times faster, with 40 % of the labels bought",
        _PUBLISHED,
        lambda r: r["fastText, Amazon Review Polarity, speed-up"][3],
    ),
    Quote(
        "docs/guide/text.md",
        "{} to {} times faster",
        _PUBLISHED,
        lambda r: (
            r["fastText, Amazon Review Full, speed-up"][0],
            r["fastText, Amazon Review Full, speed-up"][-1],
        ),
    ),
    Quote(
        "docs/guide/text.md",
        "a million made-up reviews take it {} s of the clock",
        "bench_text.json",
        lambda r: r["memory"]["seconds"]["fit"],
    ),
    Quote(
        "docs/results/bench_fast_recipe.md",
        "Published for ResNet20 after 181 epochs: {} %",
        _PUBLISHED,
        lambda r: r["ResNet20 on CIFAR-10, error"],
    ),
    Quote(
        "docs/results/bench_fast_recipe.md",
        "ResNet20 reaches {} % in the 181 epochs",
        _CUDA,
        lambda r: r["figures"]["resnet20"]["error"],
    ),
    Quote(
        "docs/results/cifar10_coreset.md",
        "In the paper the target costs about nine times as much",
        _PUBLISHED,
        lambda r: round(r["ResNet164 on CIFAR-10, minutes"] / r["ResNet20 on CIFAR-10, minutes"]) == 9,
    ),
]

# Recorded runs ---------------------------------------------------------------------------------

_METHODS = {"forgetting_events": "forgetting events", "k_centers": "k-centers"}


def _coreset_lines(folder: str, *, with_speed_up: bool) -> Iterator[Quote]:
    columns = ("proxy", "target", "total") + ("speed_up",) * with_speed_up
    for entry in _read_record(f"{folder}/results.json"):
        label = _METHODS.get(entry["name"], entry["name"])
        error = "{}" if entry["spread"] is None else "{} ± {}"
        spread = [] if entry["spread"] is None else [entry["spread"]]
        text = f"| {label} | {{}} | {{}} | {error} |" + " {} |" * 3 + " {}x |" * with_speed_up
        values = [entry["rows"], entry["seeds"], entry["error"], *spread, *(entry[name] for name in columns)]
        # The same words begin the line of another number of rows.
        text = text.replace("{}", f"{entry['rows']:,}", 1)
        yield Quote("docs/results/cifar10_coreset.md", text, {}, lambda _, values=values: values[1:])


def _proxies(folder: str) -> list[dict]:
    paths = sorted((_RESULTS / folder / "trainings").glob("proxy_seed*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def _gains(record, size: str) -> list[float]:
    """Points by which forgetting events beat random rows, seed by seed."""
    error = {
        (line["name"], line["seed"]): 100 * float(line["error"])
        for line in record
        if line["subset_size"] == size
    }
    return [error["random", seed] - error["forgetting_events", seed] for seed in "012"]


_CORESET = [
    *_coreset_lines("cifar10-coreset", with_speed_up=True),
    *_coreset_lines("cifar10-coreset-10000-rows", with_speed_up=False),
    Quote(
        "docs/results/cifar10_coreset.md",
        "in every seed: by {}, {} and {} points",
        "cifar10-coreset/results.csv",
        lambda r: _gains(r, "0.7"),
    ),
    Quote(
        "docs/results/cifar10_coreset.md",
        "in every seed too, but by half a point on average",
        "cifar10-coreset/results.csv",
        lambda r: min(_gains(r, "0.5")) > 0 and round(2 * statistics.mean(_gains(r, "0.5"))) == 1,
    ),
    Quote(
        "docs/results/cifar10_coreset.md",
        "have {}, {} and {} % error",
        {},
        lambda _: [100 * proxy["error"] for proxy in _proxies("cifar10-coreset")],
    ),
    Quote(
        "docs/results/cifar10_coreset.md",
        "never forgot {} to {} % of the rows, and never learned {} %",
        {},
        lambda _: [
            100 * min(proxy["never_forgotten"] for proxy in _proxies("cifar10-coreset")),
            100 * max(proxy["never_forgotten"] for proxy in _proxies("cifar10-coreset")),
            100 * statistics.mean(proxy["never_learned"] for proxy in _proxies("cifar10-coreset")),
        ],
    ),
    Quote(
        "docs/results/cifar10_coreset.md",
        "the proxy ({} % error) never forgot {} % of them and never learned {} %",
        {},
        lambda _: [
            100 * _proxies("cifar10-coreset-10000-rows")[0][name]
            for name in ("error", "never_forgotten", "never_learned")
        ],
    ),
]

_ARMS = {
    "least_confidence by proxy": "least confidence of ResNet8",
    "least_confidence by target": "least confidence of ResNet20 itself",
    "k_centers by proxy": "k-centers of ResNet8",
    "k_centers by target": "k-centers of ResNet20 itself",
    "random": "random",
}


def _active_rounds(name: str, seed: str) -> list[dict]:
    lines = _read_record("cifar10-active/results.csv")
    return [line for line in lines if (line["name"], line["seed"]) == (name, seed) and line["round"] != "0"]


def _choosing(name: str) -> list[float]:
    """Seconds of the processor until each purchase of the first seed."""
    total, seconds = 0.0, []
    for line in _active_rounds(name, "0"):
        total += sum(float(line[part]) for part in ("proxy_fit_cpu", "inference_cpu", "ranking_cpu"))
        seconds.append(total)
    return seconds


def _active_lines() -> Iterator[Quote]:
    table = _read_record("cifar10-active/results.json")
    for name, label in _ARMS.items():
        entries = sorted(
            (entry for entry in table if entry["name"] == name), key=lambda entry: entry["n_labeled"]
        )
        with_spread = entries[0]["spread"] is not None
        values = [entries[0]["seeds"]]
        for entry in entries:
            values += [entry["error"], entry["spread"]] if with_spread else [entry["error"]]
        text = f"| {label} | {{}} |" + (" {} ± {} |" if with_spread else " {} |") * len(entries)
        yield Quote("docs/results/cifar10_active.md", text, {}, lambda _, values=values: values)
        if name == "random":
            continue
        seed = ", seed 0" if name == "least_confidence by proxy" else ""
        seconds = _choosing(name)
        speed_up = _choosing(name.replace("proxy", "target"))[-1] / seconds[-1]
        yield Quote(
            "docs/results/cifar10_active.md",
            f"| {label}{seed} |" + " {} |" * len(seconds) + " {}x |",
            {},
            lambda _, values=(*seconds, speed_up): values,
        )


def _active_error(name: str, n_labeled: int) -> list[float]:
    return [
        100 * float(line["target_error"])
        for seed in "012"
        for line in _active_rounds(name, seed)
        if int(line["n_labeled"]) == n_labeled
    ]


def _targets_seconds() -> list[float]:
    sums: dict[tuple, float] = {}
    for line in _read_record("cifar10-active/results.csv"):
        key = line["name"], line["seed"]
        sums[key] = sums.get(key, 0.0) + float(line["target_fit_cpu"] or 0)
    return list(sums.values())


_ACTIVE = [
    *_active_lines(),
    Quote(
        "docs/results/cifar10_active.md",
        "but for 4,000 labels: there ResNet20's own choice has {} % and its proxy's {}, {} and {} %",
        {},
        lambda _: [
            *_active_error("least_confidence by target", 4000),
            *_active_error("least_confidence by proxy", 4000),
        ],
    ),
    Quote(
        "docs/results/cifar10_active.md",
        "At 8,000 and 10,000 it leads by {} points on average",
        {},
        lambda _: statistics.mean(
            statistics.mean(_active_error("random", size))
            - statistics.mean(_active_error("least_confidence by proxy", size))
            for size in (8000, 10000)
        ),
    ),
    Quote(
        "docs/results/cifar10_active.md",
        "took another 680 to 910 s",
        {},
        lambda _: (
            [round(seconds, -1) for seconds in (min(_targets_seconds()), max(_targets_seconds()))]
            == [680, 910]
        ),
    ),
    Quote(
        "docs/results/cifar10_active.md",
        "ResNet164 takes about eight times as long as ResNet20, 4 hours against 30 minutes",
        {},
        lambda _: 4 * 60 / 30 == 8,
    ),
]

# Pages of the benchmarks -----------------------------------------------------------------------


def _benchmark(name: str):
    """Load a benchmark, which may have the function that wrote its page."""
    folder = str(_ROOT / "benchmarks")
    sys.path.insert(0, folder)
    try:
        spec = importlib.util.spec_from_file_location(name, f"{folder}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


def _page_lines() -> Iterator[Quote]:
    """Lines of the tables whose form is simple."""
    for line in _read_record(_STOP)["lines"]:
        values = [
            *(line["epochs"], 100 * line["saved"], line["seconds_saved"]),
            *(line["correlation"], 100 * line["overlap"]),
        ]
        text = f"| {line['strategy']} | {line['tolerance']} | {{}} | {{}}% | {{}} | {{}} | {{}}% |"
        yield Quote("docs/results/bench_stop_proxy.md", text, {}, lambda _, values=values: values)
    for name, entry in _read_record("bench_selection.json")["cpu_seconds"].items():
        whole = _read_record("bench_selection.json")["training_cpu_seconds_per_epoch"] * 20
        values = [entry["rest"], 100 * entry["rest"] / whole]
        yield Quote(
            "docs/results/bench_selection.md",
            f"| {name} | {{}} | {{}} % |",
            {},
            lambda _, values=values: values,
        )
    for name, entry in _read_record("bench_active.json")["ranking_cpu_seconds"].items():
        values = [entry["median"], entry["low"], entry["high"]]
        text = f"| {name} | {{}} | {{}} to {{}} |"
        yield Quote("docs/results/bench_active.md", text, {}, lambda _, values=values: values)
    growth = _read_record("bench_k_centers_growth.json")
    for entry in growth["by_rows"] + growth["by_centres"]:
        whole = entry["torch_loop_step"] * entry["n_centres"]
        values = [entry["seconds"], whole, whole / entry["seconds"]]
        text = f"| {entry['n_rows']:,} | {entry['n_centres']:,} | {{}} s | {{}} s | {{}} |"
        yield Quote("docs/results/bench_k_centers_growth.md", text, {}, lambda _, values=values: values)
    for name, entry in _read_record("bench_text.json")["sets"].items():
        for model, times in entry["models"].items():
            errors = [100 * error for error in times["error"]]
            values = [
                *(statistics.median(times["fit"]), statistics.median(times["score"])),
                *(statistics.mean(errors), min(errors), max(errors)),
            ]
            text = f"| {name} ({entry['rows']:,}) | {model} | {{}} | {{}} | {{}} ({{}} to {{}}) |"
            yield Quote("docs/results/bench_text.md", text, {}, lambda _, values=values: values)
        values = [entry["fit_ratio"][part] for part in ("median", "low", "high")]
        text = f"{name}: our time of fitting is {{}} times the program's ({{}} to {{}})"
        yield Quote("docs/results/bench_text.md", text, {}, lambda _, values=values: values)


def _power(entries: list[dict], name: str) -> float:
    x, y = (np.log([entry[key] for entry in entries]) for key in (name, "seconds"))
    return float(np.polyfit(x, y, 1)[0])


def _interval(ratio: dict) -> list[float]:
    return [ratio["median"], ratio["low"], ratio["high"]]


_PAGES = [
    *_page_lines(),
    Quote(
        "docs/results/bench_selection.md",
        "One epoch of the proxy took {} CPU seconds",
        "bench_selection.json",
        lambda r: r["training_cpu_seconds_per_epoch"],
    ),
    Quote(
        "docs/results/bench_active.md",
        "| training, 1 epoch(s) | {} | | inference on the pool | {} | | ranking | {} | "
        "| everything else of the round | {} | | once: fingerprint of X, random start, first state | {} |",
        "bench_active.json",
        lambda r: [
            r["round_cpu_seconds"][part] for part in ("training", "inference", "ranking", "rest", "start")
        ],
    ),
    Quote(
        "docs/results/bench_active.md",
        "Everything else is {} % of a round with 20 epochs, the start of the run {} % of one",
        "bench_active.json",
        lambda r: [100 * r["overhead_share"], 100 * r["start_share"]],
    ),
    Quote(
        "docs/results/bench_memory.md",
        "| the uint8 array | {} | | process with imports and the array | {} | | peak after `fit` | {} | "
        "| peak after `predict_proba` and `transform` of every row | {} |",
        "bench_memory.json",
        lambda r: list(r["megabytes"].values()),
    ),
    Quote(
        "docs/results/bench_memory.md",
        "Beyond the array: {} MB in all, {} MB of them by training and scoring",
        "bench_memory.json",
        lambda r: [
            r["megabytes"]["after_scoring"] - r["megabytes"]["data"],
            r["megabytes"]["after_scoring"] - r["megabytes"]["imports_and_data"],
        ],
    ),
    Quote(
        "docs/results/bench_training.md",
        "| bare loop, torch's batch norm and ReLU | {} | | bare loop, our `BatchNormReLU` | {} | "
        "| `ResNetClassifier.fit` | {} |",
        "bench_training.json",
        lambda r: [r["images_per_cpu_second"][side] for side in ("torch", "bare", "ours")],
    ),
    Quote(
        "docs/results/bench_vdcnn.md",
        "| bare loop, torch's layers | {} | | bare loop, our layers | {} | | `VDCNNClassifier.fit` | {} |",
        "bench_vdcnn.json",
        lambda r: [r["texts_per_cpu_second"][side] for side in ("torch", "bare", "ours")],
    ),
    *(
        Quote(
            f"docs/results/bench_{name}.md",
            text,
            f"bench_{name}.json",
            lambda r, pair=pair: _interval(r["ratios"][pair]),
        )
        for name in ("training", "vdcnn")
        for text, pair in (
            (
                "ours to those of a bare loop over the same network: {} (95 % interval {} to {}",
                "ours to bare",
            ),
            ("over torch's own layers to ours: {} (95 % interval {} to {})", "torch to ours"),
        )
    ),
    Quote(
        "docs/results/bench_text.md",
        "1,000,000 made-up reviews ({} GiB): loaded in {} s, trained on in {} s, scored in {} s of the clock, with a "
        "peak of {} GiB",
        "bench_text.json",
        lambda r: [
            r["memory"]["file_bytes"] / 2**30,
            *r["memory"]["seconds"].values(),
            r["memory"]["peak_bytes"] / 2**30,
        ],
    ),
    Quote(
        "docs/results/bench_text.md",
        "Characters of IMDB: {} MB of texts a second, {} MB of their first",
        "bench_text.json",
        lambda r: [r["encoding"]["IMDB"][part]["median"] for part in ("whole", "kept")],
    ),
    Quote(
        "docs/results/bench_k_centers.md",
        "without the {} s that the first call of a process takes",
        _K_CENTERS,
        lambda r: r["compile_seconds"],
    ),
    Quote(
        "docs/results/bench_k_centers_growth.md",
        "grow with the power {} of the rows",
        "bench_k_centers_growth.json",
        lambda r: _power(r["by_rows"], "n_rows"),
    ),
    Quote(
        "docs/results/bench_k_centers_growth.md",
        "the power {} of the centres",
        "bench_k_centers_growth.json",
        lambda r: _power(r["by_centres"], "n_centres"),
    ),
    Quote(
        "docs/results/bench_fast_recipe.md",
        "Whole trainings on the same rows: {} of the paper's recipe",
        _FAST,
        lambda r: r["cost"]["whole_ratio"],
    ),
    Quote(
        "docs/results/bench_fast_recipe.md",
        "One epoch: {} [{}, {}] of ResNet20's",
        _FAST,
        lambda r: _interval(r["cost"]["epoch_ratio"]),
    ),
    Quote(
        "docs/results/bench_fast_recipe.md",
        "| paper: ResNet20 | 181 | {} | {} (its epoch times 181) | | fast | 24 | {} | {} (measured, 50,000 rows) |",
        _FAST,
        lambda r: [
            r["cost"]["seconds_per_row_and_epoch"]["resnet20"]["median"] * 50_000,
            r["cost"]["seconds_per_row_and_epoch"]["resnet20"]["median"] * 50_000 * 181,
            r["cost"]["seconds_per_row_and_epoch"]["fast"]["median"] * 50_000,
            r["accuracy"][0]["cpu_seconds"],
        ],
    ),
    Quote(
        "docs/results/bench_fast_recipe.md",
        "| fast | 50,000 | 24 | 0 | {} | {} | {} |",
        _FAST,
        lambda r: [_fast_error(r), r["accuracy"][0]["cpu_seconds"], r["accuracy"][0]["seconds"]],
    ),
    *(
        Quote(
            "docs/results/bench_fast_recipe.md",
            text,
            _FAST,
            lambda r, place=place: [r["agreement"][place][name] for name in ("entropy", "forgetting_events")],
        )
        for place, text in enumerate(
            ("| fast, 24 epochs | 1 | {} | {} |", "| ResNet20, 20 epochs | 1 | {} | {} |")
        )
    ),
    *(
        Quote(
            "docs/results/bench_text_selection.md",
            f"| {label} | 1 | {{}} | {{}} x | {{}} | -{{}} |",
            "bench_text_selection.json",
            lambda r, name=name: [
                r["choosers"][name]["cpu_seconds"][0],
                r["choosers"][name]["factor"][0],
                100 * r["choosers"][name]["test_error"][0],
                -r["choosers"][name]["agreement"][0],
            ],
        )
        for label, name in (("fastText", "fasttext"), ("bag of n-grams", "bag-of-ngrams"))
    ),
    Quote(
        "docs/results/bench_text_selection.md",
        "| VDCNN29 | 1 | {} | | {} |",
        "bench_text_selection.json",
        lambda r: [
            r["choosers"]["vdcnn29"]["cpu_seconds"][0],
            100 * r["choosers"]["vdcnn29"]["test_error"][0],
        ],
    ),
    Quote(
        "docs/results/bench_text_selection.md",
        "An epoch of VDCNN29 over the 5,000 texts takes {} CPU seconds",
        "bench_text_selection.json",
        lambda r: r["epoch_cpu_seconds"],
    ),
]

_QUOTES = [*_SENTENCES, *_CORESET, *_ACTIVE, *_PAGES]


@pytest.mark.parametrize("quote", _QUOTES, ids=[f"{quote.page}: {quote.text[:50]}" for quote in _QUOTES])
def test_a_quoted_figure_is_the_recorded_one(quote):
    _check(quote, _read_page(quote.page))


@pytest.mark.parametrize("quote", _QUOTES, ids=[f"{quote.page}: {quote.text[:50]}" for quote in _QUOTES])
def test_another_figure_is_noticed(quote):
    if "{}" not in quote.text:
        with pytest.raises(AssertionError, match="not so"):
            _check(quote._replace(values=lambda _: False), _read_page(quote.page))
        return
    values = quote.values(_read_record(quote.record) if isinstance(quote.record, str) else quote.record)
    values = list(values) if isinstance(values, list | tuple) else [values]
    for place in range(len(values)):
        # By a tenth, or from nothing to something: more than any rounding hides.
        wrong = [value * 1.1 + 1 if other == place else value for other, value in enumerate(values)]
        with pytest.raises(AssertionError, match=re.escape(quote.page)):
            _check(quote._replace(values=lambda _, wrong=wrong: wrong), _read_page(quote.page))


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("bench_k_centers", lambda module, record: module.table(record["cases"])),
        ("bench_strategies", lambda module, record: module.lines_of(record)),
        ("bench_auto", lambda module, record: module.lines_of(record)),
        ("bench_label_issues", lambda module, record: module.lines_of(record)),
        ("bench_agreement", lambda module, record: module.lines_of(record)),
        ("bench_auto_unseen", lambda module, record: module.lines_of(record)),
        ("bench_frozen_features", lambda module, record: module.lines_of(record)),
        ("bench_pilot_transfer", lambda module, record: module.lines_of(record)),
        ("bench_pilot", lambda module, record: module.lines_of(record, module.by_cell(record))),
        ("bench_cuda", lambda module, record: module.lines_of(record["figures"])),
    ],
)
def test_a_page_is_what_its_benchmark_writes_of_the_record(name, lines):
    page = (_RESULTS / f"{name}.md").read_text(encoding="utf-8").splitlines()
    missing = [line for line in lines(_benchmark(name), _read_record(f"{name}.json")) if line not in page]
    assert missing == []
