"""Clifford convolutions in one, two and three dimensions, and their transposes.

Inputs: fields (B, in_channels, J, *space); J blades of `in_grades`, all by default.
Outputs: fields (B, out_channels, K, *space').
Each output is a sum over channels and offsets of the geometric product x w with learned
multivectors w, computed as one real convolution of in_channels * J to out_channels * K channels.
The algebra need not have as many generators as there are axes of space.

Layers of all grades are computed in coordinates of ideals, where many algebras need half of the
multiplications or fewer (`ideals`); the narrowest are not, for the change of coordinates costs more
than it saves.

Not equivariant: turning a field and its vectors does not turn the output likewise. For layers that
are, see `equivariant`.

Source: Brandstetter et al., ICLR 2023, arXiv:2209.04934 (convolution with zero
padding and all grades). Padding modes, groups and transposes are those of plain convolutions.
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
from kinoloom.clifford.layers.padding import PaddingMode, pad_field
from kinoloom.clifford.layers.product import Grades, ProductLayer, Signature
from kinoloom.clifford.memory import retain_freed_fields, retains_freed
from kinoloom.errors import UsageError

Sizes = int | tuple[int, ...]
_MIN_SAVED_MULTIPLIES = 36
"""From how many multiplications saved for each number of a field on coordinates of ideals pay."""
_CHUNK_NUMBERS = 1 << 17
"""How many numbers of fields each thread is given at a time while no gradient is recorded."""
_MODES = ("zeros", "circular", "reflect", "replicate")
_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


class CliffordConv(ProductLayer):
    """A Clifford convolution over `space` axes.

    Args:
        g: the algebra, or its signature as a list of squares.
        in_channels, out_channels: how many multivectors at each place.
        kernel_size, stride, padding, dilation: one number, or one for each axis of space.
        groups: into how many blocks of channels inputs and outputs are split; block k of the
            output sees block k of the input only.
        bias: whether a learned multivector is added to each output channel.
        padding_mode: what stands outside of the field: zeros, its opposite side (circular), its
            mirror image (reflect) or its nearest value (replicate).
        in_grades, out_grades: the grades that inputs have and outputs need; None for all.

    Attributes:
        weight: (L, out_channels, in_channels / groups, *kernel_size).
        bias: (out_channels, K) or None.

    Raises:
        UsageError: as `ProductLayer`; sizes that are not positive or not one for each axis,
            groups that do not divide the channels, or an unknown padding mode.
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
            raise UsageError(f"padding_mode must be one of {_MODES}, not '{padding_mode}'.")
        size = per_axis("kernel_size", kernel_size, self.space)
        shape = (out_channels, in_channels // groups, *size)
        fan_in = in_channels // groups * math.prod(size)
        super().__init__(g, in_channels, out_channels, shape, fan_in, bias, in_grades, out_grades)
        self.kernel_size = size
        self.stride = per_axis("stride", stride, self.space)
        self.padding = per_axis("padding", padding, self.space, low=0)
        self.dilation = per_axis("dilation", dilation, self.space)
        self.groups, self.padding_mode = groups, padding_mode
        self.ideals = self._coordinates(fan_in)
        retain_freed_fields()

    def _coordinates(self, fan_in: int) -> IdealCoordinates | None:
        """Coordinates of ideals, where they save enough."""
        ideals = find_ideals(self.algebra)
        full = len(self.in_blades) == len(self.out_blades) == self.algebra.n_blades
        if ideals is None or not full or type(self).entries is not ProductLayer.entries:
            return None
        share = self.out_channels / (self.in_channels + self.out_channels)
        saved = (self.algebra.n_blades - ideals.size) * fan_in * share
        return IdealCoordinates(ideals) if saved >= _MIN_SAVED_MULTIPLIES else None

    def expand(self) -> Tensor:
        """The real kernel (out_channels * K, in_channels / groups * J, *kernel_size).

        In coordinates of ideals as `IdealCoordinates.kernel`.
        """
        if self.ideals is not None:
            return self.ideals.kernel(self.weight, self.groups)
        return self.entries().movedim((0, 1), (1, 3)).flatten(2, 3).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve a field.

        Args:
            x: (B, in_channels, J, *space).

        Returns:
            (B, out_channels, K, *space').

        Raises:
            ArrayError: another shape, or a field smaller than its circular or reflected rim.
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
            images, padding = pad_field(images, padding, self.padding_mode), (0,) * self.space
        convolve = _CONV[self.space]
        return convolve(images, kernel, bias, self.stride, padding, self.dilation, groups)

    def _forward_in_ideals(self, x: Tensor, ideals: IdealCoordinates) -> Tensor:
        kernel = self.kernel()
        bias = None if self.bias is None else ideals.bias(self.bias, self.groups)
        if torch.is_grad_enabled() or is_traced(x) or is_traced(kernel):
            entered, groups = ideals.enter(x, self.groups), ideals.count * self.groups
            return ideals.leave(self._convolve(entered, kernel, bias, groups), self.groups)
        return self._forward_in_chunks(x, ideals, kernel, bias)

    def _forward_in_chunks(
        self, x: Tensor, ideals: IdealCoordinates, kernel: Tensor, bias: Tensor | None
    ) -> Tensor:
        """As `_forward_in_ideals`, some fields at a time in the same memory; without derivatives."""
        size = _choose_chunk_size(x)
        inside = x.new_empty(min(size, len(x)), self.in_channels * x.shape[2], *x.shape[3:])
        made: Tensor | None = None
        for first in range(0, max(1, len(x)), size):
            part = x[first : first + size]
            entered = ideals.enter(part, self.groups, inside[: len(part)])
            y = self._convolve(entered, kernel, bias, ideals.count * self.groups)
            if made is None:
                made = y.new_empty(len(x), self.out_channels, len(self.out_blades), *y.shape[2:])
            ideals.leave(y, self.groups, made[first : first + size])
        assert made is not None
        return made

    def extra_repr(self) -> str:
        """What `print` shows of the layer."""
        return (
            f"{super().extra_repr()}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding} {self.padding_mode}, groups={self.groups}"
        )


def _choose_chunk_size(x: Tensor) -> int:
    """Into parts of how many fields a batch is split while no gradient is recorded.

    On a CPU narrow fields go through in parts that its caches hold, with all that is made on the
    way. Wide ones, of which one is too large for that, go one by one only where the allocator would
    give what is freed back to the system, and get it again for every operation.
    """
    part, each = _CHUNK_NUMBERS * torch.get_num_threads(), max(1, x[:1].numel())
    if x.device.type != "cpu" or (each > part and retains_freed(x.nbytes)):
        return max(1, len(x))
    return max(1, part // each)


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
    """A transposed Clifford convolution over `space` axes, which enlarges fields.

    Each input multivector x spreads the products x w over its neighbourhood. Size by axis:
    (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1.

    Args:
        g: the algebra, or its signature as a list of squares.
        in_channels, out_channels: how many multivectors at each place.
        kernel_size, stride, padding, output_padding: one number, or one for each axis of space.
        groups: as in the convolutions.
        bias: whether a learned multivector is added to each output channel.
        dilation: one number, or one for each axis of space.
        in_grades, out_grades: the grades that inputs have and outputs need; None for all.

    Attributes:
        weight: (L, in_channels, out_channels / groups, *kernel_size).
        bias: (out_channels, K) or None.

    Raises:
        UsageError: as the convolutions.
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
        size = per_axis("kernel_size", kernel_size, self.space)
        shape = (in_channels, out_channels // groups, *size)
        fan_in = in_channels // groups * math.prod(size)
        super().__init__(g, in_channels, out_channels, shape, fan_in, bias, in_grades, out_grades)
        self.kernel_size = size
        self.stride = per_axis("stride", stride, self.space)
        self.padding = per_axis("padding", padding, self.space, low=0)
        self.output_padding = per_axis("output_padding", output_padding, self.space, low=0)
        self.dilation = per_axis("dilation", dilation, self.space)
        self.groups = groups

    def expand(self) -> Tensor:
        """The real kernel (in_channels * J, out_channels / groups * K, *kernel_size)."""
        entries = self.entries().movedim((0, 1), (3, 1))
        return entries.flatten(2, 3).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge a field.

        Args:
            x: (B, in_channels, J, *space).

        Returns:
            (B, out_channels, K, *space').

        Raises:
            ArrayError: another shape.
        """
        check_field(x, self.in_channels, len(self.in_blades), self.space, type(self).__name__)
        bias = None if self.bias is None else self.bias.flatten()
        spread = _TRANSPOSED[self.space]
        sizes = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        y = spread(x.flatten(1, 2), self.kernel(), bias, *sizes)
        return split_channels(y, len(self.out_blades))


class CliffordConvTranspose1d(CliffordConvTranspose):
    """Transposed convolution over one axis of space; see `CliffordConvTranspose`."""

    space = 1


class CliffordConvTranspose2d(CliffordConvTranspose):
    """Transposed convolution over two axes of space; see `CliffordConvTranspose`."""

    space = 2


class CliffordConvTranspose3d(CliffordConvTranspose):
    """Transposed convolution over three axes of space; see `CliffordConvTranspose`."""

    space = 3


def per_axis(name: str, value: Sizes, axes: int, *, low: int = 1) -> tuple[int, ...]:
    """One number for each axis.

    Raises:
        UsageError: not that many numbers, or one below `low`.
    """
    numbers = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(numbers) != axes or min(numbers) < low:
        raise UsageError(f"{name} must be {axes} numbers of at least {low} (or one), not {value}.")
    return numbers


def check_groups(in_channels: int, out_channels: int, groups: int) -> None:
    """See that the groups divide the channels.

    Raises:
        UsageError: they do not, or are not positive.
    """
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise UsageError(
            f"groups={groups} must divide both in_channels={in_channels} and "
            f"out_channels={out_channels}."
        )
