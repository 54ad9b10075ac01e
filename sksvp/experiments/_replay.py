"""Replays: the target of one run is trained on what a former run has chosen."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from sklearn.utils._param_validation import validate_params

from .._inputs._paths import as_path
from ..active import replay_selection
from ._active import ActiveRun, finished_line, protocol_of
from ._experiment import OF_RUNS, TARGET
from ._run_folder import RunFolder, RunRecords, records_of
from ._workers import in_workers


@validate_params({**OF_RUNS, "run": [ActiveRun]}, prefer_skip_nested_validation=True)
def replay_run(
    run: ActiveRun,
    folder: RunFolder,
    former: Iterable[dict[str, Any]],
    *,
    n_jobs: int = 1,
    report: Callable[[str], None] = print,
) -> None:
    """Train the target of this run on what a former run has chosen, at each of its numbers of labels.

    Each training is kept as soon as it is finished, in a record of its own.

    Parameters
    ----------
    run : ActiveRun
        An experiment with the same pool. Only its target is trained.
    folder : RunFolder
        Where records are written.
    former : iterable of dict
        The former run, as returned by `former_run`, or some of its records.
    n_jobs : int, default=1
        Trainings that run at the same time.
    report : callable, default=print
        Called with a line about each finished training.

    Raises
    ------
    ValueError
        If `former` has no finished arm, or chose among other rows.
    """
    calls = []
    for arm in records_of("active", former):
        totals = [entry["n_labeled"] for entry in arm["history"]]
        for total in {"all": totals[1:], "last": totals[-1:]}.get(str(run.target_at), run.target_at):
            key = f"{arm['key']}_at{total}"
            if not folder.has(key):
                calls.append(partial(_replay_one, run, folder, arm, int(total), key))
    with folder.alone():
        for line in in_workers(calls, n_jobs, threads=run.threads):
            report(line)


@validate_params({"path": [str, os.PathLike], "settings": [dict]}, prefer_skip_nested_validation=True)
def former_run(path: str | os.PathLike, settings: dict[str, Any]) -> tuple[RunRecords, dict[str, Any]]:
    """Open a former run whose choice is to be replayed.

    Parameters
    ----------
    path : str or path-like
        Its folder.
    settings : dict
        Settings of the new run, which must have the same training rows.

    Returns
    -------
    records : RunRecords
        The finished arms.
    settings : dict
        Settings of the former run.

    Raises
    ------
    ValueError
        If the folder has no run of active learning, or one of other rows.
    """
    path = as_path(path, "precomputed")
    former = RunRecords(path)
    known = former.settings()
    if "rounds" not in known:
        raise ValueError(f"precomputed={str(path)!r} is not a run of active learning.")
    if known.get("precomputed") is not None:
        raise ValueError(
            f"precomputed={str(path)!r} is a replay itself: take {known['precomputed']}, which chose the rows."
        )
    if known.get("train_rows") != settings.get("train_rows"):
        raise ValueError(
            f"precomputed={str(path)!r} chose among other rows: train_rows={known.get('train_rows')!r} there, "
            f"{settings.get('train_rows')!r} here."
        )
    # The digests of the training rows come first. The test rows had no part in the choice.
    digests = [str(found.get("content of the data")).split("-")[:2] for found in (known, settings)]
    if digests[0] != digests[1]:
        raise ValueError(f"precomputed={str(path)!r} chose among other rows than there are here.")
    return former, known


def former_arms(
    former: RunRecords,
    *,
    strategies: Sequence[str] | None = None,
    baselines: Sequence[str] | None = None,
    n_seeds: int | None = None,
) -> list[dict[str, Any]]:
    """Return the arms of a former run that are to be replayed.

    Parameters
    ----------
    former : RunRecords
        As returned by `former_run`.
    strategies : list of str, optional
        Names of strategies; None means all.
    baselines : list of {"random", "target"}, optional
        What to compare with; None means both.
    n_seeds : int, optional
        Only the seeds below it; None means all.

    Returns
    -------
    list of dict
        Records of finished arms.

    Raises
    ------
    ValueError
        If the former run has no finished arm, or lacks one that is asked for.
    """
    arms = list(former)
    if not arms:
        raise ValueError(f"precomputed={str(former.path)!r} holds no finished selection of active learning.")
    choosers = {arm["chooser"] or "random" for arm in arms}
    for name, wanted, there in (
        ("strategy=", strategies, {arm["strategy"] for arm in arms}),
        ("baseline=", baselines, choosers & {"random", TARGET}),
        ("seed ", None if n_seeds is None else range(n_seeds), {arm["seed"] for arm in arms}),
    ):
        missing = [] if wanted is None else [value for value in wanted if value not in there]
        if missing:
            found = ", ".join(map(str, sorted(there))) or "none"
            raise ValueError(f"precomputed={str(former.path)!r} has no {name}{missing[0]}; there: {found}.")
    chosen = [
        arm
        for arm in arms
        if (n_seeds is None or arm["seed"] < n_seeds) and _is_wanted(arm, strategies, baselines)
    ]
    if not chosen:
        raise ValueError(f"precomputed={str(former.path)!r} has only baselines: name one to replay.")
    return chosen


def _is_wanted(
    arm: dict[str, Any], strategies: Sequence[str] | None, baselines: Sequence[str] | None
) -> bool:
    if arm["chooser"] is None:
        return baselines is None or "random" in (*baselines, *(strategies or ()))
    if strategies is not None and arm["strategy"] not in strategies:
        return False
    return arm["chooser"] != TARGET or baselines is None or TARGET in baselines


def _replay_one(run: ActiveRun, folder: RunFolder, arm: dict[str, Any], total: int, key: str) -> str:
    history = replay_selection(
        arm["history"],
        run.prepared(run.target, folder, key),
        run.X_train,
        run.y_train,
        target_at=[total],
        X_val=run.X_test,
        y_val=run.y_test,
        n_updates=run.n_updates,
        random_state=arm["seed"],
    )
    trained = [entry for entry in history if entry["n_labeled"] == total]
    folder.add(key, {**arm, **protocol_of(run), "stop": None, "history": trained})
    return finished_line(arm["name"], arm["seed"], trained)
