"""Batch norm followed by ReLU as one layer, with few passes over memory for bfloat16 training on a CPU."""

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ._sizes import check_bool, check_sizes

# A vectorized loop runs best with at least this many adjacent columns.
_COLUMNS = 128
# For smaller inputs the calls from Python cost more than the passes over memory that they save.
_MIN_VALUES = 2**18


class BatchNormReLU(nn.BatchNorm2d):
    """Batch norm over channels, then ReLU: ``relu(batch_norm(x))``.

    Parameters, buffers and results are those of `torch.nn.BatchNorm2d` followed
    by a ReLU. In bfloat16 training on one CPU thread, with channels-last input
    that is not small, forward and backward take four passes over memory instead
    of torch's twelve or so; statistics are summed in float32 and float64. In all
    other cases torch's own operations run.

    Parameters
    ----------
    num_features : int
        Number of channels.
    one_sweep : bool, default=True
        If False, torch's own operations always run.
    **kwargs
        Further parameters of `torch.nn.BatchNorm2d`.
    """

    def __init__(self, num_features: int, *, one_sweep: bool = True, **kwargs):
        check_sizes(num_features=num_features)
        check_bool("one_sweep", one_sweep)
        super().__init__(num_features, **kwargs)
        self.one_sweep = one_sweep

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations.

        Parameters
        ----------
        x : Tensor of shape (n, num_features, height, width)
            Input of the batch norm.

        Returns
        -------
        Tensor of the shape of x
        """
        if self.one_sweep and self.training and self._fits(x):
            return _BatchNormReLU.apply(x, self.weight, self.bias, self)
        return F.relu(super().forward(x), inplace=True)

    def keep_statistics(self, mean: np.ndarray, variance: np.ndarray) -> None:
        """Move the running statistics towards those of a batch.

        Parameters
        ----------
        mean, variance : ndarray of shape (num_features,)
            Statistics of the channels of a batch.
        """
        self.get_buffer("num_batches_tracked").add_(1)
        for name, seen in (("running_mean", mean), ("running_var", variance)):
            running = self.get_buffer(name)
            running.lerp_(torch.from_numpy(seen).to(running.dtype), cast(float, self.momentum))

    def _fits(self, x: Tensor) -> bool:
        return (
            x.device.type == "cpu"
            and x.dtype == torch.bfloat16
            and x.is_contiguous(memory_format=torch.channels_last)
            and x.numel() >= max(_MIN_VALUES, 2 * x.shape[1])
            and self.affine
            and self.track_running_stats
            and self.momentum is not None
            and self.weight.dtype == torch.float32
            # With more threads torch's operations are as fast, and our own threads would compete with torch's.
            and torch.get_num_threads() == 1
            and not torch.compiler.is_compiling()
        )


class _BatchNormReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, layer: BatchNormReLU) -> Tensor:
        from ._bf16_loops import rectify, sum_values

        out = torch.empty_like(x, memory_format=torch.channels_last)
        rows = _Rows(x)
        source = rows.of(x)
        origin = rows.first(source)
        total, squares = rows.sums(sum_values, source, rows.widen(origin))
        offset = total / rows.count
        variance = np.maximum(squares / rows.count - offset**2, 0)
        mean = origin + offset
        deviation = np.sqrt(variance + layer.eps)
        scale = weight.detach().numpy() / deviation
        shift = bias.detach().numpy() - mean * scale
        ctx.save_for_backward(x)
        ctx.moments = mean, deviation, scale, shift
        rectify(source, rows.widen(scale), rows.widen(shift), rows.of(out))
        layer.keep_statistics(mean, variance * (rows.count / (rows.count - 1)))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        from ._bf16_loops import input_gradients, sum_gradients

        (x,) = ctx.saved_tensors
        mean, deviation, scale, shift = ctx.moments
        out = torch.empty_like(x, memory_format=torch.channels_last)
        rows = _Rows(x)
        source = rows.of(x)
        above = rows.of(gradient.contiguous(memory_format=torch.channels_last))
        relu = rows.widen(scale), rows.widen(shift)
        total, products = rows.sums(sum_gradients, source, above, *relu, rows.widen(mean))
        # With x_hat = (x - mean) / deviation: dx = scale (g - mean(g) - x_hat mean(g x_hat)).
        slope = -scale * products / (rows.count * deviation**2)
        intercept = -scale * total / rows.count - slope * mean
        input_gradients(source, above, *relu, rows.widen(slope), rows.widen(intercept), rows.of(out))
        d_weight = torch.from_numpy((products / deviation).astype(np.float32))
        return out, d_weight, torch.from_numpy(total.astype(np.float32)), None


class _Rows:
    """A channels-last batch as rows of channels; if there are few channels, a row holds several pixels."""

    def __init__(self, x: Tensor):
        self.channels = x.shape[1]
        self.count = x.numel() // self.channels
        self.fold = 1
        while self.fold * self.channels < _COLUMNS and self.count % (2 * self.fold) == 0:
            self.fold *= 2
        self.width = self.fold * self.channels

    def of(self, x: Tensor) -> np.ndarray:
        """View the bits of a batch of this shape as uint16 of shape (rows, width)."""
        bits = x.detach().permute(0, 2, 3, 1).view(torch.int16).numpy()
        return bits.view(np.uint16).reshape(-1, self.width)

    def first(self, bits: np.ndarray) -> np.ndarray:
        """Return the first pixel as float32 of shape (channels,)."""
        return (bits[0, : self.channels].astype(np.uint32) << 16).view(np.float32)

    def widen(self, per_channel: np.ndarray) -> np.ndarray:
        """Repeat one value per channel over a row, as float32."""
        return np.tile(per_channel.astype(np.float32), self.fold)

    def sums(self, loop: Callable, *arguments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Call ``loop(*arguments, first, second)``; return both sums as float64 of shape (channels,)."""
        totals = np.zeros((2, self.width))
        loop(*arguments, *totals)
        first, second = totals.reshape(2, self.fold, self.channels).sum(axis=1)
        return first, second
