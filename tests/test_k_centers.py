"""Greedy k-centers against its definition, bit by bit."""

import subprocess
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array, csr_matrix
from sklearn.utils._param_validation import InvalidParameterError

from sksvp.strategies import Evidence, KCenters, k_centers
from sksvp.strategies._farthest_first import (
    _dense,
    _directions,
    _kernels,
    _sketch,
    _table,
    _tiled,
    _traversal,
)

pytestmark = pytest.mark.cpu


def squared_distance(a, b):
    """One pair in float64: halves added to each other until one number is left."""
    terms = [(x - y) * (x - y) for x, y in zip(a, b, strict=True)]
    while len(terms) > 1:
        half = (len(terms) + 1) // 2
        tail = terms[half:]
        terms = [x + y for x, y in zip(terms, tail, strict=False)] + terms[len(tail) : half]
    return terms[0]


def define(features, n_samples, initial, candidates=None):
    """The greedy choice, one pair at a time, in plain Python floats."""
    rows = [[float(value) for value in row] for row in np.asarray(features, dtype=np.float64)]
    nearest = {
        row: np.inf
        for row in (range(len(rows)) if candidates is None else candidates)
        if row not in set(initial)
    }
    centres, picks, distances = list(initial), [], []
    while True:
        for centre in centres:
            for row in nearest:
                nearest[row] = min(nearest[row], squared_distance(rows[row], rows[centre]))
        if len(picks) == n_samples:
            return picks, np.sqrt(distances), {row: np.sqrt(value) for row, value in nearest.items()}
        best = min(nearest, key=lambda row: (-nearest[row], row))
        picks.append(best)
        distances.append(nearest.pop(best))
        centres = [best]


def define_fast(features, n_samples, initial):
    features = np.asarray(features, dtype=np.float64)
    nearest = np.full(len(features), np.inf)
    picks = []
    for centre in initial:
        nearest = np.minimum(nearest, _dense.squared_distances(features, features[[centre]]))
    nearest[initial] = -1
    for _ in range(n_samples):
        picks.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, _dense.squared_distances(features, features[[picks[-1]]]))
        nearest[picks] = -1
    return picks


def use_tiles(monkeypatch, contenders, size):
    monkeypatch.setattr(_traversal, "_CONTENDERS", contenders)
    monkeypatch.setattr(_traversal, "_AWAKE_ROUNDS", 2)
    monkeypatch.setattr(_tiled, "_BLOCK", size)
    monkeypatch.setattr(_tiled, "_TILE_ROWS", size)
    monkeypatch.setattr(_tiled, "_MIN_TILE_ROWS", size)
    monkeypatch.setattr(_tiled, "_CENTRE_VALUES", 8 * size)
    monkeypatch.setattr(_table, "_TILE_VALUES", size)
    monkeypatch.setattr(_dense, "_BLOCK", size)
    monkeypatch.setattr(_dense, "_TABLE_VALUES", size)


def use_filter(monkeypatch, name):
    """Compute with one of the filters: those of the CPU, or that of a GPU on the CPU."""
    if name == "dense":
        monkeypatch.setattr(
            _traversal,
            "TiledDistances",
            lambda features, *_: _dense.DenseDistances(features, torch.device("cpu")),
        )
        return
    monkeypatch.setattr(_tiled, "fast_precision", lambda: getattr(torch, name.split("-")[0]))
    if name.endswith("reduced"):
        monkeypatch.setattr(_tiled, "_MIN_FEATURES_TO_REDUCE", 2)
        monkeypatch.setattr(_tiled, "_MIN_WORK_TO_REDUCE", 0)
        monkeypatch.setattr(_tiled, "_MIN_CUBES_TO_REDUCE", 0)
        monkeypatch.setattr(_tiled, "choose_basis", leading_directions)


