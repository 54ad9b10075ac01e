"""The training record and the scores that read it, against their definitions written out."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.stats import pearsonr

from sksvp.strategies import (
    EL2N,
    AreaUnderMargin,
    Dual,
    DynamicUncertainty,
    Evidence,
    GraNd,
    LossCorrelation,
    RecordChanges,
    RecordFeatureNorms,
    RecordVisits,
    Tdds,
    TrainingRecord,
    Variability,
    confidence,
    correctness,
    dual,
    dynamic_uncertainty,
    el2n,
    loss_correlation,
    tdds,
    variability,
)

N_VISITS, N_ROWS, N_CLASSES = 14, 12, 3


def softmax(logits):
    parts = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return parts / parts.sum(axis=-1, keepdims=True)


@pytest.fixture
def history():
    """Logits (visits, rows, classes) and labels of a made-up training."""
    rng = np.random.RandomState(0)
    return rng.randn(N_VISITS, N_ROWS, N_CLASSES) * 2, rng.randint(N_CLASSES, size=N_ROWS)


@pytest.fixture
def record(history):
    logits, y = history
    return TrainingRecord.from_probabilities(softmax(logits), y)


@pytest.fixture
def p_true(history):
    logits, y = history
    return softmax(logits)[:, np.arange(N_ROWS), y]


def scores_of(strategy, record, **parts):
    return strategy.rank(Evidence(training_record=record, **parts), 1, random_state=0)[1]


# The record ---------------------------------------------------------------------------------


def test_the_channels_are_what_they_are_called(history, record, p_true):
    logits, y = history
    np.testing.assert_allclose(record.require("loss"), -np.log(p_true), rtol=1e-5)
    np.testing.assert_allclose(record.require("squared"), (softmax(logits) ** 2).sum(axis=2), rtol=1e-5)
    own = logits[:, np.arange(N_ROWS), y]
    others = logits.copy()
    others[:, np.arange(N_ROWS), y] = -np.inf
    np.testing.assert_allclose(record.require("margin"), own - others.max(axis=2), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_the_recorder_keeps_what_the_record_holds(history, record, library):
    logits, y = history
    recorder = RecordVisits(N_ROWS)
    rng = np.random.RandomState(1)
    for visit in logits:
        order = rng.permutation(N_ROWS)
        for rows in np.array_split(order, 3):
            batch, labels = visit[rows], y[rows]
            if library == "torch":
                torch = pytest.importorskip("torch")
                batch, labels = torch.from_numpy(batch), torch.from_numpy(labels)
            recorder.update(rows, batch, labels)
    kept = TrainingRecord.from_array(recorder.result())
    assert list(kept.channels) == ["loss", "squared", "margin"]
    for name, values in kept.channels.items():
        np.testing.assert_allclose(values, record.require(name), rtol=2e-3, atol=1e-4)


def test_the_recorder_goes_on_from_its_state(history):
    logits, y = history
    whole, first = RecordVisits(N_ROWS), RecordVisits(N_ROWS)
    for visit in logits:
        whole.update(np.arange(N_ROWS), visit, y)
    for visit in logits[:5]:
        first.update(np.arange(N_ROWS), visit, y)
    second = RecordVisits(N_ROWS)
    second.restore(first.state())
    for visit in logits[5:]:
        second.update(np.arange(N_ROWS), visit, y)
    np.testing.assert_array_equal(second.result(), whole.result())
    fresh = RecordVisits(N_ROWS)
    fresh.restore(RecordVisits(N_ROWS).state())
    assert fresh.result().shape == (N_ROWS, 0, 3)


def test_a_visit_that_some_rows_have_not_had_is_left_out(history):
    logits, y = history
    recorder = RecordVisits(N_ROWS)
    recorder.update(np.arange(N_ROWS), logits[0], y)
    recorder.update([0, 1], logits[1, :2], y[:2])
    assert recorder.result().shape == (N_ROWS, 1, 3)


@pytest.mark.filterwarnings("error")
def test_a_sure_row_has_no_loss_and_a_masked_class_an_infinite_one():
    logits = np.array([[800.0, 0.0], [0.0, -np.inf], [-np.inf, 0.0]])
    loss, squared, margin = RecordVisits.judge(logits, np.array([0, 0, 0])).T
    assert loss.tolist() == [0.0, 0.0, np.inf]
    assert squared.tolist() == [1.0, 1.0, 1.0]
    assert margin.tolist() == [800.0, np.inf, -np.inf]


def changes_of(logits):
    """From the definition: how far the probabilities of a row moved since the visit before."""
    logs = np.log(np.maximum(softmax(logits), 1e-8))
    moved = np.abs(np.exp(logs[1:]) * (logs[1:] - logs[:-1])).sum(axis=2)
    return np.vstack([np.zeros(logits.shape[1]), moved])


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_the_change_is_that_of_all_probabilities(history, record, library):
    logits, y = history
    np.testing.assert_allclose(record.require("change"), changes_of(logits), rtol=1e-2, atol=2e-3)
    recorder = RecordChanges(N_ROWS)
    rng = np.random.RandomState(1)
    for visit in logits:
        for rows in np.array_split(rng.permutation(N_ROWS), 3):
            batch, labels = visit[rows], y[rows]
            if library == "torch":
                torch = pytest.importorskip("torch")
                batch, labels = torch.from_numpy(batch), torch.from_numpy(labels)
            recorder.update(rows, batch, labels)
    assert recorder.result().dtype == np.float16
    np.testing.assert_allclose(recorder.result().T, changes_of(logits), rtol=1e-2, atol=2e-3)
    # What is kept of the former visit alone.
    assert recorder.state()["_former"].shape == (N_ROWS, N_CLASSES)


@pytest.mark.filterwarnings("error")
def test_a_class_that_becomes_impossible_changes_by_no_more_than_a_class_of_1e_8():
    recorder = RecordChanges(1)
    for logits in ([[0.0, 0.0]], [[-np.inf, 0.0]], [[0.0, 0.0]]):
        recorder.update([0], np.array(logits), np.array([0]))
    expected = [0.0, np.log(2), 0.5 * (np.log(0.5) - np.log(1e-8)) + 0.5 * np.log(2)]
    np.testing.assert_allclose(recorder.result()[0], expected, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("kind", ["dense", "sparse", "torch"])
def test_the_feature_norm_is_the_squared_length(kind):
    features = np.random.RandomState(0).randn(N_ROWS, 5) * 200
    given = features
    if kind == "sparse":
        given = csr_matrix(features)
    elif kind == "torch":
        given = pytest.importorskip("torch").from_numpy(features)
    recorder = RecordFeatureNorms(N_ROWS)
    values = RecordFeatureNorms.judge(given, None)
    recorder.note(np.arange(N_ROWS), np.asarray(values))
    # Beyond the range of float16, which is why it is kept in float32.
    assert (features**2).sum(axis=1).max() > np.finfo(np.float16).max
    np.testing.assert_allclose(recorder.result()[:, 0], (features**2).sum(axis=1), rtol=1e-6)


def test_channels_that_were_asked_for_come_from_parts_of_the_evidence(history):
    logits, y = history
    visits, changes = RecordVisits(N_ROWS), RecordChanges(N_ROWS)
    for visit in logits:
        visits.update(np.arange(N_ROWS), visit, y)
        changes.update(np.arange(N_ROWS), visit, y)
    evidence = Evidence(training_record=visits.result(), change=changes.result())
    record = TrainingRecord.of(evidence)
    assert list(record.channels) == ["loss", "squared", "margin", "change"]
    np.testing.assert_array_equal(record.require("change"), changes.result().T)
    with pytest.raises(ValueError, match="channel feature_norm of the training record, which has loss"):
        record.require("feature_norm")


def test_a_record_is_checked_once_and_again_if_it_is_another(history):
    logits, y = history
    visits = [RecordVisits(N_ROWS), RecordVisits(N_ROWS)]
    for visit in logits:
        visits[0].update(np.arange(N_ROWS), visit, y)
        visits[1].update(np.arange(N_ROWS), -visit, y)
    evidence = Evidence(training_record=visits[0].result())
    first = TrainingRecord.of(evidence)
    assert TrainingRecord.of(evidence) is first
    evidence.training_record = visits[1].result()
    np.testing.assert_array_equal(TrainingRecord.of(evidence).require("loss"), visits[1].result()[:, :, 0].T)
    # Neither is the record of a stored evidence stored beside its parts.
    stored = len(pickle.dumps(evidence))
    assert stored == len(pickle.dumps(Evidence(training_record=visits[1].result())))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_that_are_none_are_found_in_every_type(dtype):
    losses = np.ones((3, 50), dtype=dtype)
    for value, message in ((np.nan, "NaN"), (-np.nan, "NaN"), (-1e-3, "negative, got -0.001")):
        wrong = losses.copy()
        wrong[1, 17] = value
        with pytest.raises(ValueError, match=message):
            TrainingRecord.from_losses(wrong)
    losses[0, 0], losses[1, 1] = np.inf, -0.0
    assert TrainingRecord.from_losses(losses).require("loss").dtype == dtype


@pytest.fixture
def full_record(record):
    lengths = np.random.RandomState(3).chisquare(5, size=(N_VISITS, N_ROWS)).astype(np.float32)
    return TrainingRecord(**record.channels, feature_norm=lengths)


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_a_record_comes_back_from_its_file(full_record, tmp_path, mmap_mode):
    full_record.save(tmp_path / "record.npz")
    back = TrainingRecord.load(tmp_path / "record.npz", mmap_mode=mmap_mode)
    assert list(back.channels) == list(full_record.channels) and len(back.channels) == 5
    for name, values in full_record.channels.items():
        np.testing.assert_array_equal(back.require(name), values)
        assert back.require(name).dtype == values.dtype
        in_file = isinstance(back.require(name), np.memmap) or isinstance(back.require(name).base, np.memmap)
        assert in_file == (mmap_mode == "r")
    np.testing.assert_array_equal(scores_of(Dual(), back), scores_of(Dual(), full_record))


def test_a_record_of_views_is_saved_in_their_order(history, tmp_path):
    """The recorder's array has another order in memory than the channels."""
    logits, y = history
    recorder = RecordVisits(N_ROWS)
    for visit in logits:
        recorder.update(np.arange(N_ROWS), visit, y)
    record = TrainingRecord.from_array(recorder.result())
    record.save(tmp_path / "record.npz")
    back = TrainingRecord.load(tmp_path / "record.npz", mmap_mode="r")
    for name, values in record.channels.items():
        np.testing.assert_array_equal(back.require(name), values)


