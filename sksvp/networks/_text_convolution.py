"""Convolution of width 3 over texts with a fast weight gradient in float32 on a CPU."""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class TextConvolution(nn.Conv2d):
    """Convolution of width 3 over texts, which are images of height 1.

    The output is as long as the input, or half as long. Parameters and results
    are those of `torch.nn.Conv2d` without a bias. In float32 on a CPU torch needs
    longer for the weight gradient of a channels-last batch than for the rest of
    the layer. The pixels of a text are adjacent in memory, so here the gradient is
    one product of two matrices for each position of the window.

    Parameters
    ----------
    in_channels, out_channels : int
        Numbers of channels.
    stride : {1, 2}, default=1
        Stride of the convolution; 2 halves the length.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__(in_channels, out_channels, (1, 3), (1, stride), (0, 1), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output, of shape (n, out_channels, 1, ceil(length / stride))."""
        if self.training and torch.is_grad_enabled() and self._fits(x):
            return _TextConvolution.apply(x, self.weight, self.stride[1])
        return super().forward(x)

    def _fits(self, x: Tensor) -> bool:
        return (
            x.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and x.is_contiguous(memory_format=torch.channels_last)
            and not torch.compiler.is_compiling()
        )


class _TextConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return torch.conv2d(x, weight, stride=(1, stride), padding=(0, 1))

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        x, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        d_input = d_weight = None
        if ctx.needs_input_grad[0]:
            d_input = torch.ops.aten.convolution_backward(
                gradient,
                x,
                weight,
                None,
                [1, ctx.stride],
                [0, 1],
                [1, 1],
                False,
                [0, 0],
                1,
                [True, False, False],
            )[0]
        if ctx.needs_input_grad[1]:
            d_weight = weight_gradient(x, gradient, ctx.stride)
        return d_input, d_weight, None


def weight_gradient(x: Tensor, gradient: Tensor, stride: int) -> Tensor:
    """Return the gradient of the weights of a convolution of width 3 and padding 1.

    Parameters
    ----------
    x : Tensor of shape (n, in_channels, 1, length), channels-last
        Input of the layer.
    gradient : Tensor of shape (n, out_channels, 1, ceil(length / stride)), channels-last
        Gradient of the loss with respect to the output of the layer.
    stride : {1, 2}
        Stride of the convolution.

    Returns
    -------
    Tensor of shape (out_channels, in_channels, 1, 3)
        Gradient of the loss with respect to the weights.
    """
    texts = x.squeeze(2).transpose(1, 2)  # a view of shape (n, length, in_channels)
    above = gradient.squeeze(2).transpose(1, 2)
    if stride == 2:
        # Row l holds pixel 2 l and the next one.
        if texts.shape[1] % 2:
            texts = torch.cat([texts, texts.new_zeros(len(texts), 1, texts.shape[2])], dim=1)
        pairs = texts.reshape(len(texts), above.shape[1], -1)
        middle, right = (_flat(above).T @ _flat(pairs)).chunk(2, dim=1)
        left = _product_with_the_one_before(above, pairs.chunk(2, dim=2)[1])
    else:
        middle = _flat(above).T @ _flat(texts)
        left = _product_with_the_one_before(above, texts)
        right = _product_with_the_one_before(texts, above).T
    return torch.stack([left, middle, right], dim=-1).unsqueeze(2)


def _product_with_the_one_before(later: Tensor, earlier: Tensor) -> Tensor:
    """Return the sum over texts and pixels l of the outer products ``later[l] earlier[l - 1]``, zero before a text."""
    # The sum over all adjacent pixels includes pairs across two texts; they are subtracted.
    over_all = _flat(later)[1:].T @ _flat(earlier)[:-1]
    return over_all - later[1:, 0].T @ earlier[:-1, -1]


def _flat(pixels: Tensor) -> Tensor:
    return pixels.reshape(-1, pixels.shape[2])