def leading_directions(table, *_):
    """A third of the principal directions, in whatever way the sketch likes them."""
    tile = table.read(slice(0, table.n_rows)).astype(np.float64)
    _, directions = np.linalg.eigh(np.cov(tile.T * 2.0**-500 if np.abs(tile).max() > 1e100 else tile.T))
    return np.ascontiguousarray(directions[:, : -1 - table.n_features // 3 : -1])


FILTERS = ["bfloat16", "float32", "bfloat16-reduced", "float32-reduced", "dense"]


@pytest.fixture(params=FILTERS)
def each_filter(request, monkeypatch):
    use_filter(monkeypatch, request.param)


@pytest.fixture(params=[(1024, 1024), (4, 8), (1, 1)], ids=["full", "small", "single"])
def tiles(request, monkeypatch):
    """Play with the real sizes of rounds and tiles, and with such small ones that every path is taken."""
    if request.param[0] < 1024:
        use_tiles(monkeypatch, *request.param)


def small_features(elements):
    return arrays(np.float64, st.tuples(st.integers(2, 40), st.integers(1, 7)), elements=elements)


def check(features, data, *, exactly=True):
    n_initial = data.draw(st.integers(1, len(features) - 1))
    initial = data.draw(st.permutations(range(len(features))))[:n_initial]
    n_samples = data.draw(st.integers(1, len(features) - n_initial))
    rows, radii = k_centers(features, n_samples, initial=initial, return_distances=True)
    picks, distances, remaining = define(features, n_samples, initial)
    assert rows.tolist() == picks
    expected = [*distances[1:], max(remaining.values(), default=0.0)]
    np.testing.assert_allclose(radii, expected, rtol=0 if exactly else 1e-15)


# Exactness ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tiles")
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_grids_full_of_ties_and_duplicates(data):
    check(data.draw(small_features(st.integers(0, 3).map(float))), data)


@pytest.mark.usefixtures("tiles")
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_near_ties_one_rounding_apart(data):
    # Tenths: sums of equal squares in another order differ in their last bit.
    check(data.draw(small_features(st.integers(-4, 4).map(lambda value: value / 10))), data)


@pytest.mark.usefixtures("tiles")
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_numbers(data):
    # Squares of less than 1e-100 would vanish in the definition, which does not scale.
    numbers = st.floats(-1e6, 1e6).map(lambda value: value if abs(value) > 1e-100 else 0.0)
    check(data.draw(small_features(numbers)), data)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_features", [1, 5, 64, 67])
def test_many_rows_of_every_width(dtype, n_features):
    features = np.random.default_rng(n_features).normal(size=(1500, n_features)).astype(dtype)
    assert k_centers(features, 700, initial=[3, 0]).tolist() == define_fast(features, 700, [3, 0])


def test_clusters_duplicates_and_a_large_offset():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(8, 16)) * 5
    features = centres[rng.integers(0, 8, 3000)] + rng.normal(size=(3000, 16)) * rng.gamma(
        1, 0.3, size=(3000, 1)
    )
    features[1000:2000] = features[:1000]
    for offset in (0.0, 1e7):
        moved = features + offset
        assert k_centers(moved, 1500, initial=range(10)).tolist() == define_fast(moved, 1500, list(range(10)))


def test_two_scales_at_once():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(size=(300, 4)), 1e6 + 1e-9 * rng.normal(size=(300, 4))])
    assert k_centers(features, 500, initial=[0]).tolist() == define_fast(features, 500, [0])


@pytest.mark.usefixtures("each_filter")
@pytest.mark.parametrize(
    "kind", ["normal", "clusters", "relu", "low-rank", "copies", "grid", "constant", "offset"]
)
def test_every_filter_picks_the_same_rows(kind, monkeypatch):
    use_tiles(monkeypatch, 32, 50)
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(400, 24))
    features = {
        "normal": normal,
        "clusters": 5 * normal[rng.integers(0, 8, 400)] + 0.1 * normal,
        "relu": np.maximum(normal, 0),
        "low-rank": normal[:, :3] @ rng.normal(size=(3, 24)),
        "copies": np.tile(normal[:4], (100, 1)),
        "grid": np.round(normal[:, :3]),
        "constant": np.ones((400, 5)),
        "offset": normal + 1e6,
    }[kind].astype(np.float32)
    expected = define_fast(features, 250, [7, 3])
    assert k_centers(features, 250, initial=[7, 3]).tolist() == expected


@settings(deadline=None, max_examples=60)
@given(data=st.data(), name=st.sampled_from(FILTERS))
def test_every_filter_on_drawn_numbers(data, name):
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_filter(monkeypatch, name)
        use_tiles(monkeypatch, 3, 4)
        check(data.draw(small_features(st.integers(-4, 4).map(lambda value: value / 10))), data)


@pytest.mark.parametrize("sizes", [(1024, 1024), (16, 256), (3, 8), (700, 1)])
def test_tiles_and_rounds_of_any_size_give_the_same_picks(sizes, monkeypatch):
    features = np.random.default_rng(1).integers(0, 4, size=(800, 3)).astype(float)
    expected = define_fast(features, 600, [7])
    use_tiles(monkeypatch, *sizes)
    assert k_centers(features, 600, initial=[7]).tolist() == expected