def test_only_a_plain_file_is_mapped(record, tmp_path):
    path = tmp_path / "record.npz"
    np.savez_compressed(path, names=[*record.channels], **record.channels)
    with pytest.raises(ValueError, match="is compressed and cannot be mapped"):
        TrainingRecord.load(path, mmap_mode="r")
    with pytest.raises(ValueError, match="mmap_mode must be None or 'r', got 'w'"):
        TrainingRecord.load(path, mmap_mode="w")


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_a_damaged_file_is_no_record(record, tmp_path, mmap_mode):
    path = tmp_path / "record.npz"
    record.save(path)
    whole = path.read_bytes()
    rng = np.random.RandomState(0)
    for place in rng.choice(len(whole), 400, replace=False):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << rng.randint(8)
        path.write_bytes(flipped)
        try:
            back = TrainingRecord.load(path, mmap_mode=mmap_mode)
        except ValueError:
            continue
        # What is not covered by a checksum, such as a time stamp, changes nothing.
        for name, values in record.channels.items():
            np.testing.assert_array_equal(back.require(name), values)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="no training record"):
        TrainingRecord.load(path, mmap_mode=mmap_mode)


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([1.0, 2.0], "2D|1D"),
        ([[1.0, np.nan]], "NaN"),
        ([[1.0, -0.5]], "negative"),
    ],
)
def test_losses_that_are_none_are_refused(losses, message):
    with pytest.raises(ValueError, match=message):
        TrainingRecord.from_losses(losses)


