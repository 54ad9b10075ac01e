"""The container of what a proxy says of each row."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from sksvp.strategies import Evidence, least_confidence


def test_parts_of_different_length_are_refused():
    with pytest.raises(ValueError, match="different lengths: y 3, features 4"):
        Evidence(y=[0, 1, 2], features=np.ones((4, 2)))


def test_n_rows_must_agree_with_the_parts():
    with pytest.raises(ValueError, match="y 3, n_rows 4"):
        Evidence(y=[0, 1, 2], n_rows=4)


def test_no_part_at_all_is_refused():
    with pytest.raises(ValueError, match="Evidence needs y, logits"):
        Evidence()


def test_n_rows_and_kinds():
    evidence = Evidence(y=["a", "b"], logits=np.zeros((2, 3)), features=np.zeros((2, 5)))
    assert evidence.n_rows == 2
    assert evidence.kinds == ("probabilities", "features")
    assert Evidence(forgetting_events=[0.0]).kinds == ("forgetting_events",)
    assert Evidence(probabilities=[[0.5, 0.5]]).kinds == ("probabilities",)


def test_require_lists_what_is_there():
    with pytest.raises(
        ValueError, match="needs features; this evidence has probabilities, forgetting_events"
    ):
        Evidence(probabilities=[[0.5, 0.5]], forgetting_events=[1]).require("features")


def test_logits_go_before_probabilities_and_come_as_logs_in_blocks():
    logits = np.random.default_rng(0).normal(size=(30_000, 7)).astype(np.float32)
    seen = []

    def record(block, *, log):
        assert log and block.dtype == np.float64
        assert block.size <= 65_536
        seen.append(block)
        return block[:, 0]

    scores = Evidence(logits=logits, probabilities=softmax(logits, axis=1)).score_rows(record)
    expected = log_softmax(logits.astype(np.float64), axis=1)
    assert len(seen) > 1
    np.testing.assert_allclose(np.concatenate(seen), expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(scores, expected[:, 0], rtol=1e-13, atol=1e-15)


def test_probabilities_come_as_they_are():
    probabilities = softmax(np.random.default_rng(0).normal(size=(20_000, 5)), axis=1)

    def record(block, *, log):
        assert not log
        return block[:, 1]

    np.testing.assert_array_equal(
        Evidence(probabilities=probabilities).score_rows(record), probabilities[:, 1]
    )


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_only_some_rows(kind):
    probabilities = softmax(np.random.default_rng(0).normal(size=(40_000, 3)), axis=1)
    evidence = Evidence(**{kind: np.log(probabilities) if kind == "logits" else probabilities})
    rows = np.random.default_rng(1).permutation(40_000)[:30_000]
    np.testing.assert_array_equal(
        evidence.score_rows(least_confidence, rows=rows), evidence.score_rows(least_confidence)[rows]
    )


def test_more_classes_than_a_block_has_values():
    logits = np.random.default_rng(0).normal(size=(3, 70_000))
    scores = Evidence(logits=logits).score_rows(least_confidence)
    np.testing.assert_allclose(scores, 1 - softmax(logits, axis=1).max(axis=1), rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_refused(bad):
    logits = np.zeros((4, 3), dtype=np.float32)
    logits[2, 1] = bad
    with pytest.raises(ValueError, match="logits must be finite"):
        Evidence(logits=logits).score_rows(least_confidence)


def test_a_logit_of_minus_infinity_is_a_class_ruled_out():
    scores = Evidence(logits=[[0.0, -np.inf, 0.0]]).score_rows(least_confidence)
    np.testing.assert_allclose(scores, 0.5)


def test_a_row_without_any_possible_class_is_refused():
    with pytest.raises(ValueError, match="logits must be finite"):
        Evidence(logits=[[-np.inf, -np.inf]]).score_rows(least_confidence)


@pytest.mark.parametrize(
    ("logits", "error", "message"),
    [
        (np.zeros(3), ValueError, "logits must have the shape"),
        (np.zeros((3, 1)), ValueError, "at least two classes"),
        ([["a", "b"]], TypeError, "logits must be real numbers"),
    ],
)
def test_logits_of_another_form_are_refused(logits, error, message):
    with pytest.raises(error, match=message):
        Evidence(logits=logits).score_rows(least_confidence)


def test_classes_name_the_columns():
    evidence = Evidence(logits=np.zeros((2, 3)), classes=["a", "b", "c"], forgetting_events=[0.0, 1.0])
    assert evidence.classes.tolist() == ["a", "b", "c"]
    assert list(evidence.parts) == ["logits", "forgetting_events"]
    with pytest.raises(ValueError, match="classes must name each column of the probabilities, got 3 classes"):
        Evidence(probabilities=np.full((2, 2), 0.5), classes=["a", "b", "c"])