def test_the_error_of_codes_matters(monkeypatch):
    features = (np.random.default_rng(0).integers(-4, 5, size=(400, 30)) / 10 + 1e4).astype(np.float32)
    expected = define_fast(features, 300, [0])
    use_filter(monkeypatch, "bfloat16")
    assert k_centers(features, 300, initial=[0]).tolist() == expected
    # Without it, some pair that matters is dropped.
    true_margins = _sketch.Sketch.margins
    monkeypatch.setattr(
        _sketch.Sketch,
        "margins",
        lambda *args: true_margins(*args)._replace(errors=np.zeros(len(args[1].errors)), growth=0.9),
    )
    assert k_centers(features, 300, initial=[0]).tolist() != expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_directions", [None, 1, 5])
@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float32])
@settings(deadline=None, max_examples=40)
@given(
    features=arrays(
        np.float64, st.tuples(st.integers(2, 8), st.integers(5, 9)), elements=st.floats(-1e3, 1e3)
    )
)
def test_codes_keep_every_pair_that_matters(features, precision, n_directions, dtype):
    table = _table.FeatureTable(features.astype(dtype))
    basis = None
    if n_directions:
        basis = np.linalg.qr(np.random.default_rng(0).normal(size=(features.shape[1], n_directions)))[0]
    sketch = _sketch.Sketch(table, precision, basis, map)
    rows = np.arange(len(features))
    codes = sketch.product(sketch.rows(rows), sketch.points(rows))
    lengths = sketch.lengths(rows)
    errors, margins, scale, growth, shift = sketch.margins(lengths, lengths)
    tile = table.read(rows)
    for row in rows:
        for centre in rows:
            # The least bound that the pair would still lower.
            squared = np.nextafter(_dense.squared_distances(tile[[row]], tile[[centre]])[0], np.inf)
            limit = _kernels.code_limit(squared, errors[row], margins[row], scale, growth, shift)
            assert codes[row, centre] <= limit


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-44, 1e-30, 1e-19, 1.0, 1e15, 1e18, 1e30])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_rough_distance_rules_out_no_pair_that_matters(data, scale, dtype):
    width = data.draw(st.sampled_from([1, 2, 7, 64, 515]))
    seed = data.draw(st.integers(0, 2**32 - 1))
    a, b = (scale * np.random.default_rng(seed).normal(size=(2, width))).astype(dtype)
    # Some steps are zero, some are equal: their sums are all rounded alike.
    b[::5] = a[::5]
    a[1::3], b[1::3] = dtype(0.7 * scale), dtype(-0.4 * scale)
    terms = np.empty(width)
    exact = _kernels.squared_distance(a, b, terms)
    for squared in (np.nextafter(exact, np.inf), exact * (1 + 1e-7), exact * (1 + 1e-5), 2 * exact, np.inf):
        assert _kernels.distance_below(a, b, squared, terms) == exact


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_rough_distance_rules_out_pairs_that_are_far(dtype):
    a, b = np.random.default_rng(0).normal(size=(2, 300)).astype(dtype)
    terms = np.empty(300)
    exact = _kernels.squared_distance(a, b, terms)
    assert _kernels.distance_below(a, b, 0.999 * exact, terms) == np.inf
    # Out of float32's range nothing is ruled out.
    if dtype == np.float32:
        scaled = _kernels.squared_distance(a * dtype(2.0**64), b * dtype(2.0**64), terms)
        assert _kernels.distance_below(a * dtype(2.0**64), b * dtype(2.0**64), 0.0, terms) == scaled


def test_rows_too_long_for_rough_sums_are_decided():
    a = np.ones(1 << 24, dtype=np.float32)
    terms = np.empty(len(a))
    assert _kernels.distance_below(a, np.zeros_like(a), 1.0, terms) == 2.0**24


