"""Folding: exact algebra that turns a sum of chains of convolutions into one convolution.

A network trains better with several parallel branches per layer than with one convolution, and
runs faster with one. All branches are linear, so the layer equals a single convolution, whose
kernel these functions compute. They are differentiable: a network may also train through them.

Conventions: kernels are those of `torch.nn.functional.conv2d` (cross-correlation), square, with an
odd side. A layer pads its input once, with zeros, by half the side of its folded kernel, and its
branches add no padding of their own. The bias of a 1x1 convolution before a 3x3 one therefore also
applies outside the image, and the folded layer is exact up to the borders.

Source: Ding et al., "RepVGG", CVPR 2021, arXiv:2101.03697, and "Diverse Branch Block", CVPR 2021,
arXiv:2103.13425; edge branches as in Zhang et al., "Edge-oriented Convolution Block for Real-time
Super Resolution on Mobile Devices", ACM MM 2021.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.errors import ArrayError

SOBEL_X = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))
SOBEL_Y = ((1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -2.0, -1.0))
LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))
EDGE_FILTERS = (SOBEL_X, SOBEL_Y, LAPLACIAN)
"""The fixed filters of edge branches, 3x3."""


class Kernel(NamedTuple):
    """A convolution.

    Attributes:
        weight: (O, I, K, K), K odd.
        bias: (O,).
    """

    weight: Tensor
    bias: Tensor


@runtime_checkable
class Foldable(Protocol):
    """A network whose training form folds into a smaller, equal network."""

    def fold(self) -> nn.Module:
        """Return the folded network, a copy in evaluation mode."""


def get_kernel(convolution: nn.Conv2d) -> Kernel:
    """Return the kernel of a convolution; gradients flow to its parameters.

    Raises:
        ArrayError: it has groups, a stride, a dilation, or an even or oblong kernel.
    """
    height, width = convolution.kernel_size
    plain = convolution.groups == 1 and convolution.stride == convolution.dilation == (1, 1)
    if not plain or height != width or height % 2 == 0:
        raise ArrayError(
            f"{convolution} cannot be folded: expected one group, stride 1, dilation 1 and a "
            "square kernel with an odd side."
        )
    bias = convolution.bias
    if bias is None:
        bias = convolution.weight.new_zeros(convolution.out_channels)
    return Kernel(convolution.weight, bias)


def compose(first: Kernel, second: Kernel) -> Kernel:
    """Return the kernel of a convolution followed by another, without padding in between.

    Args:
        first: (M, I, K, K).
        second: (O, M, L, L).

    Returns:
        (O, I, K + L - 1, K + L - 1).

    Raises:
        ArrayError: the output channels of the first are not the input channels of the second.
    """
    if first.weight.shape[0] != second.weight.shape[1]:
        raise ArrayError(
            f"A convolution to {first.weight.shape[0]} channels cannot precede one from "
            f"{second.weight.shape[1]}."
        )
    weight = functional.conv_transpose2d(second.weight, first.weight)
    bias = second.bias + second.weight.sum((2, 3)) @ first.bias
    return Kernel(weight, bias)


def add_kernels(*kernels: Kernel) -> Kernel:
    """Return the kernel of a sum of parallel branches; smaller kernels are centred.

    Raises:
        ArrayError: the channels differ.
    """
    if len({kernel.weight.shape[:2] for kernel in kernels}) != 1:
        shapes = ", ".join(str(tuple(kernel.weight.shape)) for kernel in kernels)
        raise ArrayError(f"Kernels of different channels cannot be added: {shapes}.")
    side = max(kernel.weight.shape[2] for kernel in kernels)
    weights = [_centre(kernel.weight, side) for kernel in kernels]
    return Kernel(
        torch.stack(weights).sum(0), torch.stack([kernel.bias for kernel in kernels]).sum(0)
    )


def identity_kernel(channels: int, like: Tensor) -> Kernel:
    """Return the 1x1 kernel that changes nothing, on the device and in the dtype of a tensor."""
    weight = torch.eye(channels, dtype=like.dtype, device=like.device)
    return Kernel(weight[:, :, None, None], like.new_zeros(channels))


def depthwise_kernel(filters: Tensor, bias: Tensor) -> Kernel:
    """Return the kernel that filters each channel on its own.

    Args:
        filters: (C, K, K), one filter per channel.
        bias: (C,).
    """
    return Kernel(torch.diag_embed(filters.permute(1, 2, 0)).permute(2, 3, 0, 1), bias)


def apply_kernel(kernel: Kernel, image: Tensor) -> Tensor:
    """Convolve (B, I, H, W) with a kernel; the image is padded with zeros and keeps its size."""
    return functional.conv2d(image, kernel.weight, kernel.bias, padding=kernel.weight.shape[2] // 2)


def build_convolution(kernel: Kernel) -> nn.Conv2d:
    """Return a convolution with a copy of a kernel, which pads with zeros and keeps the size."""
    out, channels, side, _ = kernel.weight.shape
    convolution = nn.Conv2d(
        channels,
        out,
        side,
        padding=side // 2,
        dtype=kernel.weight.dtype,
        device=kernel.weight.device,
    )
    with torch.no_grad():
        convolution.weight.copy_(kernel.weight)
        convolution.bias.copy_(kernel.bias)  # type: ignore[union-attr]  # there is a bias
    return convolution


def _centre(weight: Tensor, side: int) -> Tensor:
    margin = (side - weight.shape[2]) // 2
    return functional.pad(weight, (margin,) * 4)
