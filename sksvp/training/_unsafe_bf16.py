"""Where bfloat16 convolutions on a CPU cannot be trusted."""

import torch
from torch import Tensor, nn


def has_unsafe_convolution(module: nn.Module, batch: Tensor) -> bool:
    """Tell whether a network has convolutions whose bfloat16 weight gradients are partly garbage.

    oneDNN 3.12 (torch 2.13) leaves the gradient of some weights as the memory
    was, on every x86 CPU with bfloat16 units: those that see nothing but padding
    in a convolution with a stride, as in a 3x3 convolution of stride 2 over a
    map of 1x1. The training then differs from run to run, or ends in NaN.

    Parameters
    ----------
    module : nn.Module
        The network; its state is left as it is.
    batch : Tensor
        Inputs of the size that it will be trained on.
    """
    found: list[bool] = []

    def look(layer: nn.Conv2d, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        sides = zip(
            inputs[0].shape[2:],
            output.shape[2:],
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
            strict=True,
        )
        found.append(max(layer.stride) > 1 and any(_some_weight_sees_only_padding(*side) for side in sides))

    hooks = [
        layer.register_forward_hook(look)
        for layer in module.modules()
        # "same" and "valid" as paddings come without a stride.
        if isinstance(layer, nn.Conv2d) and not isinstance(layer.padding, str)
    ]
    was_training = module.training
    try:
        with torch.no_grad():
            module.eval()(batch)
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    return any(found)


def _some_weight_sees_only_padding(
    size: int, out_size: int, kernel: int, stride: int, padding: int, dilation: int
) -> bool:
    """The question along one side of the map."""
    for weight in range(kernel):
        first = weight * dilation - padding
        last = first + (out_size - 1) * stride
        # The first position that is not left of the map; later ones lie further right.
        inside = first if first >= 0 else first + -(first // stride) * stride
        if inside > last or inside >= size:
            return True
    return False
