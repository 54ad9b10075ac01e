"""What the folder of an active learner's run holds beside its states, and what makes a run this one."""

import pickle
from pathlib import Path
from typing import Any

import joblib
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from .._checkpoint import Checkpoint, read_sealed, write_sealed
from .._describe import IGNORED, describe, digest, in_words
from ..evidence._proxies import classifier_of

_LEARNERS = ("learner.pkl", "learner-copy.pkl")
_IGNORED_OF_LEARNER = ("oracle",)


class LearnerCheckpoint(Checkpoint):
    """The folder of a learner's run."""

    _in_use = "by another process, or by another learner of this one. End that process, or call that learner's close()."
    _gone_on = "since this copy of the learner was made. Reopen it with ProxyActiveLearner.resume."


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
    for name, value in learner.get_params(deep=True).items():
        last = name.rpartition("__")[2]
        if last in IGNORED or name in _IGNORED_OF_LEARNER or last.startswith("_"):
            continue
        is_frozen = isinstance(value, FrozenEstimator)
        described[name] = f"FrozenEstimator {digest(_learned(value))}" if is_frozen else in_words(value)
    return described


def _learned(frozen: FrozenEstimator) -> object:
    """Return what a frozen model has learned, in a form that is equal in any process."""
    classifier = classifier_of(frozen)
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
