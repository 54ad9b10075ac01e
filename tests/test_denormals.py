"""Numbers below float32's normal range are zero while a network is trained, and only then."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sksvp.estimators import ResNetClassifier
from sksvp.training._denormals import denormals_as_zero

pytestmark = pytest.mark.cpu


def denormals_are_zero() -> bool:
    return not bool(torch.tensor(1e-38) * 0.1)


class Look(Callback):
    """What a batch's arithmetic makes of a denormal."""

    def on_batch_end(self, net, **kwargs):
        seen.append(denormals_are_zero())


seen: list[bool] = []


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this CPU cannot take denormals for zero")
@pytest.mark.parametrize("before", [False, True])
def test_denormals_are_zero_in_a_training_alone(before):
    seen.clear()
    X = np.random.RandomState(0).randint(0, 256, (8, 1, 8, 8)).astype(np.uint8)
    model = ResNetClassifier(
        8, max_epochs=1, batch_size=4, device="cpu", random_state=0, net_params={"callbacks": [Look()]}
    )
    torch.set_flush_denormal(before)
    try:
        model.fit(X, np.arange(8) % 2)
        assert seen == [True, True]
        assert denormals_are_zero() == before
        with pytest.raises(ZeroDivisionError), denormals_as_zero():
            raise ZeroDivisionError
        assert denormals_are_zero() == before
    finally:
        torch.set_flush_denormal(False)
