"""Stochastic gradient descent that updates all parameters in one sweep."""

import torch


class FusedSGD(torch.optim.SGD):
    """torch's SGD with its fused kernel, also where some parameters begin to learn later than others.

    That kernel refuses parameters of which some have a momentum from earlier
    steps and some have none. Here all begin with a momentum of zero, which
    makes the same first step, but where a user asks for dampening.

    Parameters
    ----------
    params, **kwargs
        As of `torch.optim.SGD`; ``foreach=True`` or ``fused=False`` take other kernels.
    """

    def __init__(self, params, **kwargs):
        super().__init__(params, **{"fused": not kwargs.get("foreach"), **kwargs})

    def add_param_group(self, param_group):
        """Add parameters that learn with options of their own, as torch does."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        if group["momentum"] and not group["dampening"]:
            for parameter in group["params"]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
