"""BagOfNgramsClassifier against the fastText program on the same texts, and the speed of encoding characters."""

import gc
import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from _made_up import made_up
from _report import median_interval, parser, write

from sksvp._clock import Clock
from sksvp.datasets import load_ag_news, load_imdb
from sksvp.estimators import BagOfNgramsClassifier, FastTextClassifier
from sksvp.text import encode_characters

# Rates and epochs with which both learn sets of such a size to the end; dim, n-grams and buckets are the paper's.
SETS = {
    "IMDB": (load_imdb, {"lr": 0.5, "max_epochs": 10}),
    "AG News, 4,999 rows": (load_ag_news, {"lr": 0.5, "max_epochs": 10}),
}


def seconds(work) -> tuple[float, float, object]:
    """Return seconds of the clock and of the processor, and what the work gave."""
    gc.collect()
    with Clock() as clock:
        result = work()
    return clock.wall, clock.cpu, result


def compare(X, y, X_test, y_test, params: dict, rounds: int) -> dict:
    """Train and score both in turn, with one thread and the same settings; seeds by round."""
    figures: dict = {name: {"fit": [], "score": [], "error": []} for name in ("bag of n-grams", "fastText")}
    for seed in range(rounds):
        for name, cls in (("bag of n-grams", BagOfNgramsClassifier), ("fastText", FastTextClassifier)):
            extra = {"device": "cpu"} if cls is BagOfNgramsClassifier else {}
            model = cls(**params, **extra, random_state=seed)
            figures[name]["fit"].append(seconds(lambda model=model: model.fit(X, y))[1])
            _, spent, labels = seconds(lambda model=model: model.predict(X_test))
            figures[name]["score"].append(spent)
            figures[name]["error"].append(float((labels != y_test).mean()))
    ratios = np.divide(figures["bag of n-grams"]["fit"], figures["fastText"]["fit"])
    return {"models": figures, "fit_ratio": median_interval(ratios)}


def encoding(texts: list[str], rounds: int) -> dict:
    """Megabytes of whole texts, and of what is kept of them, a second."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    kept = sum(len(text[:1014].encode()) for text in texts) / 1e6
    spent = [seconds(lambda: encode_characters(texts))[1] for _ in range(rounds)]
    return {
        "texts": size,
        "whole": median_interval(size / np.array(spent)),
        "kept": median_interval(kept / np.array(spent)),
    }


def peak_memory(rows: int) -> dict:
    """Load, train and score that many made-up reviews in a process of its own."""
    code = f"""
import json, resource, sys, tempfile, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from _made_up import made_up
from sksvp.datasets import load_text_csv
from sksvp.estimators import BagOfNgramsClassifier
texts, y = made_up(min({rows}, 20_000))
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "train.csv"
    with open(path, "w") as file:
        for k in range({rows}):
            # Each text once more with words of its own, so that n-grams go on coming.
            text = texts[k % len(texts)]
            file.write(f'"{{y[k % len(texts)] + 1}}","title {{k}}","{{text}} u{{k % 500_000}} u{{k % 333_333}}"\\n')
    size = path.stat().st_size
    times = [time.perf_counter()]
    bunch = load_text_csv(path)
times.append(time.perf_counter())
model = BagOfNgramsClassifier(device="cpu", random_state=0).fit(bunch.X_train, bunch.y_train)
times.append(time.perf_counter())
model.predict_proba(bunch.X_train)
times.append(time.perf_counter())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
spent = dict(zip(("load", "fit", "score"), (b - a for a, b in zip(times, times[1:]))))
print(json.dumps({{"rows": {rows}, "file_bytes": size, "peak_bytes": peak, "seconds": spent}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--data-dir", type=Path, help="folder with imdb_csv and ag_news_csv; made-up texts without"
    )
    options.add_argument("--rows", type=int, help="training rows of each set at most")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory-rows", type=int, default=1_000_000)
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    sets = {}
    if args.data_dir is None:
        X, y = made_up(2 * (args.rows or 5_000))
        half = len(X) // 2
        sets["made-up texts"] = (X[:half], y[:half], X[half:], y[half:], SETS["IMDB"][1])
    else:
        for name, (load, params) in SETS.items():
            bunch = load(args.data_dir)
            rows = slice(args.rows)
            sets[name] = (
                list(bunch.X_train[rows]),
                bunch.y_train[rows],
                list(bunch.X_test),
                bunch.y_test,
                params,
            )
    # Loops are compiled, and the program loaded, before the clock runs.
    compare(["a b", "c d"], np.array([0, 1]), ["a"], np.array([0]), {"max_epochs": 1}, 1)
    figures: dict = {
        name: {"rows": len(X), "settings": params, **compare(X, y, X_test, y_test, params, args.rounds)}
        for name, (X, y, X_test, y_test, params) in sets.items()
    }
    speeds = {name: encoding(X, args.rounds) for name, (X, *_) in sets.items()}
    memory = peak_memory(args.memory_rows)
    lines = [
        "# Bag of n-grams against the fastText program",
        "",
        "Both with embeddings of 10, bigrams, 10,000,000 buckets and one thread; seconds of the processor, medians "
        f"over {args.rounds} seed(s), and mean (lowest to highest) of the errors. Fitting includes reading, normal "
        "form and, for the program, the start of its process and the writing and reading of its model, 400 MB.",
        "",
        "| texts | model | fit, s | predict, s | test error, % |",
        "|---|---|---|---|---|",
    ]
    for name, figure in figures.items():
        for model, values in figure["models"].items():
            errors = 100 * np.array(values["error"])
            lines.append(
                f"| {name} ({figure['rows']:,}) | {model} | {statistics.median(values['fit']):.2f} | "
                f"{statistics.median(values['score']):.2f} | {errors.mean():.2f} "
                f"({errors.min():.2f} to {errors.max():.2f}) |"
            )
    lines += [""]
    for name, figure in figures.items():
        ratio = figure["fit_ratio"]
        lines.append(
            f"- {name}: our time of fitting is {ratio['median']:.2f} times the program's "
            f"({ratio['low']:.2f} to {ratio['high']:.2f})."
        )
    for name, speed in speeds.items():
        lines.append(
            f"- Characters of {name}: {speed['whole']['median']:.0f} MB of texts a second, "
            f"{speed['kept']['median']:.0f} MB of their first 1,014 characters."
        )
    spent = memory["seconds"]
    lines.append(
        f"- {memory['rows']:,} made-up reviews ({memory['file_bytes'] / 2**30:.2f} GiB): loaded in "
        f"{spent['load']:.0f} s, trained on in {spent['fit']:.0f} s, scored in {spent['score']:.0f} s of the clock, "
        f"with a peak of {memory['peak_bytes'] / 2**30:.2f} GiB."
    )
    write(args.out, "bench_text", {"sets": figures, "encoding": speeds, "memory": memory}, lines)


if __name__ == "__main__":
    main()
