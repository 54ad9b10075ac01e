"""Runs of active learning whose processes are killed, for test_active_kill; started as a program of its own.

``python killed_runs.py KIND FOLDER`` prints, as JSON, what an unbroken run chose and what runs chose that were killed
with SIGKILL again and again and taken up by new processes. Children are forked, so that each begins at once.
"""

import json
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from sksvp import ProxyActiveLearner

X, y = load_digits(return_X_y=True)
X, y = X[:400] / 16, y[:400]
N_FITTED = 360


def rounds(folder):
    """Run the protocol in one call of fit, which is what is called again after a kill."""
    learner = ProxyActiveLearner(
        LogisticRegression(max_iter=50),
        LogisticRegression(C=0.1, max_iter=50),
        rounds=[10, 15, 20],
        initial_size=20,
        target_at="all",
        checkpoint=folder,
        random_state=7,
    )
    learner.fit(X, y, X_val=X[:50], y_val=y[:50])
    return learner


def person(folder):
    """Query, teach in parts, extend and train targets, from wherever the run is."""
    learner = open_run(folder)
    while len(learner.labeled_rows_) < 55:
        if len(learner.labeled_rows_) == 35 and learner._run.state.n_rows == N_FITTED:
            learner.extend(X[N_FITTED:])
        rows = learner.query(10)
        learner.teach(rows[::-1][:4], y[rows[::-1][:4]])
        learner.teach(learner.waiting_, y[learner.waiting_])
    return learner.fit_target()


def open_run(folder):
    for rows in (X, X[:N_FITTED]):
        try:
            return ProxyActiveLearner.resume(folder, rows)
        except ValueError as error:
            if "in use" in str(error) or "damaged" in str(error):
                raise
    learner = ProxyActiveLearner(
        MLPClassifier((16,), max_iter=8),
        LogisticRegression(max_iter=50),
        strategy="margin",
        warm_start=True,
        checkpoint=folder,
        random_state=7,
    )
    return learner.fit(X[:N_FITTED], [label if row < 15 else None for row, label in enumerate(y[:N_FITTED])])


def outcome(learner):
    """Return what must not depend on kills: all rows in their order, and what the target learned."""
    rows = [entry["rows"].tolist() for entry in learner.history_]
    totals = [entry["n_labeled"] for entry in learner.history_]
    scores = [entry["proxy_score"] for entry in learner.history_]
    return [rows, totals, scores, np.round(learner.predict_proba(X[:20]), 12).tolist()]


def child(run, folder, arm):
    """Fork a process that runs; returns its number."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            arm()
            run(folder)
            code = 0
        finally:
            os._exit(code)
    return pid


def die_at_call(number):
    """Return what makes this process kill itself at its nth change of the file system, before or after it."""
    calls = [0]

    def dying(function):
        def call(*args, **kwargs):
            calls[0] += 1
            if calls[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **kwargs)
            calls[0] += 1
            if calls[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    def arm():
        for name in ("replace", "fsync", "unlink", "mkdir"):
            setattr(os, name, dying(getattr(os, name)))

    return arm


def was_killed(pid):
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a run failed; its error is above")
    return os.WIFSIGNALED(status)


def main(kind, folder):
    warnings.simplefilter("ignore")
    run, folder = {"rounds": rounds, "person": person}[kind], Path(folder)
    start = time.perf_counter()
    unbroken = outcome(run(folder / "unbroken"))
    seconds = time.perf_counter() - start
    broken, kills = [], 0
    # Changes of the file system, the first ones each: a run that dies there, and one that goes on.
    number, alive = 0, False
    while not alive:
        number += 1 if number < 16 else 5
        there = folder / f"call-{number}"
        alive = not was_killed(child(run, there, die_at_call(number)))
        kills += not alive
        broken.append(outcome(run(there)))
    # Runs that die at random moments, several times each.
    rng = np.random.RandomState(int.from_bytes(os.urandom(4), "big"))
    for attempt in range(3):
        there = folder / f"random-{attempt}"
        for _ in range(4):
            pid = child(run, there, lambda: None)
            time.sleep(rng.uniform(0, 0.6 * seconds))
            os.kill(pid, signal.SIGKILL)
            kills += was_killed(pid)
        broken.append(outcome(run(there)))
    print(json.dumps({"unbroken": unbroken, "broken": broken, "kills": kills}))


if __name__ == "__main__":
    main(*sys.argv[1:])
