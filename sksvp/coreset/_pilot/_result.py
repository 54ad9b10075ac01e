"""What a pilot found."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ._candidates import BASELINE, LeftOut

if TYPE_CHECKING:
    import pandas as pd

# A candidate is taken where its lead is more than so many of its standard errors.
SURE = 2.0
# A judge has learned little if its error is more than this part of that of guessing the largest class.
_LITTLE_LEARNED = 0.8


@dataclass
class PilotResult:
    """What `pilot` found; printed, its verdict and its table.

    Parameters
    ----------
    names : list of str
        The candidates, class-balanced random rows first.
    errors_ : ndarray of shape (n_repeats, n_candidates)
        Share of the held-out rows that the judge got wrong, trained on the rows of
        each candidate.
    row_errors : ndarray of shape (n_candidates, n_held_out)
        The same for each held-out row, averaged over repeats.
    seconds : ndarray of shape (n_candidates,)
        Mean seconds of a choice: training of its proxy, inference and ranking.
    selectors : dict of str to selector
        Unfitted selectors, one for each candidate.
    left_out_ : list of LeftOut
        Candidates that were not tried, with the reason of each.
    judge : str
        What was trained on the chosen rows.
    n_kept : int
        Number of rows that were kept of the training rows of a repeat.
    seconds_ : float
        Seconds of the whole pilot.
    guessing : float
        Error of always guessing the largest class.
    """

    names: list[str]
    errors_: np.ndarray
    row_errors: np.ndarray
    seconds: np.ndarray
    selectors: dict[str, Any]
    left_out_: list[LeftOut]
    judge: str
    n_kept: int
    seconds_: float
    guessing: float

    @cached_property
    def table_(self) -> "pd.DataFrame":
        """One line per candidate, the lowest error first.

        `candidate`; `error`, the mean; `difference` to class-balanced random rows;
        `standard_error` of the difference; and `seconds` that choosing takes.
        """
        import pandas as pd

        table = pd.DataFrame(
            {
                "candidate": self.names,
                "error": self.errors_.mean(axis=0),
                "difference": self._differences.mean(axis=0),
                "standard_error": self._standard_errors,
                "seconds": self.seconds,
            }
        )
        return table.sort_values("error", kind="stable", ignore_index=True)

    @property
    def _differences(self) -> np.ndarray:
        """Errors less those of the baseline in the same repeat, (n_repeats, n_candidates)."""
        return self.errors_ - self.errors_[:, :1]

    @property
    def _standard_errors(self) -> np.ndarray:
        """The larger of two: by the spread of the repeats, and by that of the held-out rows.

        Few repeats may be alike by chance, and repeats on the same test rows share them.
        """
        by_repeat = self._differences.std(axis=0, ddof=1) / len(self.errors_) ** 0.5
        paired = self.row_errors - self.row_errors[:1]
        by_row = paired.std(axis=1, ddof=1) / paired.shape[1] ** 0.5
        return np.maximum(by_repeat, by_row)

    @property
    def best_name_(self) -> str:
        """Name of the candidate to take: the lowest error of those that surely lead, else class-balanced random."""
        means, errors = self._differences.mean(axis=0), self._standard_errors
        leading = np.flatnonzero(means < -SURE * errors)
        return self.names[leading[means[leading].argmin()]] if len(leading) else BASELINE

    @property
    def best_(self) -> Any:
        """A selector with the parameters to take, not yet fitted."""
        return self.selectors[self.best_name_]

    @property
    def verdict_(self) -> str:
        """What to take, and how sure that is, in plain words."""
        lines = {line["candidate"]: line for line in self.table_.to_dict("records")}
        baseline = _percent(lines[BASELINE]["error"])
        took = f"{len(self.errors_)} repeats, {len(lines) - 1} candidates"
        if self.best_name_ != BASELINE:
            best = lines[self.best_name_]
            return (
                f"Take {self.best_name_}: {_percent(best['error'])} error, {_lead(best)} less than class-balanced "
                f"random rows ({baseline}); {took}."
            )
        nearest = [
            f". The nearest, {name}, has {_lead(line)} {'less' if line['difference'] < 0 else 'more'}"
            for name, line in lines.items()
            if name != BASELINE
        ]
        return (
            f"Take class-balanced random rows ({baseline} error): no candidate is surely better"
            f"{''.join(nearest[:1])}; {took}."
        )

    def __str__(self) -> str:
        lines = [self.verdict_, f"Judged by {self.judge}, trained on {self.n_kept:,} rows."]
        if self.errors_[:, 0].mean() > _LITTLE_LEARNED * self.guessing:
            lines.append(
                f"It learned little (guessing the largest class has {_percent(self.guessing)} error), so that the "
                "outcome says little: train it longer, keep more rows, or take another target."
            )
        lines.append("")
        shown = self.table_.assign(
            error=100 * self.table_["error"],
            difference=100 * self.table_["difference"],
            standard_error=100 * self.table_["standard_error"],
        ).rename(columns={"error": "error %", "standard_error": "± (one s.e.)"})
        lines.append(shown.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
        lines += [f"left out: {out.name}: {out.reason}" for out in self.left_out_]
        return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _lead(line: dict) -> str:
    """Return how far a candidate is from the baseline, in points, and twice the standard error."""
    return f"{100 * abs(line['difference']):.1f} ± {100 * SURE * line['standard_error']:.1f} points"
