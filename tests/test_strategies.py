"""What every strategy must do, run over all of them, and what they share."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sksvp.strategies import (
    Entropy,
    Evidence,
    ForgettingEvents,
    KCenters,
    ScoredStrategy,
    Strategy,
    rank_by_score,
    register_strategy,
    resolve_strategy,
    strategy_names,
)
from sksvp.strategies import _registry as registry

NAMES = ["entropy", "least_confidence", "margin", "forgetting_events", "k_centers", "random"]
SCORED = [name for name in NAMES if name != "k_centers"]
N_ROWS = 60


def make_evidence(n_rows=N_ROWS, seed=0):
    rng = np.random.default_rng(seed)
    return Evidence(
        y=rng.integers(0, 3, n_rows),
        logits=rng.normal(size=(n_rows, 3)).astype(np.float32),
        features=rng.normal(size=(n_rows, 5)).astype(np.float32),
        forgetting_events=np.where(rng.random(n_rows) < 0.2, np.inf, rng.integers(0, 4, n_rows)),
    )


def constant_evidence(n_rows):
    return Evidence(
        probabilities=np.full((n_rows, 2), 0.5),
        features=np.ones((n_rows, 2)),
        forgetting_events=np.zeros(n_rows),
    )


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


# The template: one strategy at a time -----------------------------------------------------------


def test_all_names_are_registered():
    assert strategy_names()[: len(NAMES)] == NAMES


def test_name_gives_a_fresh_strategy_of_that_class(name):
    strategy = resolve_strategy(name)
    assert isinstance(strategy, Strategy)
    assert resolve_strategy(name) is not strategy
    assert resolve_strategy(strategy) is strategy
    assert type(strategy).__name__.lower() == name.replace("_", "")


def test_init_only_stores_parameters(name):
    strategy = resolve_strategy(name)
    assert vars(strategy) == strategy.get_params()


@pytest.mark.parametrize("strategy", [Entropy(), ForgettingEvents(), KCenters(n_initial=2)])
def test_clone_keeps_parameters(strategy):
    copy = clone(strategy)
    assert copy is not strategy
    assert copy.get_params() == strategy.get_params()
    assert "=" in repr(copy) or not copy.get_params()


def test_pickled_strategy_ranks_alike(name):
    strategy = resolve_strategy(name)
    copy = pickle.loads(pickle.dumps(strategy))
    for mine, its in zip(
        strategy.rank(make_evidence(), 20, random_state=1),
        copy.rank(make_evidence(), 20, random_state=1),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("candidates", [None, np.arange(40)])
@pytest.mark.parametrize("initial", [None, [], [0, 7, 50]])
def test_rows_and_scores_have_the_agreed_form(name, candidates, initial):
    strategy = resolve_strategy(name)
    rows, scores = strategy.rank(make_evidence(), 20, candidates=candidates, initial=initial, random_state=0)
    allowed = set(range(N_ROWS) if candidates is None else candidates.tolist()) - set(initial or [])
    assert rows.dtype.kind == "i"
    assert len(set(rows.tolist())) == len(rows)
    assert set(rows.tolist()) <= allowed
    assert len(rows) == (20 if strategy.picks_greedily else len(allowed))
    assert scores.shape == (N_ROWS,) and scores.dtype == np.float64
    assert set(np.flatnonzero(~np.isnan(scores)).tolist()) == allowed
    if not strategy.picks_greedily:
        assert (scores[rows][1:] <= scores[rows][:-1]).all()


def test_same_seed_same_rows(name):
    strategy = resolve_strategy(name)
    first, _ = strategy.rank(make_evidence(), 20, random_state=3)
    again, _ = strategy.rank(make_evidence(), 20, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(first, again)


def test_order_of_candidates_does_not_matter(name):
    strategy = resolve_strategy(name)
    candidates = np.arange(5, 45)
    shuffled = np.random.default_rng(0).permutation(candidates)
    one, _ = strategy.rank(make_evidence(), 20, candidates=candidates, initial=[0, 1], random_state=3)
    other, _ = strategy.rank(make_evidence(), 20, candidates=shuffled, initial=[1, 0], random_state=3)
    np.testing.assert_array_equal(one, other)


def test_global_random_state_is_left_alone(name):
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    resolve_strategy(name).rank(make_evidence(), 20, random_state=5)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_evidence_is_not_changed(name):
    evidence, untouched = make_evidence(), make_evidence()
    resolve_strategy(name).rank(evidence, 20, random_state=0)
    for part in ("y", "logits", "features", "forgetting_events"):
        np.testing.assert_array_equal(getattr(evidence, part), getattr(untouched, part))


def test_container_and_memory_layout_do_not_matter(name):
    plain = make_evidence()
    read_only = np.array(plain.logits, order="F")
    read_only.setflags(write=False)
    spread = np.repeat(plain.features, 2, axis=1)[:, ::2]
    spread.setflags(write=False)
    other = Evidence(logits=read_only, features=spread, forgetting_events=plain.forgetting_events.tolist())
    strategy = resolve_strategy(name)
    expected, scores = strategy.rank(plain, 20, random_state=0)
    rows, other_scores = strategy.rank(other, 20, random_state=0)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(other_scores, scores)


def test_data_frames_and_tensors_as_evidence(name):
    pd = pytest.importorskip("pandas")
    torch = pytest.importorskip("torch")
    plain = make_evidence()
    expected, _ = resolve_strategy(name).rank(plain, 20, random_state=0)
    for convert in (pd.DataFrame, torch.from_numpy):
        other = Evidence(
            logits=convert(plain.logits),
            features=convert(plain.features),
            forgetting_events=pd.Series(plain.forgetting_events),
        )
        rows, _ = resolve_strategy(name).rank(other, 20, random_state=0)
        np.testing.assert_array_equal(rows, expected)


def test_all_rows_can_be_chosen(name):
    rows, _ = resolve_strategy(name).rank(make_evidence(), N_ROWS, random_state=0)
    assert sorted(rows) == list(range(N_ROWS))


@pytest.mark.parametrize("n_samples", [0, -1, N_ROWS - 1, N_ROWS + 1])
def test_n_samples_outside_the_candidates_is_refused(name, n_samples):
    with pytest.raises(ValueError, match=rf"n_samples must lie in 1 \.\. {N_ROWS - 2}.*got {n_samples}"):
        resolve_strategy(name).rank(make_evidence(), n_samples, initial=[3, 4])


@pytest.mark.parametrize("n_samples", [0.5, 2.0, True, "3", None])
def test_n_samples_must_be_an_int(name, n_samples):
    with pytest.raises(TypeError, match="n_samples must be an int"):
        resolve_strategy(name).rank(make_evidence(), n_samples)


@pytest.mark.parametrize("argument", ["candidates", "initial"])
@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ([0, N_ROWS], ValueError, "must lie in 0 .. 59"),
        ([-1, 2], ValueError, "must lie in 0 .. 59"),
        ([2, 2], ValueError, "each row once"),
        ([[1, 2]], ValueError, "1-D"),
        ([0.5, 1.0], TypeError, "integers"),
        (np.ones(N_ROWS, dtype=bool), TypeError, "mask"),
    ],
)
def test_bad_row_numbers_are_refused(name, argument, rows, error, message):
    with pytest.raises(error, match=f"{argument} .*{message}"):
        resolve_strategy(name).rank(make_evidence(), 1, **{argument: rows})


@pytest.mark.parametrize("name", [name for name in NAMES if name != "random"])
def test_missing_evidence_is_named(name):
    strategy = resolve_strategy(name)
    with pytest.raises(ValueError, match=f"needs {strategy.requires[0]}; this evidence has none of any kind"):
        strategy.rank(Evidence(y=np.zeros(10)), 5)


@pytest.mark.parametrize("name", SCORED)
def test_equal_scores_follow_the_seed(name):
    strategy = resolve_strategy(name)
    orders = [strategy.rank(constant_evidence(200), 50, random_state=seed)[0].tolist() for seed in range(3)]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == list(range(200)) for order in orders)
    # Lowest row first would leave the late rows, and classes, without any place.
    assert all(max(order[:50]) > 150 for order in orders)


@pytest.mark.parametrize("name", SCORED)
def test_evidence_of_rows_that_are_no_candidates_is_not_read(name):
    evidence = make_evidence()
    candidates = np.arange(30)
    expected = resolve_strategy(name).rank(evidence, 10, candidates=candidates, random_state=0)
    evidence.logits[30:] = np.nan
    evidence.forgetting_events[30:] = np.nan
    for mine, before in zip(
        resolve_strategy(name).rank(evidence, 10, candidates=candidates, random_state=0),
        expected,
        strict=True,
    ):
        np.testing.assert_array_equal(mine, before)


# Random -------------------------------------------------------------------------------------------


def test_random_needs_only_the_number_of_rows():
    rows, scores = resolve_strategy("random").rank(Evidence(n_rows=10), 3, random_state=0)
    assert sorted(rows) == list(range(10))
    assert ((scores >= 0) & (scores < 1)).all()


def test_random_choice_is_uniform():
    counts = np.zeros(10)
    rng = np.random.RandomState(0)
    for _ in range(2000):
        counts[resolve_strategy("random").rank(Evidence(n_rows=10), 3, random_state=rng)[0][:3]] += 1
    # Expected 600 of each, standard deviation 20.
    assert np.abs(counts - 600).max() < 100


def test_random_keys_do_not_depend_on_the_candidates():
    strategy = resolve_strategy("random")
    _, everywhere = strategy.rank(Evidence(n_rows=10), 1, random_state=0)
    _, some = strategy.rank(Evidence(n_rows=10), 1, candidates=[2, 8], random_state=0)
    np.testing.assert_array_equal(some[[2, 8]], everywhere[[2, 8]])


# Names --------------------------------------------------------------------------------------------


@pytest.fixture
def clean_registry(monkeypatch):
    monkeypatch.setattr(registry, "_STRATEGIES", dict(registry._STRATEGIES))


class MostHidden(ScoredStrategy):
    """A user's strategy: the largest features first."""

    requires = ("features",)

    def score(self, evidence, rows):
        return evidence.require("features")[rows].sum(axis=1)


