"""The record over its visits: what is drawn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from toy_proxies import blobs

from sksvp import ProxyCoresetSampler, ProxyCoresetSelector
from sksvp.plotting import DataMapDisplay, TrainingRecordDisplay
from sksvp.strategies import TrainingRecord

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
    return TrainingRecord.from_probabilities(rng.dirichlet(np.ones(3), size=(8, 31)), rng.randint(3, size=31))


@pytest.fixture(scope="module")
def selector():
    X, y = blobs(60)
    return ProxyCoresetSelector(
        MLPClassifier((4,)), strategy="stratified", subset_size=20, random_state=0
    ).fit(X, y)


@pytest.mark.parametrize("measure", ["probability", "loss", "margin"])
def test_the_line_is_the_median_and_the_bands_hold_their_shares(record, measure):
    display = TrainingRecordDisplay.from_record(record, measure=measure, bands=(0.5, 0.9))
    values = record.require("margin" if measure == "margin" else "loss")
    values = np.exp(-values) if measure == "probability" else values
    line = display.lines_["all"]
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 9))
    # The median of an odd number of rows is a value of a row.
    np.testing.assert_allclose(line.get_ydata(), np.median(values, axis=1))
    wide, narrow = (band.get_paths()[0].vertices[:, 1] for band in display.bands_["all"])
    for edges, share in ((wide, 0.9), (narrow, 0.5)):
        levels = [(1 - share) / 2, (1 + share) / 2]
        low, high = np.quantile(values, levels, axis=1, method="inverted_cdf")
        assert edges.min() == pytest.approx(low.min())
        assert edges.max() == pytest.approx(high.max())
    assert measure in display.ax_.get_ylabel()
    assert display.figure_ is display.ax_.figure


def test_each_group_has_a_line(record):
    groups = np.array(["suspect", *["other"] * 30])
    display = TrainingRecordDisplay.from_record(record, groups=groups, measure="loss")
    assert list(display.lines_) == ["other", "suspect"]
    np.testing.assert_allclose(display.lines_["suspect"].get_ydata(), record.require("loss")[:, 0])
    assert display.lines_["suspect"].get_label() == "suspect (1 rows)"
    colours = {line.get_color() for line in display.lines_.values()}
    assert len(colours) == 2


@pytest.mark.parametrize("n_groups", [3, 8, 31])
def test_many_groups_have_colours_of_their_own_and_no_bands(record, n_groups):
    display = TrainingRecordDisplay.from_record(record, groups=np.arange(31) % n_groups)
    assert list(display.lines_) == list(range(n_groups))
    assert len({tuple(np.ravel(line.get_color())) for line in display.lines_.values()}) == n_groups
    assert all(len(bands) == (n_groups == 3) for bands in display.bands_.values())


def test_single_rows_are_drawn_and_named(record):
    axes = matplotlib.figure.Figure().subplots()
    display = TrainingRecordDisplay(record, measure="margin").plot(axes, rows=[5, 2, 5])
    assert display.ax_ is axes
    assert list(display.row_lines_) == [5, 2]
    np.testing.assert_allclose(display.row_lines_[2].get_ydata(), record.require("margin")[:, 2])
    assert sorted(text.get_text() for text in axes.texts) == ["2", "5"]


def test_names_of_rows_that_end_alike_do_not_overlap():
    record = TrainingRecord.from_losses(np.full((3, 5), 0.5))
    display = TrainingRecordDisplay.from_record(record, rows=range(5))
    places = sorted(text.xy[1] for text in display.ax_.texts)
    low, high = display.ax_.get_ylim()
    assert min(np.diff(places)) > 0.03 * (high - low)


def test_one_visit_and_infinite_losses():
    record = TrainingRecord.from_losses([[0.5, np.inf, 0.1]])
    display = TrainingRecordDisplay.from_record(record)
    np.testing.assert_allclose(display.lines_["all"].get_ydata(), [np.exp(-0.5)])
    assert display.lines_["all"].get_marker() == "o"
    assert TrainingRecordDisplay.from_record(record, measure="loss").lines_["all"].get_ydata() == [0.5]


def test_the_rows_that_a_selector_chose(selector):
    display = TrainingRecordDisplay.from_selector(selector, measure="loss")
    assert list(display.lines_) == ["chosen", "left out"]
    losses = selector.record_.require("loss")[:, selector.indices_]
    expected = np.quantile(losses.astype(np.float64), 0.5, axis=1, method="inverted_cdf")
    np.testing.assert_allclose(display.lines_["chosen"].get_ydata(), expected)
    by_class = TrainingRecordDisplay.from_selector(selector, groups=blobs(60)[1])
    assert list(by_class.lines_) == [0, 1, 2]


def test_the_map_of_a_selector_tells_what_it_left_out(selector):
    display = DataMapDisplay.from_selector(selector)
    assert len(display.points_.get_offsets()) == 20
    assert len(display.left_out_.get_offsets()) == 40
    assert display.table["kept"].sum() == 20
    assert DataMapDisplay.from_record(selector.record_).left_out_ is None


def test_a_sampler_has_a_map_too():
    X, y = blobs(60)
    sampler = ProxyCoresetSampler(MLPClassifier((4,)), strategy="aum", subset_size=20, random_state=0)
    sampler.fit_resample(X, y)
    assert len(DataMapDisplay.from_selector(sampler).points_.get_offsets()) == 20


@pytest.mark.parametrize("display", [DataMapDisplay, TrainingRecordDisplay])
def test_trainings_without_a_record_are_refused(display):
    selector = ProxyCoresetSelector(LogisticRegression(), strategy="entropy").fit(*blobs(60))
    with pytest.raises(ValueError, match=r"LogisticRegression\(\) kept no training record"):
        display.from_selector(selector)
    with pytest.raises(TypeError, match="record must be a TrainingRecord"):
        display.from_record(selector.record_)
    with pytest.raises(ValueError, match="selector"):
        display.from_selector(LogisticRegression())


def test_bad_arguments_are_named(record):
    for groups, message in (
        (["a"], r"groups must have the shape \(31,\)"),
        (np.arange(31.0) * np.nan, "groups must not be missing, as of row 0"),
    ):
        with pytest.raises(ValueError, match=message):
            TrainingRecordDisplay(record, groups=groups)
    large = TrainingRecord.from_losses(np.ones((2, 50)))
    with pytest.raises(ValueError, match="groups must be at most 40, got 50"):
        TrainingRecordDisplay(large, groups=np.arange(50))
    with pytest.raises(ValueError, match="channel margin"):
        TrainingRecordDisplay(large, measure="margin")
    with pytest.raises(ValueError, match="measure"):
        TrainingRecordDisplay(large, measure="accuracy")
    display = TrainingRecordDisplay(large)
    with pytest.raises(ValueError, match=r"rows must lie in 0 \.\. 49"):
        display.plot(rows=[50])
    with pytest.raises(ValueError, match="rows must be at most 20 rows, got 21"):
        display.plot(rows=np.arange(21))
    with pytest.raises(ValueError, match="bands"):
        display.plot(bands=(1.5,))