def test_the_share_of_kept_pairs_is_estimated():
    rng = np.random.default_rng(0)
    rows, centres = (rng.normal(size=(n, 8)) * 2.0 ** -np.arange(8) for n in (20, 300))
    numbers = [1, 3, 8]
    for m, share in zip(numbers, _directions._kept_shares(rows, centres, numbers), strict=True):
        n_kept = 0
        for row in rows:
            nearest = min(squared_distance(row, centre) for centre in centres)
            for centre in centres:
                left = [np.sqrt(sum(part[m:] ** 2)) for part in (row, centre)]
                inside = sum((row[:m] - centre[:m]) ** 2)
                n_kept += inside + (left[0] - left[1]) ** 2 <= 1.02 * nearest
        assert share == pytest.approx(n_kept / (20 * 300) - 1 / 300, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("scale", [1e-25, 1e-3, 1.0, 1e3, 1e30])
def test_errors_bound_how_far_codes_lie_from_the_rows(dtype, precision, scale):
    if dtype == np.float16 and not 1e-3 <= scale <= 1e3:
        pytest.skip("float16 has no such numbers")
    # Rows far from zero, so that moving them is rounded.
    features = (scale * np.random.default_rng(0).uniform(0.5, 60, (400, 7))).astype(dtype)
    table = _table.FeatureTable(features)
    sketch = _sketch.Sketch(table, precision, None, map)
    codes = sketch.rows(np.arange(400))[:, :7].double().numpy()
    for row in range(400):
        exact = [
            (Fraction(float(value)) - Fraction(float(centre))) / Fraction(2) ** sketch._exponent
            for value, centre in zip(features[row], sketch._centre, strict=True)
        ]
        squared = sum(
            (Fraction(float(code)) - value) ** 2 for code, value in zip(codes[row], exact, strict=True)
        )
        assert squared <= Fraction(float(sketch.errors[row])) ** 2


def test_codes_drop_pairs_that_are_far():
    features = np.random.default_rng(0).normal(size=(500, 20))
    sketch = _sketch.Sketch(_table.FeatureTable(features), torch.bfloat16, None, map)
    rows = np.arange(500)
    codes = sketch.product(sketch.rows(rows), sketch.points(rows))
    margins = sketch.margins(sketch.lengths(rows), sketch.lengths(rows))
    for row in rows[:50]:
        squared = _dense.squared_distances(features, features[[row]])
        limit = _kernels.code_limit(1.0, margins.errors[row], margins.margins[row], *margins[2:])
        assert (codes[row, :500][squared > 1.1] > limit).all()


def test_products_have_few_shapes(monkeypatch):
    """The library that multiplies bfloat16 keeps a megabyte for each shape that it has seen."""
    shapes = set()
    multiply = torch.mm

    def note(codes, points, out):
        shapes.add((*codes.shape, *points.shape))
        return multiply(codes, points, out=out)

    use_filter(monkeypatch, "bfloat16")
    monkeypatch.setattr(_sketch.torch, "mm", note)
    features = np.random.default_rng(0).normal(size=(9000, 10))
    k_centers(features, 4000, initial=[0])
    assert len(shapes) <= 16


def test_filled_up_points_are_never_near(monkeypatch):
    monkeypatch.setattr(_sketch, "_SHAPE_STEP", 64)
    for precision in (torch.bfloat16, torch.float32):
        features = np.random.default_rng(0).uniform(-1, 1, size=(70, 20)) * 1e6
        sketch = _sketch.Sketch(_table.FeatureTable(features), precision, None, map)
        rows = np.arange(70)
        codes = sketch.product(sketch.rows(rows), sketch.points(rows))
        assert codes.shape == (70, 128)
        assert codes[:, 70:].min() > codes[:, :70].max()


def test_codes_made_anew_are_those_held(monkeypatch):
    features = np.random.default_rng(0).normal(size=(300, 12))
    expected = define_fast(features, 200, [0])
    monkeypatch.setattr(_sketch, "_MAX_HELD_BYTES", 0)
    for name in ("bfloat16", "float32-reduced"):
        with pytest.MonkeyPatch.context() as inner:
            use_filter(inner, name)
            assert k_centers(features, 200, initial=[0]).tolist() == expected


def test_a_blunt_sketch_is_replaced(monkeypatch):
    # Two far groups of close rows: codes of two bytes cannot tell the rows of a group apart.
    rng = np.random.default_rng(0)
    features = rng.normal(size=(600, 8)) * 1e-4
    features[::2] += 1
    use_filter(monkeypatch, "bfloat16-reduced")
    made = []
    true_make = _tiled.TiledDistances._make_sketch

    def make(self):
        made.append((self._precision, self._basis is None))
        return true_make(self)

    monkeypatch.setattr(_tiled.TiledDistances, "_make_sketch", make)
    use_tiles(monkeypatch, 16, 64)
    assert k_centers(features, 500, initial=range(60)).tolist() == define_fast(features, 500, list(range(60)))
    assert made == [(torch.bfloat16, False), (torch.bfloat16, True), (torch.float32, True)]


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float32])
def test_principal_directions_are_taken_where_they_pay(precision):
    rng = np.random.default_rng(0)
    isotropic = rng.normal(size=(3000, 256)).astype(np.float32)
    assert _directions.choose_basis(_table.FeatureTable(isotropic), precision, 10, 30_000) is None
    low_rank = _table.FeatureTable(isotropic[:, :20] @ isotropic[:20] + 0.01 * isotropic)
    assert _directions.choose_basis(low_rank, precision, 10, 30_000).shape == (256, 32)
    # With few centres a row is reduced for a few pairs only.
    assert _directions.choose_basis(low_rank, precision, 10, 50) is None
    for scale in (np.float64(1e-100), np.float64(1e100), np.float32(4e-41), np.float32(1e35)):
        scaled = _table.FeatureTable(low_rank.features * scale)
        assert _directions.choose_basis(scaled, precision, 10, 30_000).shape == (256, 32)