def test_own_strategy_by_name_and_as_object(clean_registry):
    register_strategy("most_hidden", MostHidden)
    register_strategy("most_hidden", MostHidden)
    evidence = make_evidence()
    expected = np.argsort(-evidence.features.sum(axis=1))
    for strategy in ("most_hidden", MostHidden()):
        rows, _ = resolve_strategy(strategy).rank(evidence, 5)
        np.testing.assert_array_equal(rows, expected)
    assert "most_hidden" in strategy_names()


def test_any_object_with_requires_and_rank_is_a_strategy():
    class Duck:
        requires = ()

        def rank(self, evidence, n_samples, *, candidates=None, initial=None, random_state=None):
            return np.arange(n_samples), np.zeros(evidence.n_rows)

    duck = Duck()
    assert resolve_strategy(duck) is duck


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'entrophy'; known strategies: entropy, least_confidence, margin"):
        resolve_strategy("entrophy")


@pytest.mark.parametrize("strategy", [Entropy, 3, None, object()])
def test_what_is_no_strategy_is_refused(strategy):
    with pytest.raises(TypeError, match="strategy must be a name"):
        resolve_strategy(strategy)


@pytest.mark.parametrize("name", ["entropy", "auto"])
def test_a_taken_name_is_refused(clean_registry, name):
    with pytest.raises(ValueError, match=f"{name!r} is taken"):
        register_strategy(name, MostHidden)


