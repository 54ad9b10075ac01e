"""scikit-learn's models choose the rows that they chose before.

The record is older than the packages of today. Another CPU rounds otherwise, so rows may change places where their
scores are equal but for rounding.
"""

import json

import numpy as np
import pytest
from recorded_choices import LEARNERS, PROXIES, RECORDS, STRATEGIES, core_set, purchases

_RECORD = json.loads(RECORDS.read_text(encoding="utf-8"))
_EXACT = ("forgetting_events", "k_centers", "random")


def _parts(name):
    proxy, strategy, *balanced = name.split(" / ")
    return proxy, strategy, bool(balanced)


def test_the_record_has_every_proxy_and_strategy():
    assert {_parts(name) for name in _RECORD["core_sets"]} == {
        (proxy, strategy, balanced)
        for proxy in PROXIES
        for strategy in STRATEGIES
        for balanced in (False, True)
    }
    assert {name.split(" / ")[0] for name in _RECORD["learners"]} == set(LEARNERS)


@pytest.mark.parametrize("name", [name for name, rows in _RECORD["core_sets"].items() if rows])
def test_the_same_rows_in_the_same_order(name):
    proxy, strategy, class_balanced = _parts(name)
    rows, scores = core_set(proxy, strategy, class_balanced)
    recorded = np.array(_RECORD["core_sets"][name])
    if strategy in _EXACT:
        np.testing.assert_array_equal(rows, recorded)
    assert len(np.unique(rows)) == len(recorded)
    np.testing.assert_allclose(scores[rows], scores[recorded], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", [name for name, rows in _RECORD["core_sets"].items() if rows is None])
def test_what_a_proxy_does_not_serve_is_refused(name):
    with pytest.raises(ValueError, match=" cannot give "):
        core_set(*_parts(name))


@pytest.mark.parametrize("name", _RECORD["learners"])
def test_a_learner_buys_the_same_labels(name):
    assert purchases(*name.split(" / ")) == _RECORD["learners"][name]
