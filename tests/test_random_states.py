import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline

from sksvp._seeds import draw_seeds, is_seeded, own_seed, set_random_states


def seeds_of(estimator):
    return {k: v for k, v in estimator.get_params().items() if k.endswith("random_state")}


def test_every_nested_state_is_seeded_and_none_that_is_set():
    pipeline = make_pipeline(PCA(random_state=7), BaggingClassifier(SGDClassifier()))
    seeded = clone(pipeline)
    assert not is_seeded(seeded)
    set_random_states(seeded, 0)
    states = seeds_of(seeded)
    assert states.pop("pca__random_state") == 7
    assert len(set(states.values())) == len(states) == 2
    assert is_seeded(seeded)
    again = clone(pipeline)
    set_random_states(again, np.random.RandomState(0))
    assert seeds_of(again) == seeds_of(seeded)


def test_setting_one_seed_does_not_move_another():
    seeded = make_pipeline(PCA(), SGDClassifier())
    partly = make_pipeline(PCA(random_state=3), SGDClassifier())
    set_random_states(seeded, 0)
    set_random_states(partly, 0)
    assert seeded[1].random_state == partly[1].random_state


def test_none_seeds_nothing_and_frozen_ones_are_left_alone():
    estimator = make_pipeline(PCA(), SGDClassifier())
    set_random_states(estimator, None)
    assert not is_seeded(estimator)
    frozen = make_pipeline(FrozenEstimator(PCA()), SGDClassifier())
    set_random_states(frozen, 0)
    assert frozen[0].estimator.random_state is None
    assert isinstance(frozen[1].random_state, int)


def test_streams():
    assert draw_seeds(0, 2) == draw_seeds(0, 3)[:2]
    assert len(set(draw_seeds(0, 3))) == 3
    assert own_seed(SGDClassifier(random_state=np.int64(4))) == 4
    assert own_seed(SGDClassifier()) is None
    assert own_seed(SGDClassifier(random_state=np.random.RandomState(0))) is None
