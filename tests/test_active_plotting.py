"""The figure of a curve: what is drawn, not how it looks."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from toy_proxies import blobs

from sksvp import ProxyActiveLearner
from sksvp.plotting import ActiveLearningDisplay
from sksvp.plotting._active import save_active_figure

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture
def curve():
    return pd.DataFrame(
        {
            "repeat": [0, 0, 0, 1, 1, 1],
            "n_labeled": [10, 20, 30] * 2,
            "proxy_error": [0.5, 0.4, 0.3, 0.7, 0.6, 0.5],
            "target_error": [np.nan, 0.2, 0.1, np.nan, 0.2, 0.3],
        }
    )


def test_mean_and_spread_in_percent(curve):
    display = ActiveLearningDisplay(curve).plot()
    assert sorted(display.lines_) == ["proxy", "target"]
    np.testing.assert_array_equal(display.lines_["proxy"].get_xdata(), [10, 20, 30])
    np.testing.assert_allclose(display.lines_["proxy"].get_ydata(), [60, 50, 40])
    np.testing.assert_array_equal(display.lines_["target"].get_xdata(), [20, 30])
    np.testing.assert_allclose(display.lines_["target"].get_ydata(), [20, 20])
    edges = display.bands_["target"].get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose(edges.max() - edges.min(), 2 * 100 * np.std([0.1, 0.3], ddof=1))
    assert display.figure_ is display.ax_.figure and "%" in display.ax_.get_ylabel()
    assert display.lines_["proxy"].get_linestyle() != display.lines_["target"].get_linestyle()


def test_one_repeat_has_no_spread_and_no_target_no_line(curve):
    display = ActiveLearningDisplay(curve[:3].assign(target_error=np.nan)).plot()
    assert list(display.lines_) == ["proxy"] and display.bands_ == {}


def test_several_curves(curve):
    curves = pd.concat([curve.assign(name="k_centers"), curve.assign(name="random")])
    axes = matplotlib.figure.Figure().subplots()
    display = ActiveLearningDisplay(curves).plot(axes, models="target")
    assert display.ax_ is axes
    assert list(display.lines_) == ["k centers", "random"]


def test_unknown_model(curve):
    with pytest.raises(ValueError, match="The 'models' parameter"):
        ActiveLearningDisplay(curve).plot(models=["teacher"])


def test_from_estimator():
    X, y = blobs(60)
    learner = ProxyActiveLearner(LogisticRegression(), rounds=[10], initial_size=10, random_state=0)
    display = ActiveLearningDisplay.from_estimator(learner, X[::2], y[::2], X[1::2], y[1::2], n_repeats=2)
    assert list(display.lines_) == ["proxy"] and list(display.bands_) == ["proxy"]


def test_no_line_of_a_saved_figure_leaves_its_panel(curve, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda self, path, **options: saved.append(self))
    save_active_figure(curve.assign(chooser="proxy", name="entropy by proxy"), tmp_path / "results.png")
    panels = saved[0].axes
    assert len(panels) == 2
    for panel in panels:
        low, high = panel.get_ylim()
        assert low == 0
        # The proxy's largest mean error is 60 %, far above the target's.
        assert high > 60
