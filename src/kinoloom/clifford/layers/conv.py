"""Clifford convolutions in one, two and three dimensions, and their transposes.

Inputs: fields (B, in_channels, J, *space) with the J blades of `in_grades`, all by default.
Outputs: fields (B, out_channels, K, *space') with the K blades of `out_grades`.
Each output is a sum over channels and kernel offsets of geometric products x w with learned
multivectors w, computed as one real convolution from in_channels * J to out_channels * K channels.
The number of generators may differ from the number of axes of space.

Layers of all grades are computed in ideal coordinates, which in many algebras halve the number of
multiplications or better (`ideals`), unless the layer is too narrow to pay for the change of
coordinates.

Not equivariant: rotating the input field does not rotate the output. See `equivariant` for layers
that are.

Source: Brandstetter et al., ICLR 2023, arXiv:2209.04934 (zero padding, all grades). Padding modes,
groups and transposed convolutions are defined as for real convolutions.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812  torch's own convention
from torch import Tensor

from kinoloom.clifford.ideals import find_ideals
from kinoloom.clifford.layers.ideal_coordinates import IdealCoordinates
from kinoloom.clifford.layers.layout import check_field, split_channels
from kinoloom.clifford.layers.linear_map import is_traced
from kinoloom.clifford.layers.padding import PaddingMode, pad_images
from kinoloom.clifford.layers.product import Grades, ProductLayer, Signature
from kinoloom.clifford.memory import retain_freed_fields, retains_freed
from kinoloom.errors import UsageError

Sizes = int | tuple[int, ...]
_MIN_SAVED_MULTIPLIES = 36
"""Multiplications that ideal coordinates must save per number of a field to pay off."""
_CHUNK_NUMBERS = 1 << 17
"""Numbers of a field that each thread processes at a time while no gradient is recorded."""
_MODES = ("zeros", "circular", "reflect", "replicate")
_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


class CliffordConv(ProductLayer):
    """Clifford convolution over `space` axes.

    Args:
        g: algebra, or its signature as a sequence of squares.
        in_channels, out_channels: number of multivectors per cell.
        kernel_size, stride, padding, dilation: one number, or one for each axis of space.
        groups: number of blocks of channels; block k of the output depends on block k of the
            input only.
        bias: whether to add a learned multivector to each output channel.
        padding_mode: values outside the field: zeros, the opposite side (circular), the mirror
            image (reflect) or the nearest value (replicate).
        in_grades, out_grades: grades of the inputs and outputs; None for all.

    Attributes:
        weight: (L, out_channels, in_channels / groups, *kernel_size).
        bias: (out_channels, K) or None.

    Raises:
        UsageError: see `ProductLayer`; or a size is invalid, the groups do not divide the
            channels, or the padding mode is unknown.
    """

    space: ClassVar[int]

    def __init__(
        self,
        g: Signature,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes = 3,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        *,
        in_grades: Grades = None,
        out_grades: Grades = None,
    ) -> None:
        check_groups(in_channels, out_channels, groups)
        if padding_mode not in _MODES:
            raise UsageError(
                f"Unknown padding_mode '{padding_mode}': expected one of {', '.join(_MODES)}."
            )
        size = expand_per_axis("kernel_size", kernel_size, self.space)
        shape = (out_channels, in_channels // groups, *size)
        fan_in = in_channels // groups * math.prod(size)
        super().__init__(g, in_channels, out_channels, shape, fan_in, bias, in_grades, out_grades)
        self.kernel_size = size
        self.stride = expand_per_axis("stride", stride, self.space)
        self.padding = expand_per_axis("padding", padding, self.space, low=0)
        self.dilation = expand_per_axis("dilation", dilation, self.space)
        self.groups, self.padding_mode = groups, padding_mode
        self.ideals = self._choose_coordinates(fan_in)
        retain_freed_fields()

    def _choose_coordinates(self, fan_in: int) -> IdealCoordinates | None:
        """Return ideal coordinates if they save enough multiplications, else None."""
        ideals = find_ideals(self.algebra)
        has_all_grades = len(self.in_blades) == len(self.out_blades) == self.algebra.n_blades
        is_plain_product = type(self).signed_weights is ProductLayer.signed_weights
        if ideals is None or not has_all_grades or not is_plain_product:
            return None
        share = self.out_channels / (self.in_channels + self.out_channels)
        saved = (self.algebra.n_blades - ideals.size) * fan_in * share
        return IdealCoordinates(ideals) if saved >= _MIN_SAVED_MULTIPLIES else None

    def expand_kernel(self) -> Tensor:
        """Return the real kernel (out_channels * K, in_channels / groups * J, *kernel_size).

        In ideal coordinates it has the shape of `IdealCoordinates.convert_kernel`.
        """
        if self.ideals is not None:
            return self.ideals.convert_kernel(self.weight, self.groups)
        return self.signed_weights().movedim((0, 1), (1, 3)).flatten(2, 3).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve a field.

        Args:
            x: (B, in_channels, J, *space).

        Returns:
            (B, out_channels, K, *space').

        Raises:
            ArrayError: the shape is wrong, or the field is too small for its circular or
                reflective padding.
        """
        check_field(x, self.in_channels, len(self.in_blades), self.space, type(self).__name__)
        if self.ideals is None:
            bias = None if self.bias is None else self.bias.flatten()
            y = self._convolve(x.flatten(1, 2), self.kernel(), bias, self.groups)
            return split_channels(y, len(self.out_blades))
        return self._forward_in_ideals(x, self.ideals)

    def _convolve(self, images: Tensor, kernel: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros" and any(padding):
            images, padding = pad_images(images, padding, self.padding_mode), (0,) * self.space
        convolve = _CONV[self.space]
        return convolve(images, kernel, bias, self.stride, padding, self.dilation, groups)

    def _forward_in_ideals(self, x: Tensor, ideals: IdealCoordinates) -> Tensor:
        kernel = self.kernel()
        bias = None if self.bias is None else ideals.convert_bias(self.bias, self.groups)
        if torch.is_grad_enabled() or is_traced(x) or is_traced(kernel):
            images, groups = ideals.to_ideals(x, self.groups), ideals.count * self.groups
            return ideals.from_ideals(self._convolve(images, kernel, bias, groups), self.groups)
        return self._forward_in_chunks(x, ideals, kernel, bias)

    def _forward_in_chunks(
        self, x: Tensor, ideals: IdealCoordinates, kernel: Tensor, bias: Tensor | None
    ) -> Tensor:
        """Convolve chunks of the batch one by one in a common buffer, without derivatives."""
        size = _choose_chunk_size(x)
        buffer = x.new_empty(min(size, len(x)), self.in_channels * x.shape[2], *x.shape[3:])
        result: Tensor | None = None
        for first in range(0, max(1, len(x)), size):
            chunk = x[first : first + size]
            images = ideals.to_ideals(chunk, self.groups, out=buffer[: len(chunk)])
            y = self._convolve(images, kernel, bias, ideals.count * self.groups)
            if result is None:
                result = y.new_empty(len(x), self.out_channels, len(self.out_blades), *y.shape[2:])
            ideals.from_ideals(y, self.groups, out=result[first : first + size])
        assert result is not None
        return result

    def extra_repr(self) -> str:
        """Return the arguments that `print` shows."""
        return (
            f"{super().extra_repr()}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding} {self.padding_mode}, groups={self.groups}"
        )


def _choose_chunk_size(x: Tensor) -> int:
    """Return the number of fields to process at a time while no gradient is recorded.

    On a CPU, chunks of narrow fields fit the caches together with all intermediate results. Fields
    that do not fit are processed together, unless the allocator would return freed memory to the
    system and request it again for every operation; then one by one.
    """
    budget, field = _CHUNK_NUMBERS * torch.get_num_threads(), max(1, x[:1].numel())
    if x.device.type != "cpu" or (field > budget and retains_freed(x.nbytes)):
        return max(1, len(x))
    return max(1, budget // field)


class CliffordConv1d(CliffordConv):
    """Clifford convolution over one axis of space; see `CliffordConv`."""

    space = 1


class CliffordConv2d(CliffordConv):
    """Clifford convolution over two axes of space; see `CliffordConv`."""

    space = 2


class CliffordConv3d(CliffordConv):
    """Clifford convolution over three axes of space; see `CliffordConv`."""

    space = 3


class CliffordConvTranspose(ProductLayer):
    """Transposed Clifford convolution over `space` axes, which upsamples fields.

    Each input multivector x adds the products x w to its neighbourhood. Output size of each axis:
    (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1.

    Args:
        g: algebra, or its signature as a sequence of squares.
        in_channels, out_channels: number of multivectors per cell.
        kernel_size, stride, padding, output_padding: one number, or one for each axis of space.
        groups: number of blocks of channels; see `CliffordConv`.
        bias: whether to add a learned multivector to each output channel.
        dilation: one number, or one for each axis of space.
        in_grades, out_grades: grades of the inputs and outputs; None for all.

    Attributes:
        weight: (L, in_channels, out_channels / groups, *kernel_size).
        bias: (out_channels, K) or None.

    Raises:
        UsageError: see `CliffordConv`.
    """

    space: ClassVar[int]

    def __init__(
        self,
        g: Signature,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes = 3,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        *,
        in_grades: Grades = None,
        out_grades: Grades = None,
    ) -> None:
        check_groups(in_channels, out_channels, groups)
        size = expand_per_axis("kernel_size", kernel_size, self.space)
        shape = (in_channels, out_channels // groups, *size)
        fan_in = in_channels // groups * math.prod(size)
        super().__init__(g, in_channels, out_channels, shape, fan_in, bias, in_grades, out_grades)
        self.kernel_size = size
        self.stride = expand_per_axis("stride", stride, self.space)
        self.padding = expand_per_axis("padding", padding, self.space, low=0)
        self.output_padding = expand_per_axis("output_padding", output_padding, self.space, low=0)
        self.dilation = expand_per_axis("dilation", dilation, self.space)
        self.groups = groups

    def expand_kernel(self) -> Tensor:
        """Return the real kernel (in_channels * J, out_channels / groups * K, *kernel_size)."""
        weights = self.signed_weights().movedim((0, 1), (3, 1))
        return weights.flatten(2, 3).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Upsample a field.

        Args:
            x: (B, in_channels, J, *space).

        Returns:
            (B, out_channels, K, *space').

        Raises:
            ArrayError: the shape is wrong.
        """
        check_field(x, self.in_channels, len(self.in_blades), self.space, type(self).__name__)
        bias = None if self.bias is None else self.bias.flatten()
        convolve = _TRANSPOSED[self.space]
        sizes = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        y = convolve(x.flatten(1, 2), self.kernel(), bias, *sizes)
        return split_channels(y, len(self.out_blades))


class CliffordConvTranspose1d(CliffordConvTranspose):
    """Transposed Clifford convolution over one axis of space; see `CliffordConvTranspose`."""

    space = 1


class CliffordConvTranspose2d(CliffordConvTranspose):
    """Transposed Clifford convolution over two axes of space; see `CliffordConvTranspose`."""

    space = 2


class CliffordConvTranspose3d(CliffordConvTranspose):
    """Transposed Clifford convolution over three axes of space; see `CliffordConvTranspose`."""

    space = 3


def expand_per_axis(name: str, value: Sizes, axes: int, *, low: int = 1) -> tuple[int, ...]:
    """Return one number for each axis.

    Raises:
        UsageError: there are not `axes` numbers, or one is below `low`.
    """
    numbers = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(numbers) != axes or min(numbers) < low:
        several = f" or {axes} integers" if axes > 1 else ""
        raise UsageError(f"Invalid {name} {value}: expected an integer{several} of at least {low}.")
    return numbers


def check_groups(in_channels: int, out_channels: int, groups: int) -> None:
    """Check that a number of groups divides the channels.

    Raises:
        UsageError: it does not, or is not positive.
    """
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise UsageError(
            f"Invalid groups={groups}: expected a divisor of in_channels={in_channels} and "
            f"out_channels={out_channels}."
        )