@pytest.mark.parametrize("name", ["squared", "feature_norm", "change"])
def test_lengths_below_zero_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must not be negative, got -1"):
        TrainingRecord([[1.0, 2.0]], **{name: [[1.0, -1.0]]})
    with pytest.raises(ValueError, match="same shape"):
        TrainingRecord([[1.0, 2.0]], **{name: [[1.0]]})


def test_labels_that_are_no_columns_are_refused(history):
    logits, y = history
    with pytest.raises(ValueError, match="y must be columns"):
        TrainingRecord.from_probabilities(softmax(logits), y + 1)
    with pytest.raises(ValueError, match="rows"):
        TrainingRecord.from_probabilities(softmax(logits), y[:-1])


def test_losses_alone_serve_what_reads_no_more(history, p_true):
    record = TrainingRecord.from_losses(-np.log(p_true))
    np.testing.assert_allclose(scores_of(Variability(), record), p_true.std(axis=0))
    with pytest.raises(ValueError, match="channel margin"):
        scores_of(AreaUnderMargin(), record)


# Scores -------------------------------------------------------------------------------------


def test_el2n_is_the_length_of_the_error(history):
    logits, y = history
    p = softmax(logits[0])
    np.testing.assert_allclose(el2n(p, y), np.linalg.norm(p - np.eye(N_CLASSES)[y], axis=1), rtol=1e-5)


