"""The candidates of a pilot as a figure."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import SGDClassifier

from sksvp import pilot
from sksvp.plotting import PilotDisplay

mpl.use("Agg")

TABLE = pd.DataFrame(
    [
        ["herding", 0.15, -0.08, 0.02],
        ["entropy", 0.22, -0.01, 0.02],
        ["class-balanced random", 0.23, 0.0, 0.0],
        ["el2n", 0.40, 0.17, 0.03],
    ],
    columns=["candidate", "error", "difference", "standard_error"],
)


def test_points_intervals_and_colours_are_those_of_the_table():
    display = PilotDisplay(TABLE.sample(frac=1, random_state=0)).plot()
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == TABLE["candidate"].tolist()[::-1] == list(display.bars_)
    for place, (name, row) in enumerate(TABLE.set_index("candidate").iloc[::-1].iterrows()):
        point, _, (line,) = display.bars_[name]
        assert point.get_xydata().tolist() == [[pytest.approx(100 * row["difference"]), place]]
        (low, _), (high, _) = line.get_segments()[0]
        assert high - low == pytest.approx(400 * row["standard_error"])
    colours = {name: bars[0].get_color() for name, bars in display.bars_.items()}
    assert colours["entropy"] == colours["class-balanced random"]
    assert len({colours[name] for name in ("herding", "entropy", "el2n")}) == 3


def test_the_table_of_a_pilot_on_given_axes():
    X, y = np.random.RandomState(0).normal(size=(90, 3)), np.arange(90) % 3
    found = pilot(SGDClassifier(), X, y, strategies=["herding"], subset_size=0.3, n_repeats=3, random_state=0)
    ax = mpl.figure.Figure().subplots()
    display = PilotDisplay(found.table_).plot(ax)
    assert display.ax_ is ax and set(display.bars_) == set(found.table_["candidate"])


def test_a_table_without_its_columns_is_named():
    with pytest.raises(ValueError, match="table"):
        PilotDisplay(TABLE.drop(columns="difference"))