@pytest.mark.parametrize(("name", "cls"), [(3, MostHidden), ("mine", MostHidden()), ("mine", dict)])
def test_only_named_classes_can_be_registered(clean_registry, name, cls):
    with pytest.raises(TypeError, match="must be a"):
        register_strategy(name, cls)


@pytest.mark.parametrize(("cls", "method"), [(Strategy, "rank"), (ScoredStrategy, "score")])
def test_a_strategy_without_its_method_says_so(cls, method):
    with pytest.raises(NotImplementedError, match=f"{cls.__name__} must define {method}"):
        cls().rank(make_evidence(), 3)


# rank_by_score ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    scores=st.lists(st.sampled_from([-1.0, 0.0, 0.5, np.inf, -np.inf]), min_size=1, max_size=30),
    seed=st.integers(0, 1000),
)
def test_ranking_is_a_seeded_sort(scores, seed):
    order = rank_by_score(scores, None, seed)
    place = np.empty(len(scores), dtype=int)
    place[np.random.RandomState(seed).permutation(len(scores))] = np.arange(len(scores))
    assert order.tolist() == sorted(range(len(scores)), key=lambda row: (-scores[row], place[row]))


def test_ranking_refuses_nan_in_a_candidate_only():
    assert rank_by_score([np.nan, 1.0, 2.0], [1, 2]).tolist() == [2, 1]
    with pytest.raises(ValueError, match="NaN for row 0"):
        rank_by_score([np.nan, 1.0, 2.0])


def test_a_class_at_the_end_keeps_its_share_among_equal_scores():
    y = np.repeat([0, 1], 500)
    chosen = rank_by_score(np.zeros(1000), None, 0)[:300]
    assert 110 < np.count_nonzero(y[chosen] == 1) < 190


# Import -------------------------------------------------------------------------------------------


def test_import_loads_no_heavy_package():
    # scikit-learn itself loads pandas where it is installed.
    heavy = "{'torch', 'torchvision', 'fasttext', 'matplotlib', 'pandas', 'numba', 'dask'}"
    code = (
        "import sys, sklearn.base; before = set(sys.modules); import sksvp.strategies;"
        f"sys.exit(', '.join({heavy} & (set(sys.modules) - before)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class First(ScoredStrategy):
    """A user's strategy, which checks nothing itself."""

    def score(self, evidence, rows):
        return -np.asarray(rows, dtype=float)


@pytest.mark.parametrize("strategy", [First(), Entropy()])
def test_arguments_are_checked_for_a_strategy_of_a_user_too(strategy):
    evidence = make_evidence()
    with pytest.raises(TypeError, match="evidence must be an Evidence, got dict"):
        strategy.score({}, np.arange(3))
    with pytest.raises(ValueError, match=r"rows must lie in 0 \.\. 59"):
        strategy.score(evidence, [3, 60])
    with pytest.raises(ValueError, match="'random_state' parameter"):
        strategy.rank(evidence, 3, random_state=-1)
    with pytest.raises(ValueError, match="candidates must have at least one row"):
        strategy.rank(evidence, 3, candidates=[])
    with pytest.raises(ValueError, match="n_samples must be an int of at least 1"):
        strategy.check_params(True)


@pytest.mark.parametrize("name", ["", " "])
def test_a_strategy_needs_a_name(name):
    with pytest.raises(ValueError, match="name must not be empty"):
        register_strategy(name, First)
