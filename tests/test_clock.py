"""Seconds of other processes count, and count once."""

import subprocess
import sys
import time

import pytest
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression

from sksvp import ProxyCoresetSelector
from sksvp._clock import Clock, processor_seconds

# Burns 0.3 s, says so, and goes on living until it reads something.
_BURNS = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
_BELOW = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_BURNS!r}])"

lists_processes = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere only processes that were waited for count"
)


def burn(seconds):
    start = time.process_time()
    while time.process_time() < start + seconds:
        pass


def start(program):
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


class BurnsInWorkers(LogisticRegression):
    """Takes 0.3 s of the processor in each of two processes of its own, which live on."""

    def fit(self, X, y):
        Parallel(n_jobs=2)(delayed(burn)(0.3) for _ in range(2))
        return super().fit(X, y)


def test_threads_and_sleep():
    with Clock() as clock:
        time.sleep(0.2)
        burn(0.1)
    assert 0.1 <= clock.cpu < 0.2 <= clock.wall


@pytest.mark.parametrize("program", [_BURNS, _BELOW])
def test_a_process_that_has_ended_counts(program):
    with Clock() as clock:
        start(program).communicate(b"\n")
    assert 0.25 < clock.cpu < 2


@lists_processes
@pytest.mark.parametrize("program", [_BURNS, _BELOW])
def test_a_process_that_runs_counts_and_not_again_when_it_ends(program):
    with Clock() as clock:
        process = start(program)
    assert 0.25 < clock.cpu < 2
    with Clock() as clock:
        process.communicate(b"\n")
    assert 0 <= clock.cpu < 0.2


def test_what_a_process_took_before_the_block_does_not_count():
    start(_BURNS).communicate(b"\n")
    with Clock() as clock:
        subprocess.run([sys.executable, "-S", "-c", ""], check=True)
    assert clock.cpu < 0.2


@lists_processes
def test_workers_of_joblib_count_while_they_live():
    Parallel(n_jobs=2)(delayed(burn)(0) for _ in range(2))  # starts them
    selector = ProxyCoresetSelector(BurnsInWorkers(), strategy="entropy").fit(
        [[0.0], [1.0]] * 20, [0, 1] * 20
    )
    assert 0.55 < selector._cpu_timings["proxy_fit"] < 2


def test_seconds_never_fall():
    before = processor_seconds()
    for _ in range(5):
        start(_BURNS.replace("0.3", "0.0")).communicate(b"\n")
        now = processor_seconds()
        assert now >= before
        before = now