def test_el2n_of_a_training_is_the_mean_over_its_window(history, record):
    logits, y = history
    by_visit = np.stack([el2n(softmax(visit), y) for visit in logits])
    np.testing.assert_allclose(scores_of(EL2N(), record), by_visit[:10].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(scores_of(EL2N(3, 4), record), by_visit[3:7].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(scores_of(EL2N(0, 99), record), by_visit.mean(axis=0), rtol=1e-4)
    with pytest.raises(ValueError, match="first_visit=14"):
        scores_of(EL2N(14), record)


def test_grand_is_the_length_of_the_gradient(history):
    logits, y = history
    features = np.random.RandomState(2).randn(N_ROWS, 4)
    record = TrainingRecord.from_probabilities(softmax(logits[:1]), y)
    error = softmax(logits[0]) - np.eye(N_CLASSES)[y]
    gradients = np.einsum("ic,id->icd", error, np.column_stack([features, np.ones(N_ROWS)]))
    lengths = np.linalg.norm(gradients.reshape(N_ROWS, -1), axis=1)
    np.testing.assert_allclose(scores_of(GraNd(), record, features=features), lengths, rtol=1e-4)


def test_grand_of_the_visits_has_the_features_of_each(history):
    logits, y = history
    features = np.random.RandomState(2).randn(N_VISITS, N_ROWS, 4)
    record = TrainingRecord(
        **TrainingRecord.from_probabilities(softmax(logits), y).channels,
        feature_norm=(features**2).sum(axis=2),
    )
    error = softmax(logits) - np.eye(N_CLASSES)[y]
    inputs = np.concatenate([features, np.ones((N_VISITS, N_ROWS, 1))], axis=2)
    gradients = np.einsum("tic,tid->ticd", error, inputs).reshape(N_VISITS, N_ROWS, -1)
    lengths = np.linalg.norm(gradients, axis=2)
    np.testing.assert_allclose(
        scores_of(GraNd(features="visits"), record), lengths[:10].mean(axis=0), rtol=1e-4
    )
    np.testing.assert_allclose(scores_of(GraNd(2, 3, "visits"), record), lengths[2:5].mean(axis=0), rtol=1e-4)
    assert GraNd(features="visits").requires == ("training_record", "feature_norm")
    with pytest.raises(ValueError, match="'features' parameter"):
        scores_of(GraNd(features="start"), record)


def tdds_of(changes, window):
    """From the definition, window by window and row by row."""
    changes = np.asarray(changes, dtype=float)
    n_visits = len(changes)
    scores = np.zeros(changes.shape[1])
    for start in range(n_visits - window + 1):
        part = changes[start + 1 : start + window]
        for row in range(changes.shape[1]):
            length = np.linalg.norm(part[:, row] - part[:, row].mean())
            scores[row] += 0.9 * 0.1 ** (n_visits - window - start) * length
    return scores


@given(seed=st.integers(0, 1000), n_visits=st.integers(3, 14), window=st.integers(3, 14))
@settings(max_examples=30, deadline=None)
def test_tdds_is_its_definition(seed, n_visits, window):
    changes = np.random.RandomState(seed).exponential(size=(n_visits, 5))
    window = min(window, n_visits)
    np.testing.assert_allclose(tdds(changes, window=window), tdds_of(changes, window), rtol=1e-9)
    # The first visit has none before it.
    np.testing.assert_array_equal(
        tdds(np.vstack([changes[:1] * 9, changes[1:]]), window=window), tdds(changes, window=window)
    )


def test_tdds_of_a_record(history, record):
    logits, _ = history
    expected = tdds_of(changes_of(logits), 5)
    np.testing.assert_allclose(scores_of(Tdds(5), record), expected, rtol=2e-2)
    np.testing.assert_allclose(
        scores_of(Tdds(5, n_visits=8), record), tdds_of(changes_of(logits)[:8], 5), rtol=2e-2
    )
    # Rows that never move, or always by as much, have none.
    assert tdds(np.full((9, 2), 0.25), window=5).tolist() == [0.0, 0.0]
    with pytest.warns(UserWarning, match="3 visits, fewer than window=10"):
        tdds(changes_of(logits)[:3])
    with pytest.raises(ValueError, match="window must be an int of 3 or more, got 2"):
        tdds(changes_of(logits), window=2)
    with pytest.raises(ValueError, match="at least 3 visits of the training, got 2"):
        tdds(changes_of(logits)[:2])
    with pytest.raises(ValueError, match="channel change"):
        scores_of(Tdds(), TrainingRecord.from_losses(record.require("loss")))


def test_the_hardest_row_has_the_smallest_area(record):
    area = record.require("margin").astype(float).mean(axis=0)
    rows, scores = AreaUnderMargin().rank(Evidence(training_record=record), 1, random_state=0)
    np.testing.assert_allclose(scores, -area)
    assert rows[0] == area.argmin()


def test_cartography(record, p_true):
    np.testing.assert_allclose(confidence(record.require("loss")), p_true.mean(axis=0))
    np.testing.assert_allclose(variability(record.require("loss")), p_true.std(axis=0))
    np.testing.assert_allclose(
        correctness(record.require("margin")), (record.require("margin") > 0).mean(axis=0)
    )


@pytest.mark.parametrize("window", [2, 5, N_VISITS])
def test_windows_of_dynamic_uncertainty_and_dual(record, p_true, window):
    parts = [p_true[start : start + window] for start in range(N_VISITS - window + 1)]
    spreads = [part.std(axis=0, ddof=1) for part in parts]
    products = [(1 - part.mean(axis=0)) * part.std(axis=0, ddof=1) for part in parts]
    np.testing.assert_allclose(scores_of(DynamicUncertainty(window), record), np.mean(spreads, axis=0))
    np.testing.assert_allclose(scores_of(Dual(window), record), np.mean(products, axis=0))


def test_dual_reads_the_first_visits_alone(record, p_true):
    np.testing.assert_allclose(
        scores_of(Dual(window=4, n_visits=6), record), dual(-np.log(p_true[:6]), window=4)
    )


def test_a_training_shorter_than_a_window_is_one_window(p_true):
    losses = -np.log(p_true[:3])
    with pytest.warns(UserWarning, match="3 visits, fewer than window=10"):
        scores = dynamic_uncertainty(losses)
    np.testing.assert_allclose(scores, p_true[:3].std(axis=0, ddof=1))
    with pytest.raises(ValueError, match="at least 2 visits"):
        dual(losses[:1])
    with pytest.raises(ValueError, match="window"):
        dual(losses, window=1)


def test_a_probability_of_zero_is_no_missing_value():
    """Dyn-Unc's own code masks zeros; a row that is sometimes quite wrong varies the most."""
    losses = np.array([[np.inf, 0.5], [0.0, 0.5], [np.inf, 0.5], [0.0, 0.5]])
    assert dynamic_uncertainty(losses, window=4)[0] == pytest.approx(np.std([0, 1, 0, 1], ddof=1))


@given(seed=st.integers(0, 1000), n_visits=st.integers(3, 12))
@settings(max_examples=20, deadline=None)
def test_the_loss_correlation_is_pearsons(seed, n_visits):
    rng = np.random.RandomState(seed)
    losses = rng.exponential(size=(n_visits, 9))
    y = np.arange(9) % 3
    expected = [
        pearsonr(np.diff(losses[:, row]), np.diff(losses[:, y == y[row]].mean(axis=1)))[0] for row in range(9)
    ]
    np.testing.assert_allclose(loss_correlation(losses, y), expected, atol=1e-10)


def test_held_out_losses_are_the_course_of_their_class_where_there_are_any():
    rng = np.random.RandomState(0)
    losses, held_out = rng.exponential(size=(6, 4)), rng.exponential(size=(6, 2))
    scores = loss_correlation(
        losses, ["a", "a", "b", "b"], validation_losses=held_out, validation_y=["a", "a"]
    )
    own = loss_correlation(losses, ["a", "a", "b", "b"])
    np.testing.assert_allclose(scores[2:], own[2:])
    expected = pearsonr(np.diff(losses[:, 0]), np.diff(held_out.mean(axis=1)))[0]
    assert scores[0] == pytest.approx(expected)


def test_a_row_that_never_changes_correlates_with_nothing():
    losses = np.array([[1.0, 3.0], [1.0, 2.0], [1.0, 1.5]])
    assert loss_correlation(losses, [0, 0])[0] == 0.0
    assert loss_correlation(np.ones((3, 2)), [0, 0]).tolist() == [0.0, 0.0]


def test_the_loss_correlation_reads_labels(record):
    with pytest.raises(ValueError, match="needs y"):
        scores_of(LossCorrelation(), record)


def test_planted_wrong_labels_have_the_smallest_area():
    rng = np.random.RandomState(0)
    y = rng.randint(3, size=300)
    labels = y.copy()
    wrong = rng.choice(300, 20, replace=False)
    labels[wrong] = (y[wrong] + 1) % 3
    # The model learns the true classes, slowly.
    logits = [np.eye(3)[y] * strength + rng.randn(300, 3) for strength in np.linspace(0, 4, 15)]
    record = TrainingRecord.from_probabilities([softmax(visit) for visit in logits], labels)
    rows, _ = AreaUnderMargin().rank(Evidence(training_record=record), 20, random_state=0)
    assert len(set(rows[:20]) & set(wrong)) >= 19
