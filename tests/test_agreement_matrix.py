"""Agreement between models and of a model with itself, against pairs written out."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from sksvp.agreement import agreement_matrix

rng = np.random.default_rng(0)
common = rng.normal(size=60)
SMALL, LARGE = (common + rng.normal(size=(3, 60)) for _ in range(2))


def test_off_the_diagonal_are_all_pairs_and_on_it_different_runs():
    matrix = agreement_matrix({"small": SMALL, "large": list(LARGE)})
    between = [spearmanr(a, b).statistic for a, b in product(SMALL, LARGE)]
    within = [spearmanr(a, b).statistic for a, b in combinations(SMALL, 2)]
    assert matrix.loc["small", "large"] == matrix.loc["large", "small"] == pytest.approx(np.mean(between))
    assert matrix.loc["small", "small"] == pytest.approx(np.mean(within))
    spread = agreement_matrix({"small": SMALL, "large": LARGE}, statistic="std")
    assert spread.loc["small", "large"] == pytest.approx(np.std(between, ddof=1))


def test_one_run_has_no_ceiling():
    matrix = agreement_matrix({"small": SMALL[0], "large": LARGE[:1]}, method="pearson")
    assert np.isnan(matrix.loc["small", "small"])
    assert matrix.loc["small", "large"] == pytest.approx(pearsonr(SMALL[0], LARGE[0]).statistic)
    assert agreement_matrix({"a": SMALL[0], "b": LARGE[0]}, statistic="std").isna().all(axis=None)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ({}, "at least one model"),
        ({"a": []}, r"runs\['a'\] must have the shape"),
        ({"a": [[1, 2], [1, 2, 3]]}, r"runs\['a'\]"),
        ({"a": [1, np.nan]}, r"runs\['a'\] must not hold NaN"),
        ({"a": [1, 2], "b": [1, 2, 3]}, "the same rows"),
        ([[1, 2]], "The 'runs' parameter"),
    ],
)
def test_bad_input_is_refused(runs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        agreement_matrix(runs)
