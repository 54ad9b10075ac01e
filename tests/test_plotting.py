"""Figures: what is drawn, not how it looks."""

import numpy as np
import pandas as pd
import pytest

from sksvp.plotting import CoresetDisplay, save_run_figure

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "name": ["all rows", "entropy", "entropy", "random", "random"],
            "rows": [1000, 700, 500, 700, 500],
            "error": [2.0, 3.0, 4.0, 5.0, 6.0],
            "spread": [0.1, np.nan, np.nan, 0.3, 0.4],
            "total_cpu_seconds": [60.0, 50.0, 40.0, 30.0, 20.0],
            "total_seconds": [6.0, 5.0, 4.0, 3.0, 2.0],
        }
    )


@pytest.mark.parametrize(
    ("x", "expected"),
    [("rows", [500, 700]), ("total_cpu_seconds", [40.0, 50.0]), ("total_seconds", [4.0, 5.0])],
)
def test_curves(table, x, expected):
    display = CoresetDisplay(table).plot(x=x)
    line = display.errorbars_["entropy"].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), expected)
    np.testing.assert_array_equal(line.get_ydata(), [4.0, 3.0])
    assert display.figure_ is display.ax_.figure
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert sorted(labels) == ["all rows", "entropy", "random"]
    assert "%" in display.ax_.get_ylabel()


def test_spread_is_drawn_where_there_is_one(table):
    display = CoresetDisplay(table).plot()
    assert display.errorbars_["random"].has_yerr
    assert not display.errorbars_["entropy"].has_yerr


def test_given_axes_are_used(table):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert CoresetDisplay(table).plot(axes).ax_ is axes


def test_unknown_axis(table):
    with pytest.raises(ValueError, match="The 'x' parameter"):
        CoresetDisplay(table).plot(x="epochs")


def test_figure_file(table, tmp_path):
    save_run_figure(table, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
