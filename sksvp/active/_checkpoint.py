"""What the folder of an active learner's run holds beside its states, and what makes a run this one."""

import os
import pickle
import threading
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import joblib
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from .._storage._checkpoint import Checkpoint, read_sealed, write_sealed
from .._storage._describe import IGNORED, describe, digest, in_words
from ..proxies import as_proxy, frozen_parts

_LEARNERS = ("learner.pkl", "learner-copy.pkl")
_IGNORED_OF_LEARNER = ("oracle",)


# Who holds which folder in this process.
_HOLDERS: "WeakValueDictionary[str, LearnerCheckpoint]" = WeakValueDictionary()


class LearnerCheckpoint(Checkpoint):
    """The folder of a learner's run.

    Opening it, as `fit` and `resume` do, takes it over from a learner of the same
    thread, as when the cell of a notebook runs again. That learner can go on only
    when the folder is free again and the run is where it left it. Between threads
    and processes nobody takes over: the other may be in the middle of a step.
    """

    _in_use = "by another process, or by another learner of this one. End that process, or call that learner's close()."
    _gone_on = (
        "without this learner, which is a copy or was replaced. Reopen it with ProxyActiveLearner.resume."
    )

    _was_closed = False
    _user: tuple[int, int] | None = None

    def __init__(self, folder: Path, identity: dict):
        holder = _HOLDERS.get(str(folder.resolve()))
        # The process too: a fork has a copy of the holder, and must not let go of its parent's lock.
        if holder is not None and holder._user == _here():
            holder.close()
        super().__init__(folder, identity)

    def _take_lock(self) -> None:
        super()._take_lock()
        _HOLDERS[str(self.folder.resolve())] = self
        self._user = _here()

    def hold(self) -> None:
        """See `Checkpoint.hold`; refused after `close_for_good`."""
        if self._was_closed:
            raise ValueError(
                f"checkpoint: this learner was closed, and its run in {str(self.folder)!r} may be another's by now. "
                "Reopen it with ProxyActiveLearner.resume, or call fit again."
            )
        if self._lock is None and self._other_holds():
            raise ValueError(
                f"checkpoint: the run in {str(self.folder)!r} is in use by another learner of this process, fitted or "
                "resumed after this one or the original of this copy. Go on with that learner, or call its close()."
            )
        super().hold()
        self._user = _here()

    def _other_holds(self) -> bool:
        """Tell whether another learner of this process holds the folder."""
        holder = _HOLDERS.get(str(self.folder.resolve()))
        if holder is None or holder is self or holder._lock is None or holder._user is None:
            return False
        return holder._user[0] == os.getpid()

    def close_for_good(self) -> None:
        """Let another worker go on with the run, and refuse to."""
        self.close()
        self._was_closed = True

    def __getstate__(self) -> dict:
        # A copy is a learner of its own: that the other one was closed is nothing to it.
        return {**super().__getstate__(), "_was_closed": False, "_user": None}


def _here() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def keep_learner(checkpoint: Checkpoint, learner: BaseEstimator) -> None:
    """Write an interactive learner's parameters into its run's folder, for `resume`.

    Raises
    ------
    ValueError
        For a learner that cannot be pickled.
    """
    content = _pickle(learner)
    for name in _LEARNERS:
        write_sealed(checkpoint.folder / name, content)


def read_learner(folder: Path) -> BaseEstimator | None:
    """Return the unfitted learner of an interactive run; None where the folder is of another kind.

    Raises
    ------
    ValueError
        Where its file and the copy are damaged.
    """
    paths = [folder / name for name in _LEARNERS]
    if not any(path.exists() for path in paths):
        return None
    for path in paths:
        content = read_sealed(path)
        if content is not None:
            return pickle.loads(content)
    raise ValueError(
        f"{paths[0]} and its copy are damaged. Call fit again with the parameters, X and y of the run: that "
        "goes on with it too."
    )


def describe_run(learner: BaseEstimator, **content: Any) -> dict[str, str]:
    """Describe what makes a run: parameters and content, by name, in words that can be compared.

    Parameters
    ----------
    learner : ProxyActiveLearner
        Its parameters, those of proxy, target and strategy included; not
        `checkpoint`, `oracle`, `verbose` and `device`.
    **content : str
        Fingerprints.
    """
    described = {name: str(value) for name, value in content.items()}
    frozen = frozen_parts(learner)
    for name, value in learner.get_params(deep=True).items():
        last = name.rpartition("__")[2]
        if last in IGNORED or name in _IGNORED_OF_LEARNER or last.startswith("_"):
            continue
        described[name] = f"FrozenEstimator {digest(_learned(value))}" if name in frozen else in_words(value)
    return described


def _learned(frozen: FrozenEstimator) -> object:
    """Return what a frozen model has learned, in a form that is equal in any process."""
    classifier = as_proxy(frozen).classifier
    net = getattr(classifier, "net_", classifier)
    module = getattr(net, "module_", None)
    return joblib.hash(frozen) if module is None else describe(module)


def _pickle(learner: BaseEstimator) -> bytes:
    try:
        return pickle.dumps(learner)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"checkpoint keeps the learner's parameters in a file, and they cannot be pickled: {error}"
        ) from error
