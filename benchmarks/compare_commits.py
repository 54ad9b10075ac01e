"""Processor seconds of two checkouts of this project, in turns, each run in a process of its own."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from _report import median_interval, ratio

# Preparation and the timed lines of each work. Public names only, so that older checkouts run them.
WORKS = {
    "import": ("", "import sksvp"),
    "bag of n-grams": (
        """
from _made_up import made_up
from sksvp.estimators import BagOfNgramsClassifier
X, y = made_up(20_000)
BagOfNgramsClassifier(max_epochs=1, device="cpu").fit(X[:20], y[:20])
""",
        'BagOfNgramsClassifier(max_epochs=5, device="cpu", random_state=0).fit(X, y)',
    ),
    "bag of words": (
        """
from _made_up import made_up
from sksvp.estimators import BagOfNgramsClassifier
X, y = made_up(20_000)
BagOfNgramsClassifier(max_epochs=1, device="cpu").fit(X[:20], y[:20])
""",
        'BagOfNgramsClassifier(word_ngrams=1, max_epochs=10, device="cpu", random_state=0).fit(X, y)',
    ),
    "ResNet8": (
        """
import numpy as np
from sksvp.estimators import ResNetClassifier
rng = np.random.RandomState(0)
X, y = rng.randint(256, size=(384, 32, 32, 3), dtype=np.uint8), rng.randint(10, size=384)
ResNetClassifier(depth=8, max_epochs=1, device="cpu").fit(X[:64], y[:64])
""",
        'ResNetClassifier(depth=8, max_epochs=3, device="cpu", random_state=0).fit(X, y)',
    ),
    "k-centers": (
        """
import numpy as np
from sksvp.strategies import k_centers
X = np.random.RandomState(0).rand(50_000, 64).astype(np.float32)
k_centers(X[:100], 10)
""",
        "k_centers(X, 1_000, random_state=0)",
    ),
}


def cpu_seconds(checkout: Path, work: str) -> float:
    """Run a work with the code of a checkout, on one thread."""
    prepare, timed = WORKS[work]
    code = f"import time\n{prepare}\nbegan = time.process_time()\n{timed}\nprint(time.process_time() - began)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent)}
    environment |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    # Python imports from the working folder first.
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, env=environment, stdout=subprocess.PIPE, check=True
    )
    return float(done.stdout)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "old", type=Path, help="checkout, for example of `git worktree add --detach old COMMIT`"
    )
    options.add_argument("new", type=Path, nargs="?", default=Path(__file__).parents[1])
    options.add_argument("--work", action="append", choices=list(WORKS), help="all without it")
    options.add_argument("--pairs", type=int, default=7)
    args = options.parse_args()
    sides = {"old": args.old, "new": args.new}
    for work in args.work or WORKS:
        for checkout in sides.values():
            cpu_seconds(checkout, work)  # leaves compiled loops in the cache
        rounds = [
            {side: cpu_seconds(checkout, work) for side, checkout in sides.items()} for _ in range(args.pairs)
        ]
        new = ratio(rounds, "new", "old")
        seconds = median_interval([times["old"] for times in rounds])["median"]
        print(
            f"{work}: {new['median']:.3f} times the old {seconds:.2f} s "
            f"({new['low']:.3f} to {new['high']:.3f}, {args.pairs} pairs)",
            flush=True,
        )


if __name__ == "__main__":
    main()