def test_directions_are_not_looked_for_where_that_takes_longest(monkeypatch):
    calls = []
    monkeypatch.setattr(_tiled, "choose_basis", lambda *args: calls.append(1))
    monkeypatch.setattr(_tiled, "_MIN_FEATURES_TO_REDUCE", 4)
    monkeypatch.setattr(_tiled, "_MAX_FEATURES_TO_REDUCE", 8)
    monkeypatch.setattr(_tiled, "_MIN_WORK_TO_REDUCE", 0)
    monkeypatch.setattr(_tiled, "_MIN_CUBES_TO_REDUCE", 100)
    for width, n_samples, expected in ((3, 190, 0), (8, 190, 1), (8, 20, 0), (9, 190, 0)):
        calls.clear()
        _tiled.TiledDistances(np.ones((200, width), dtype=np.float32), 1, n_samples)
        assert len(calls) == expected


def test_the_precision_is_tried_on_one_thread(monkeypatch):
    """Several threads would measure how they wait for other work, and find all precisions alike."""
    threads = []
    true_seconds = _sketch._product_seconds
    monkeypatch.setattr(
        _sketch,
        "_product_seconds",
        lambda precision: threads.append(torch.get_num_threads()) or true_seconds(precision),
    )
    before = torch.get_num_threads()
    _sketch.fast_precision.cache_clear()
    _sketch.fast_precision()
    assert set(threads) <= {1}
    assert torch.get_num_threads() == before


def test_settings_of_the_process_are_left_alone():
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    k_centers(np.random.default_rng(0).normal(size=(100, 3)), 20, initial=[0])
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == before


def test_a_low_precision_of_torch_does_not_matter(monkeypatch):
    features = np.random.default_rng(0).normal(size=(600, 40)).astype(np.float32)
    use_filter(monkeypatch, "float32")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        assert k_centers(features, 400, initial=[0]).tolist() == define_fast(features, 400, [0])
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.shared
@pytest.mark.parametrize("name", FILTERS)
def test_features_of_a_trained_network(network_features, name, monkeypatch):
    use_filter(monkeypatch, name)
    expected = define_fast(network_features, 1000, list(range(50)))
    assert k_centers(network_features, 1000, initial=range(50)).tolist() == expected


@pytest.fixture(scope="module")
def network_features(cifar10_head):
    """What a ResNet8 makes of 2,000 CIFAR-10 images after a short training."""
    from sksvp.datasets import load_cifar10
    from sksvp.estimators import ResNetClassifier

    bunch = load_cifar10(cifar10_head)
    proxy = ResNetClassifier(8, max_epochs=1, device="cpu", random_state=0)
    return proxy.fit(bunch.X_train[:500], bunch.y_train[:500]).transform(bunch.X_train[:2000])


