"""Whether a run has enough labels, by its stopping rule."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .._inputs._containers import take_rows
from ._models import Trained
from ._predictions_settled import PredictionsSettled

if TYPE_CHECKING:
    from ._run import Run


def note_change(run: "Run", part: str, trained: Trained) -> None:
    """Compare a model with the one before it, and note the change in the history.

    Parameters
    ----------
    run : Run
        Its state keeps what the model says of the sample.
    part : {"proxy", "target"}
        Which model.
    trained : Trained
        Trained on all labels so far.
    """
    rule, state = run.stop, run.state
    former = state.seen.get(part)
    if rule is None or (former is not None and tuple(former["place"]) == trained.place):
        return
    rows = rule.sample(state.n_rows, state.seeds["drawing"])
    now = {"place": list(trained.place), "n_rows": state.n_rows, **_told(rule, run, trained, rows)}
    state.seen[part] = now
    if former is None or former["n_rows"] != state.n_rows or not state.history:
        return
    state.history[-1][f"{part}_change"] = rule.change(former, now)
    state.history[-1]["settled"] = is_settled(rule, run)


def _told(rule: PredictionsSettled, run: "Run", trained: Trained, rows: np.ndarray) -> dict[str, Any]:
    """Return what a model says of the sample, as plain values."""
    if rule.measure == "expected_error":
        told = trained.proxy.gather(run.X, ("probabilities",), rows=rows)
        return {
            "codes": None,
            "expected_error": float(np.mean(1.0 - told.require("probabilities").max(axis=1))),
        }
    code_of = {label: code for code, label in enumerate(run.state.table.classes)}
    predicted = np.asarray(trained.predict(take_rows(run.X, rows))).tolist()
    # A frozen model may know classes that no row has.
    return {"codes": [code_of.get(label, -1) for label in predicted], "expected_error": None}


def proxy_is_settled(rule: PredictionsSettled, run: "Run") -> bool:
    """Tell whether the proxies of the last rounds agree."""
    return rule.is_met(_changes(run, "proxy"), rule.patience)


def is_settled(rule: PredictionsSettled, run: "Run") -> bool:
    """Tell whether proxy and target have settled."""
    return proxy_is_settled(rule, run) and (
        not run.has_own_target or rule.is_met(_changes(run, "target"), patience=1)
    )


def describe_stop(rule: PredictionsSettled, run: "Run") -> str:
    """Say in a sentence how far the rule is met."""
    changes = _changes(run, "proxy")
    if not changes:
        return "No two proxies have been compared yet."
    recent = ", ".join(f"{change:.3f}" for change in changes[-rule.patience :])
    told = f"{rule.measure} of the proxy changed by {recent} in the last rounds"
    if run.has_own_target:
        of_target = _changes(run, "target")
        told += (
            f", and of the target by {of_target[-1]:.3f}"
            if of_target
            else "; no two targets have been compared"
        )
    return f"{told}; {rule.tolerance} in {rule.patience} rounds is wanted."


def _changes(run: "Run", part: str) -> list[float]:
    """Return the changes of a model over the rounds in which it was compared."""
    changes = (entry[f"{part}_change"] for entry in run.state.history)
    return [change for change in changes if change is not None]
