"""The trainings of a pilot, repeat by repeat."""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import _check_method_params

from ..._inputs._containers import take_rows
from ..._seeds import draw_seeds
from ...proxies import as_proxy
from ...strategies import Evidence, choose, fill_quotas, resolve_strategy
from ._budget import Budget, Costs
from ._candidates import BASELINE, Candidate, LeftOut
from ._judges import Judge
from ._listening import listen
from ._result import PilotResult
from ._splits import Split, splits_of

# Rows of the trainings that tell what a whole one costs.
_PROBED_ROWS = 1000


@dataclass
class PilotRun:
    """A pilot: selectors and candidates, what judges them, and what it may cost.

    Parameters
    ----------
    selectors : dict of str to selector
        One for each proxy, not fitted.
    candidates : list of Candidate
        The baseline first.
    left_out : list of LeftOut
        Candidates that are not tried; more are added.
    judge : Judge
    n_repeats : int
    budget : float or None
        Seconds.
    seed : int
    fit_params : dict
        Parameters of the selectors' `fit`.
    verbose : int
    """

    selectors: Mapping[str, Any]
    candidates: list[Candidate]
    left_out: list[LeftOut]
    judge: Judge
    n_repeats: int
    budget: float | None
    seed: int
    fit_params: dict
    verbose: int = 0

    def run(self, X: Any, y: np.ndarray, test: tuple[Any, np.ndarray] | None, share: float) -> PilotResult:
        """Try all candidates that the budget allows on held-out rows.

        Parameters
        ----------
        X, y : rows and labels
        test : tuple of rows and labels, or None
            Held-out rows; None holds out a fifth of X in turns.
        share : float
            Share of the training rows that are kept.
        """
        from tqdm.auto import tqdm

        start = time.perf_counter()
        budget, self._fitted = Budget(self.budget), X
        n_training = len(y) if test is not None else len(y) * 4 // 5
        self._n_kept = max(round(share * n_training), 1)
        if self.budget is not None:
            self._fit_to(budget, self._probe(X, y, n_training), self.n_repeats)
        n_held_out = len(y) if test is None else len(test[1])
        sums = {candidate.name: np.zeros(n_held_out) for candidate in self.candidates}
        counts = np.zeros(n_held_out)
        errors: list[dict[str, float]] = []
        seconds: dict[str, list[float]] = {name: [] for name in sums}
        seeds = draw_seeds(self.seed, self.n_repeats)
        splits = splits_of(X, y, test, self.n_repeats, self.seed)
        bar = tqdm(
            zip(splits, seeds, strict=True), total=self.n_repeats, desc="pilot", disable=not self.verbose
        )
        for split, seed in bar:
            if len(errors) == self.n_repeats:
                break
            costs, wrong = self._repeat(split, seed, seconds)
            errors.append({name: float(of_rows.mean()) for name, of_rows in wrong.items()})
            for name, of_rows in wrong.items():
                sums[name][split.numbers] += of_rows
            counts[split.numbers] += 1
            if len(errors) == 1 and self.budget is not None:
                self._fit_to(budget, costs, self.n_repeats, errors[0])
        bar.close()
        names = [candidate.name for candidate in self.candidates]
        seen = counts > 0
        return PilotResult(
            names=names,
            errors_=np.array([[of_repeat[name] for name in names] for of_repeat in errors]),
            row_errors=np.array([sums[name][seen] / counts[seen] for name in names]),
            seconds=np.array([np.mean(seconds[name]) for name in names]),
            selectors={candidate.name: self._selector(candidate) for candidate in self.candidates},
            left_out_=self.left_out,
            judge=str(self.judge),
            n_kept=self._n_kept,
            seconds_=time.perf_counter() - start,
            guessing=1.0 - float(np.unique(y, return_counts=True)[1].max()) / len(y),
        )

    def _selector(self, candidate: Candidate) -> Any:
        selector = clone(self.selectors[candidate.proxy or next(iter(self.selectors))])
        return selector.set_params(strategy=candidate.strategy, class_balanced=candidate.class_balanced)

    # One repeat ---------------------------------------------------------------------------------

    def _repeat(
        self, split: Split, seed: int, seconds: dict[str, list[float]]
    ) -> tuple[Costs, dict[str, np.ndarray]]:
        """Return what a repeat costs, and how often each held-out row is wrong by the name of the candidate."""
        start = time.perf_counter()
        told = {
            name: self._listen(name, split.X, split.y, split.training, seed) for name in self._used_proxies()
        }
        by_labels = Evidence(y=split.y)
        seeds = draw_seeds(seed, self.judge.n_seeds)
        costs = Costs(time.perf_counter() - start, 0.0)
        chosen: dict[str, list[np.ndarray]] = {}
        for candidate in self.candidates:
            evidence, of_proxy = told[candidate.proxy] if candidate.proxy else (by_labels, 0.0)
            start = time.perf_counter()
            try:
                chosen[candidate.name] = self._choose(candidate, evidence, seeds)
            except ValueError as reason:
                if candidate.name == BASELINE:
                    raise
                self.left_out.append(LeftOut(candidate.name, str(reason)))
                continue
            costs.choosing[candidate.name] = time.perf_counter() - start
            seconds[candidate.name].append(of_proxy + costs.choosing[candidate.name] / len(seeds))
        self.candidates = [candidate for candidate in self.candidates if candidate.name in chosen]
        start = time.perf_counter()
        sets = [rows for of_candidate in chosen.values() for rows in of_candidate]
        with warnings.catch_warnings():
            # Of trainings that end before they converge, as all targets' do alike.
            warnings.simplefilter("ignore", UserWarning)
            wrong = self.judge.wrong(split.X, split.y, sets, seeds * len(chosen), split.X_test, split.y_test)
        costs.judging = (time.perf_counter() - start) / len(chosen)
        mean = wrong.reshape(len(chosen), len(seeds), -1).mean(axis=1)
        return costs, dict(zip(chosen, mean, strict=True))

    def _choose(self, candidate: Candidate, evidence: Evidence, seeds: list[int]) -> list[np.ndarray]:
        """Return the rows that a candidate keeps, for each seed of the judge."""
        missing = [kind for kind in candidate.strategy.requires if kind not in evidence.kinds]
        if missing:
            raise ValueError(f"the proxy gave no {' and no '.join(missing)}")
        drawn = seeds if candidate.draws else seeds[:1]
        sets = [
            choose(
                candidate.strategy,
                evidence,
                self._n_kept,
                class_balanced=candidate.class_balanced,
                random_state=seed,
            ).rows
            for seed in drawn
        ]
        return sets if candidate.draws else sets * len(seeds)

    def _used_proxies(self) -> list[str]:
        return list(dict.fromkeys(candidate.proxy for candidate in self.candidates if candidate.proxy))

    def _listen(
        self, name: str, X: Any, y: np.ndarray, rows: np.ndarray, seed: int, **params: Any
    ) -> tuple[Evidence, float]:
        """Return what a proxy says of the training rows, whose numbers in the data are `rows`."""
        selector = clone(self.selectors[name]).set_params(subset_size=1.0, **params)
        gives = as_proxy(selector.proxy).gives
        ranker = resolve_strategy("auto", gives)
        if not set(ranker.requires) <= set(gives):
            ranker = resolve_strategy("random")
        own = [candidate.strategy for candidate in self.candidates if candidate.proxy == name]
        requires = tuple(dict.fromkeys(kind for rule in [ranker, *own] for kind in rule.requires))
        fit_params = _check_method_params(self._fitted, self.fit_params, indices=rows)
        return listen(selector, X, y, requires, ranker, seed, fit_params)

    # The budget ---------------------------------------------------------------------------------

    def _probe(self, X: Any, y: np.ndarray, n_training: int) -> Costs:
        """Tell from trainings on few rows what a repeat costs."""
        order = np.random.RandomState(self.seed).permutation(len(y))
        rows = np.sort(fill_quotas(order, y, min(_PROBED_ROWS, len(y))))
        X, y = take_rows(X, rows), y[rows]
        start = time.perf_counter()
        for name in self._used_proxies():
            self._listen(name, X, y, rows, self.seed, memory=None)
        proxies = (time.perf_counter() - start) * max(n_training / len(rows), 1.0)
        return Costs(proxies, self.judge.n_seeds * self.judge.seconds(X, y, self._n_kept))

    def _fit_to(
        self, budget: Budget, costs: Costs, n_repeats: int, errors: dict[str, float] | None = None
    ) -> None:
        """Leave out repeats and candidates that the budget does not allow, the least promising first."""
        names = [candidate.name for candidate in self.candidates]
        if errors is None:
            budget.check_one_fits(costs)
        else:
            names[1:] = sorted(names[1:], key=lambda name: errors[name])
        self.n_repeats, kept = budget.plan(costs, names, n_repeats, done=0 if errors is None else 1)
        when = "before the first repeat" if errors is None else "after the first repeat"
        self.left_out += [
            LeftOut(name, f"the budget of {self.budget:g} seconds ended {when}")
            for name in names
            if name not in kept
        ]
        self.candidates = [candidate for candidate in self.candidates if candidate.name in kept]
