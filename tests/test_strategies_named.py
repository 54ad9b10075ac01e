"""Strategies by their names, with parameters."""

import pytest

from sksvp.strategies import EL2N, KCenters, Margin, Stratified, named_strategy


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("margin", Margin()),
        ("k_centers:n_initial=3", KCenters(n_initial=3)),
        ("k_centers:n_initial=auto", KCenters(n_initial="auto")),
        ("stratified:score=el2n, hardest_dropped=0.25", Stratified("el2n", hardest_dropped=0.25)),
        ("stratified:score__n_visits=4,score=el2n", Stratified(EL2N(n_visits=4))),
    ],
)
def test_a_name_with_parameters_is_the_object(name, expected):
    assert repr(named_strategy(name)) == repr(expected)


def test_auto_depends_on_the_proxy():
    assert named_strategy("auto") == "auto"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "Unknown strategy 'nothing'"),
        ("stratified:score=nothing", "Unknown strategy 'nothing'"),
        ("stratified:score=k_centers", "scores every row"),
        ("stratified:hardest_dropped=2", "hardest_dropped"),
        ("stratified:score__n_visits=0,score=el2n", "n_visits"),
        ("auto:x=1", "Unknown strategy 'auto'"),
        ("margin:1", "PARAMETER=VALUE"),
    ],
)
def test_bad_names(name, words):
    with pytest.raises(ValueError, match=words):
        named_strategy(name)