def test_an_interruption_gives_the_threads_back(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = torch.get_num_threads(), threading.active_count()
    monkeypatch.setattr(_tiled, "bring_nearer", interrupt)
    with pytest.raises(KeyboardInterrupt):
        k_centers(np.random.default_rng(0).normal(size=(5000, 3)), 20, initial=[0])
    assert (torch.get_num_threads(), threading.active_count()) == before


def test_progress_is_shown_on_request(capsys):
    features = np.random.default_rng(0).normal(size=(100, 3))
    k_centers(features, 20, initial=[0])
    assert capsys.readouterr().err == ""
    k_centers(features, 20, initial=[0], verbose=True)
    assert "20/20" in capsys.readouterr().err
    KCenters(verbose=True).rank(Evidence(features=features), 20, random_state=0)
    assert "k-centers" in capsys.readouterr().err


def test_numba_is_loaded_where_it_is_needed():
    code = "import sys, sksvp.strategies as s; s.KCenters(); print('numba' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_arrays_and_tensors_round_alike():
    rng = np.random.default_rng(0)
    for n_features in (1, 2, 3, 5, 8, 13, 100):
        a, b = rng.normal(size=(2, 50, n_features))
        expected = [squared_distance(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
        assert _dense.squared_distances(a, b).tolist() == expected
        assert _dense.squared_distances(torch.from_numpy(a), torch.from_numpy(b)).tolist() == expected
        terms = np.empty(n_features)
        assert [_kernels.squared_distance(x, y, terms) for x, y in zip(a, b, strict=True)] == expected


def test_threads_do_not_matter():
    features = np.random.default_rng(0).normal(size=(3000, 20)).astype(np.float32)
    before = torch.get_num_threads()
    picks = []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            picks.append(k_centers(features, 1000, initial=[0]).tolist())
    finally:
        torch.set_num_threads(before)
    assert picks[0] == picks[1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.gpu
def test_a_gpu_picks_the_same_rows():
    features = np.random.default_rng(0).normal(size=(5000, 40)).astype(np.float32)
    expected = k_centers(features, 2000, initial=[0], device="cpu")
    np.testing.assert_array_equal(k_centers(features, 2000, initial=[0], device="cuda"), expected)
    on_gpu = torch.from_numpy(features).cuda()
    for device in ("cpu", "cuda"):
        np.testing.assert_array_equal(k_centers(on_gpu, 2000, initial=[0], device=device), expected)


# Scale --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e-20, 1e20, 1e170, 1e300])
def test_huge_and_tiny_values(scale):
    # Scaled by a power of two, so that the definition sees the same digits.
    scale = 2.0 ** np.round(np.log2(scale))
    features = np.random.default_rng(0).normal(size=(200, 3))
    rows, radii = k_centers(features, 100, initial=[0], return_distances=True)
    scaled_rows, scaled_radii = k_centers(features * scale, 100, initial=[0], return_distances=True)
    np.testing.assert_array_equal(scaled_rows, rows)
    np.testing.assert_array_equal(scaled_radii, radii * scale)


def test_float32_at_1e20_and_the_largest_float64():
    features = np.array([[0.0], [1e20], [-3e20], [2e20]], dtype=np.float32)
    assert k_centers(features, 3, initial=[0]).tolist() == [2, 3, 1]
    largest = np.finfo(np.float64).max
    assert k_centers([[largest], [-largest], [0.0], [largest / 4]], 3, initial=[3]).tolist() == [1, 0, 2]


# Containers ---------------------------------------------------------------------------------------


def test_any_container_gives_the_same_rows(tmp_path):
    features = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float16)
    expected = k_centers(features, 50, initial=[1, 2]).tolist()
    np.save(tmp_path / "features.npy", features)
    read_only = features.astype(np.float64)
    read_only.setflags(write=False)
    containers = [
        np.load(tmp_path / "features.npy", mmap_mode="r"),
        read_only,
        np.asfortranarray(features),
        features[::-1][::-1],
        features.astype(">f4"),
        features.tolist(),
        torch.from_numpy(features),
        torch.from_numpy(features).double().requires_grad_(),
    ]
    for container in containers:
        assert k_centers(container, 50, initial=[1, 2]).tolist() == expected


def test_bfloat16_and_integer_features():
    grid = np.random.default_rng(0).integers(0, 100, size=(200, 4))
    expected = define_fast(grid, 50, [0])
    for features in (grid, grid.astype(np.uint8), torch.from_numpy(grid).to(torch.bfloat16)):
        assert k_centers(features, 50, initial=[0]).tolist() == expected


def test_input_is_not_changed():
    features = np.random.default_rng(0).normal(size=(100, 4))
    tensor = torch.from_numpy(features.copy())
    before = features.copy()
    k_centers(features, 50, random_state=0)
    k_centers(tensor, 50, random_state=0)
    np.testing.assert_array_equal(features, before)
    np.testing.assert_array_equal(tensor.numpy(), before)


def test_memory_is_one_number_per_row_and_tiles(tmp_path):
    # 100,000 x 128 float16 (24 MB on disk): 98 MB as float64, 76 MB as a float64 table of 100 picks.
    features = np.lib.format.open_memmap(
        tmp_path / "features.npy", mode="w+", dtype=np.float16, shape=(100_000, 128)
    )
    features[:] = np.random.default_rng(0).random((100_000, 128), dtype=np.float32)
    features.flush()
    code = (
        "import resource, sys, numpy as np, sksvp.strategies._farthest_first\n"
        "from sksvp.strategies import k_centers\n"
        "features = np.load(sys.argv[1], mmap_mode='r')\n"
        "k_centers(features[:100], 5, initial=[0])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "k_centers(features, 100, initial=[0])\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "features.npy")],
        capture_output=True,
        text=True,
        check=True,
    )
    # The pages of the file itself may count; the state is 1 MB.
    assert float(done.stdout) < 24 + 50


# The start ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("initial", [None, [], np.empty(0)])
def test_without_a_start_the_first_row_is_drawn(initial):
    features = np.random.default_rng(0).normal(size=(50, 3))
    first_rows = set()
    for seed in range(30):
        rows = k_centers(features, 10, initial=initial, random_state=seed)
        assert rows.tolist() == [rows[0], *define_fast(features, 9, [rows[0]])]
        first_rows.add(int(rows[0]))
    assert len(first_rows) > 10


def test_first_row_is_reproducible_and_alone_is_enough():
    features = np.arange(10.0)[:, None]
    rows, radii = k_centers(features, 1, random_state=4, return_distances=True)
    assert rows.tolist() == k_centers(features, 1, random_state=4).tolist()
    assert radii.tolist() == [max(rows[0], 9 - rows[0])]
    assert k_centers([[3.0]], 1, random_state=0).tolist() == [0]


def test_initial_rows_are_not_returned_and_radii_shrink_to_zero():
    features = np.random.default_rng(0).normal(size=(60, 2))
    rows, radii = k_centers(features, 55, initial=[5, 6, 7, 8, 9], return_distances=True)
    assert sorted(rows) == sorted(set(range(60)) - {5, 6, 7, 8, 9})
    assert (np.diff(radii) <= 0).all()
    assert radii[-1] == 0


def test_duplicates_come_last_lowest_row_first():
    features = np.array([[0.0], [5.0], [0.0], [5.0], [0.0], [9.0]])
    assert k_centers(features, 5, initial=[4]).tolist() == [5, 1, 0, 2, 3]


# Errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("convert", [np.asarray, torch.tensor])
def test_values_that_are_not_finite_are_refused(bad, convert):
    features = np.ones((40, 3))
    features[37, 1] = bad
    with pytest.raises(ValueError, match="features must be finite"):
        k_centers(convert(features), 5, initial=[0])


@pytest.mark.parametrize("kind", [csr_matrix, csr_array])
def test_sparse_features_are_made_dense_if_they_are_small(monkeypatch, kind):
    features = np.random.RandomState(0).randn(30, 4).round()
    rows = k_centers(kind(features), 5, initial=[0])
    assert rows.tolist() == k_centers(features, 5, initial=[0]).tolist()
    monkeypatch.setattr("sksvp._inputs._tables._MAX_DENSE", 10)
    with pytest.raises(TypeError, match=r"sparse table of the shape \(30, 4\).*TruncatedSVD"):
        k_centers(kind(features), 5)


def test_sparse_tensors_are_refused_with_a_hint():
    with pytest.raises(TypeError, match="to_dense"):
        k_centers(torch.eye(3).to_sparse(), 1)


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (np.ones(3), ValueError, r"shape \(n_rows, n_features\), got \(3,\)"),
        (np.ones((3, 0)), ValueError, "at least one row and one column"),
        (np.ones((0, 3)), ValueError, "at least one row and one column"),
        ([["a"], ["b"]], TypeError, "real numbers"),
        (np.ones((3, 2)) * 1j, TypeError, "real numbers"),
        (torch.ones((3, 2)) * 1j, TypeError, "real numbers"),
    ],
)
def test_features_of_another_form_are_refused(features, error, message):
    with pytest.raises(error, match=message):
        k_centers(features, 1)


