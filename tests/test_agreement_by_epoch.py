"""Agreement after each epoch against scores of the cut record."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from sksvp.agreement import agreement_by_epoch
from sksvp.strategies import Dual, TrainingRecord, forgetting_events
from sksvp.strategies import area_under_margin as mean_margin

rng = np.random.default_rng(0)
PROBABILITIES = rng.dirichlet(np.ones(3), size=(6, 50))
Y = rng.integers(0, 3, 50)
RECORD = TrainingRecord.from_probabilities(PROBABILITIES, Y)
OTHER = TrainingRecord.from_probabilities(rng.dirichlet(np.ones(3), size=(4, 50)), Y)


def test_is_the_correlation_of_the_first_epochs_with_the_end():
    found = agreement_by_epoch(RECORD, OTHER, "aum", epochs=[1, 4])
    margins, final = RECORD.require("margin"), mean_margin(OTHER.require("margin"))
    assert found["epoch"].tolist() == [1, 4]
    expected = [spearmanr(mean_margin(margins[:epoch]), final).statistic for epoch in (1, 4)]
    assert found["correlation"].tolist() == pytest.approx(expected)


def test_ends_at_one_with_itself_and_takes_scores():
    assert agreement_by_epoch(RECORD, RECORD, "el2n")["correlation"].iloc[-1] == pytest.approx(1.0)
    scores = rng.normal(size=50)
    assert len(agreement_by_epoch(RECORD, scores, "el2n")) == 6


def test_forgetting_events_follow_from_the_margins():
    found = agreement_by_epoch(RECORD, RECORD, "forgetting_events", epochs=[4])
    events = forgetting_events(PROBABILITIES.argmax(axis=2) == Y)
    part = forgetting_events(PROBABILITIES[:4].argmax(axis=2) == Y)
    assert found["correlation"][0] == pytest.approx(spearmanr(part, events).statistic)


@pytest.mark.filterwarnings("error")
def test_too_few_visits_have_no_correlation():
    values = agreement_by_epoch(RECORD, RECORD, Dual(window=3))["correlation"]
    assert np.isnan(values[0])
    assert not values[1:].isna().any()


@pytest.mark.parametrize(
    ("reference", "told", "message"),
    [
        (np.zeros(3), {}, "reference must have the 50 rows of record, got 3"),
        (RECORD, {"strategy": "entropy"}, "from a training record"),
        (RECORD, {"strategy": "random"}, "from a training record"),
        (RECORD, {"epochs": [7]}, r"epochs must lie in 1 .. 6, got 7"),
        (RECORD, {"epochs": []}, "The 'epochs' parameter"),
        (RECORD, {"strategy": "none"}, "Unknown strategy"),
    ],
)
def test_bad_input_is_refused(reference, told, message):
    with pytest.raises(ValueError, match=message):
        agreement_by_epoch(RECORD, reference, **told)


def test_a_record_without_the_channel_is_refused():
    with pytest.raises(ValueError, match="needs the channel margin"):
        agreement_by_epoch(TrainingRecord.from_losses(rng.random((3, 50))), np.arange(50), "aum")
