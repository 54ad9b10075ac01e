"""The data map: what is drawn."""

import numpy as np
import pandas as pd
import pytest

from sksvp.plotting import DataMapDisplay
from sksvp.strategies import TrainingRecord, confidence, correctness, variability

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("matplotlib.pyplot")
matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture
def record():
    rng = np.random.RandomState(0)
    return TrainingRecord.from_probabilities(rng.dirichlet(np.ones(3), size=(8, 30)), rng.randint(3, size=30))


def test_each_row_is_a_point(record):
    display = DataMapDisplay.from_record(record)
    drawn = np.asarray(display.points_.get_offsets())
    expected = np.column_stack([variability(record.require("loss")), confidence(record.require("loss"))])
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(expected, axis=0))
    np.testing.assert_allclose(
        np.sort(np.asarray(display.points_.get_array())), np.sort(correctness(record.require("margin")))
    )
    assert "confidence" in display.ax_.get_ylabel()
    assert "variability" in display.ax_.get_xlabel()


def test_losses_alone_will_do(record):
    display = DataMapDisplay.from_record(TrainingRecord.from_losses(record.require("loss")))
    expected = np.mean(record.require("loss") < np.log(2), axis=0)
    np.testing.assert_allclose(display.table["correctness"], expected)


def test_large_data_are_thinned_out_alike(record):
    first, second = (DataMapDisplay.from_record(record, max_rows=7) for _ in range(2))
    assert len(first.points_.get_offsets()) == 7
    np.testing.assert_array_equal(first.points_.get_offsets(), second.points_.get_offsets())
    assert len(first.table) == 30


def test_other_things_are_refused(record):
    with pytest.raises(TypeError, match="record must be a TrainingRecord"):
        DataMapDisplay.from_record(np.ones((3, 4)))
    with pytest.raises(ValueError, match="max_rows"):
        DataMapDisplay.from_record(record, max_rows=0)
    with pytest.raises(ValueError, match="a DataFrame with the columns confidence, variability, correctness"):
        DataMapDisplay(pd.DataFrame({"confidence": [1.0], "variability": [0.0]}))
