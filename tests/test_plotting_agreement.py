"""Figures of agreement: what is drawn."""

import numpy as np
import pandas as pd
import pytest

from sksvp.agreement import agreement_by_epoch, agreement_matrix, overlap
from sksvp.plotting import AgreementByEpochDisplay, AgreementMatrixDisplay, OverlapDisplay
from sksvp.strategies import TrainingRecord

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("matplotlib.pyplot")
matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture
def runs():
    rng = np.random.RandomState(0)
    truth = rng.randn(100)
    return {name: truth + noise * rng.randn(3, 100) for name, noise in (("resnet_8", 1.0), ("large", 0.3))}


@pytest.fixture
def records():
    rng = np.random.RandomState(0)
    shift = rng.randn(40)
    return [
        TrainingRecord(rng.rand(6, 40), margin=shift + rng.randn(6, 40) / np.arange(1, 7)[:, None])
        for _ in "ab"
    ]


def test_cells_have_their_numbers_and_the_diagonal_a_frame(runs):
    runs["once"] = runs["large"][0]
    display = AgreementMatrixDisplay.from_runs(runs, method="kendall")
    expected = agreement_matrix(runs, method="kendall")
    np.testing.assert_allclose(display.image_.get_array().filled(np.nan), expected)
    assert display.texts_[0, 1].get_text() == f"{expected.iloc[0, 1]:.2f}"
    # One run does not agree with another of its model.
    assert display.texts_[2, 2] is None
    assert len(display.ax_.patches) == 3
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["resnet 8", "large", "once"]
    assert len(display.figure_.axes) == 2
    assert len(AgreementMatrixDisplay(expected).plot(colorbar=False).figure_.axes) == 1


def test_negative_correlations_are_on_the_scale():
    matrix = pd.DataFrame([[0.9, -0.7], [-0.7, 0.8]], ["a", "b"], ["a", "b"])
    assert AgreementMatrixDisplay(matrix).plot().image_.get_clim() == (-0.7, 1.0)


def test_overlap_beside_chance(runs):
    a, b = runs["resnet_8"][0], runs["large"][0]
    display = OverlapDisplay.from_scores(a, b, shares=[0.5, 0.1])
    table = overlap(a, b, shares=[0.1, 0.5])
    np.testing.assert_allclose(display.lines_["overlap"].get_xdata(), [10, 50])
    np.testing.assert_allclose(display.lines_["overlap"].get_ydata(), 100 * table["overlap"])
    np.testing.assert_allclose(display.lines_["chance"].get_ydata(), [10, 50])
    edges = display.chance_band_.get_paths()[0].vertices[:, 1]
    assert edges.max() == pytest.approx(50 + 200 * table["chance_std"].iloc[1])
    assert len(OverlapDisplay.from_scores(a, b).lines_["overlap"].get_xdata()) == 19


def test_overlaps_of_runs_of_one_model(runs):
    table = overlap(runs["large"][0], runs["large"][1]).assign(proxy_overlap=0.8, target_overlap=np.nan)
    display = OverlapDisplay(table).plot()
    assert list(display.lines_) == ["overlap", "proxy_overlap", "chance"]
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["proxy and target", "two runs of the proxy", "random choices"]


def test_correlation_against_the_epoch(records):
    display = AgreementByEpochDisplay.from_records(*records, "aum", epochs=[1, 3, 6], ceiling=0.9)
    expected = agreement_by_epoch(*records, "aum", epochs=[1, 3, 6])
    np.testing.assert_array_equal(display.lines_[""].get_xdata(), [1, 3, 6])
    np.testing.assert_allclose(display.lines_[""].get_ydata(), expected["correlation"])
    assert list(display.ceiling_line_.get_ydata()) == [0.9, 0.9]
    several = AgreementByEpochDisplay(
        {"itself": agreement_by_epoch(records[0], records[0]), "other": expected}
    )
    assert list(several.plot().lines_) == ["itself", "other"]
    assert several.ceiling_line_ is None
    assert len(several.ax_.get_legend().get_texts()) == 2


@pytest.mark.parametrize(
    "plot",
    [
        lambda ax: AgreementMatrixDisplay(pd.DataFrame([[0.5]], ["a"], ["a"])).plot(ax),
        lambda ax: OverlapDisplay(overlap([1, 2, 3, 4], [1, 3, 2, 4], [0.5])).plot(ax),
        lambda ax: AgreementByEpochDisplay(pd.DataFrame({"epoch": [1], "correlation": [0.5]})).plot(ax),
    ],
)
def test_given_axes_are_used(plot):
    axes = matplotlib.figure.Figure().subplots()
    assert plot(axes).ax_ is axes


def test_other_tables_are_refused():
    with pytest.raises(ValueError, match="matrix must be square"):
        AgreementMatrixDisplay(pd.DataFrame([[1.0, 0.5]], ["a"], ["a", "b"]))
    with pytest.raises(ValueError, match="the columns share, overlap, chance, chance_std"):
        OverlapDisplay(pd.DataFrame({"share": [0.5]}))
    with pytest.raises(ValueError, match="the columns epoch, correlation"):
        AgreementByEpochDisplay(pd.DataFrame({"epoch": [1]}))
    with pytest.raises(TypeError, match=r"tables\['a'\] must be a DataFrame with the columns epoch"):
        AgreementByEpochDisplay({"a": pd.DataFrame({"epoch": [1]})})
    with pytest.raises(ValueError, match="tables must hold at least one table"):
        AgreementByEpochDisplay({})
    with pytest.raises(ValueError, match="ceiling"):
        AgreementByEpochDisplay(pd.DataFrame({"epoch": [1], "correlation": [0.5]})).plot(ceiling=2)
