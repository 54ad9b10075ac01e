"""Stochastic gradient descent that updates all parameters in one kernel."""

import torch


class FusedSGD(torch.optim.SGD):
    """torch's SGD with its fused kernel, also if some parameters begin to learn later than others.

    The kernel fails if some parameters have a momentum from earlier steps and
    some have none. Here all begin with a momentum of zero, which makes the same
    first step unless dampening is used.

    Parameters
    ----------
    params, **kwargs
        Parameters of `torch.optim.SGD`; ``foreach=True`` or ``fused=False`` select other kernels.
    """

    def __init__(self, params, **kwargs):
        super().__init__(params, **{"fused": not kwargs.get("foreach"), **kwargs})

    def add_param_group(self, param_group):
        """Add a group of parameters with its own options."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        if group["momentum"] and not group["dampening"]:
            for parameter in group["params"]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
