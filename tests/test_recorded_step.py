"""When cuDNN may try its kernels; what is recorded is tested in test_cuda.py."""

import pytest
import torch

from sksvp.estimators._recorded_step import trying_kernels


@pytest.fixture(autouse=True)
def flags():
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    yield cudnn
    cudnn.benchmark, cudnn.deterministic = before


@pytest.mark.parametrize(
    ("was_on", "deterministic", "tries", "expected"),
    [
        (False, False, True, True),
        (False, False, False, False),
        (False, True, True, False),
        (True, False, False, True),
        (True, True, False, True),
    ],
)
def test_only_where_it_pays_and_the_user_does_not_mind(flags, was_on, deterministic, tries, expected):
    flags.benchmark, flags.deterministic = was_on, deterministic
    with trying_kernels(tries):
        assert flags.benchmark is expected
    assert flags.benchmark is was_on


def test_the_setting_comes_back_after_an_error(flags):
    flags.benchmark, flags.deterministic = False, False
    with pytest.raises(RuntimeError, match="broken"), trying_kernels(True):
        raise RuntimeError("broken")
    assert flags.benchmark is False


def test_not_with_deterministic_algorithms(flags):
    flags.benchmark, flags.deterministic = False, False
    torch.use_deterministic_algorithms(True)
    try:
        with trying_kernels(True):
            assert flags.benchmark is False
    finally:
        torch.use_deterministic_algorithms(False)