@pytest.mark.parametrize("n_samples", [0, -3, 9])
def test_more_rows_than_there_are_is_refused(n_samples):
    with pytest.raises(ValueError, match=r"n_samples must lie in 1 \.\. 8"):
        k_centers(np.ones((10, 2)), n_samples, initial=[0, 1])


@pytest.mark.parametrize(
    ("initial", "error"), [([10], ValueError), ([-1], ValueError), ([1, 1], ValueError), ([0.0], TypeError)]
)
def test_bad_initial_rows_are_refused(initial, error):
    with pytest.raises(error, match="initial"):
        k_centers(np.ones((10, 2)), 1, initial=initial)


@pytest.mark.parametrize("device", ["gpu", "mps", "meta", 3.5, "cuda:99"])
def test_unknown_devices_are_refused(device):
    with pytest.raises(ValueError, match="device"):
        k_centers(np.ones((10, 2)), 1, initial=[0], device=device)


# The strategy -------------------------------------------------------------------------------------


def test_core_set_begins_with_random_rows_counted_inside():
    features = np.random.default_rng(0).normal(size=(300, 4))
    rows, scores = KCenters().rank(Evidence(features=features), 100, random_state=0)
    start = rows[:10].tolist()
    assert len(rows) == 100
    picks, distances, remaining = define(features, 90, start)
    assert rows[10:].tolist() == picks
    assert np.isinf(scores[start]).all()
    np.testing.assert_array_equal(scores[picks], distances)
    np.testing.assert_array_equal(scores[list(remaining)], list(remaining.values()))
    other, _ = KCenters().rank(Evidence(features=features), 100, random_state=1)
    assert set(other[:10]) != set(start)


@pytest.mark.parametrize(("n_samples", "n_start"), [(9, 0), (10, 1), (999, 99), (12_000, 1000)])
def test_size_of_the_automatic_start(n_samples, n_start):
    features = np.random.default_rng(0).normal(size=(12_001, 1)).astype(np.float32)
    rows, scores = KCenters().rank(Evidence(features=features), n_samples, random_state=0)
    assert len(rows) == n_samples
    # Without a start the first row alone is drawn.
    assert np.count_nonzero(np.isinf(scores)) == max(1, n_start)


@pytest.mark.parametrize("n_initial", [0, 1, 5, 20])
def test_size_of_a_given_start(n_initial):
    features = np.random.default_rng(0).normal(size=(50, 2))
    rows, scores = KCenters(n_initial=n_initial).rank(Evidence(features=features), 20, random_state=0)
    assert len(set(rows.tolist())) == 20
    assert np.flatnonzero(np.isinf(scores)).tolist() == sorted(rows[: max(1, n_initial)])


def test_active_learning_begins_with_the_labelled_rows_and_returns_new_ones():
    features = np.random.default_rng(0).normal(size=(80, 3))
    labelled, candidates = [70, 3, 40], list(range(20, 60))
    rows, scores = KCenters().rank(Evidence(features=features), 15, candidates=candidates, initial=labelled)
    picks, distances, remaining = define(features, 15, labelled, candidates)
    assert rows.tolist() == picks
    np.testing.assert_array_equal(scores[picks], distances)
    assert np.isnan(scores[labelled]).all()
    assert set(np.flatnonzero(~np.isnan(scores))) == set(picks) | set(remaining)


def test_core_set_of_some_candidates_starts_among_them():
    features = np.random.default_rng(0).normal(size=(100, 3))
    rows, scores = KCenters(n_initial=5).rank(
        Evidence(features=features), 20, candidates=range(50, 90), random_state=0
    )
    assert set(rows.tolist()) <= set(range(50, 90))
    assert np.isnan(scores[:50]).all() and np.isnan(scores[90:]).all()


def test_start_above_the_choice_is_refused():
    with pytest.raises(ValueError, match="n_initial counts inside n_samples=5, got n_initial=6"):
        KCenters(n_initial=6).rank(Evidence(features=np.ones((10, 2))), 5)


@pytest.mark.parametrize("n_initial", [-1, 1.5, "all"])
def test_strategy_checks_its_start(n_initial):
    with pytest.raises(InvalidParameterError, match="'n_initial' parameter"):
        KCenters(n_initial=n_initial).rank(Evidence(features=np.ones((10, 2))), 5)


def test_runs_of_other_seeds_may_share_a_start():
    """Figure 10 of the method's paper: runs with one random start of 1,000 rows."""
    features = np.random.RandomState(0).normal(size=(60, 4))
    evidence = Evidence(features=features, n_rows=60)

    def start(random_state, **params):
        return KCenters(n_initial=10, **params).rank(evidence, 20, random_state=random_state)[0][:10].tolist()

    assert start(0, start_seed=7) == start(1, start_seed=7) == start(7)
    assert start(0) != start(1)
    assert start(0, start_seed=7) != start(0, start_seed=8)
    with pytest.raises(ValueError, match="'start_seed' parameter of KCenters"):
        KCenters(start_seed=-1).check_params(5)
