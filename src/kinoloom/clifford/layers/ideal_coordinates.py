"""Ideal coordinates of fields and weights, in which convolutions need fewer multiplications.

A right product is then m products of d numbers and a d x d matrix (see `kinoloom.clifford.ideals`),
so a convolution of C * I channels becomes one of m groups of C * d channels.

A coordinate is a signed sum of m blades. The inverse is the transpose divided by m; the division is
applied to the weights instead. So each direction is the derivative of the other, and both are a few
additions of whole planes into memory that is allocated once: narrow layers are limited by memory
bandwidth, not by arithmetic.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from kinoloom.clifford.ideals import Ideals
from kinoloom.clifford.layers.linear_map import linear_map
from kinoloom.clifford.layers.signed_sums import accumulate_sums, compute_sums, plan_sums


class IdealCoordinates(nn.Module):
    """Conversion of fields and weights to ideal coordinates, and of fields back.

    Args:
        ideals: decomposition of an algebra.
    """

    basis: Tensor
    matrices: Tensor

    def __init__(self, ideals: Ideals) -> None:
        super().__init__()
        self.count = ideals.count
        table = ideals.basis.reshape(ideals.count * ideals.size, -1)
        self._forward_sums, self._inverse_sums = plan_sums(table), plan_sums(table.T)
        dtype = torch.get_default_dtype()
        self.register_buffer("basis", torch.tensor(table, dtype=dtype), persistent=False)
        matrices = torch.tensor(ideals.matrices / ideals.count, dtype=dtype)
        self.register_buffer("matrices", matrices, persistent=False)

    def convert_kernel(self, weight: Tensor, groups: int) -> Tensor:
        """Convert weights (I, out, in / groups, *k) to the kernel of groups * m groups.

        Returns:
            (m * out * d, in / groups * d, *k); channels ordered by group, ideal, coordinate.
        """
        entries = torch.tensordot(self.matrices, weight, dims=1).unflatten(3, (groups, -1))
        rows = entries.movedim((3, 0, 1, 4, 2), (0, 1, 2, 3, 4))
        kernel: Tensor = rows.flatten(4, 5).flatten(0, 3)
        return kernel

    def convert_bias(self, bias: Tensor, groups: int) -> Tensor:
        """Convert multivectors (C, I) to numbers (C * I,) that are added to the images."""
        entries = (self.basis / self.count @ bias.T).reshape(len(self.basis), groups, -1)
        return entries.transpose(0, 1).flatten()

    def to_ideals(self, x: Tensor, groups: int, out: Tensor | None = None) -> Tensor:
        """Convert fields (B, C, I, *space) to images (B, C * I, *space) for the kernel.

        Args:
            x: fields.
            groups: number of blocks of channels.
            out: contiguous memory for the result; the function is then not differentiable.
        """
        batch, channels, blades, *space = x.shape
        grouped = x.reshape(batch, groups, channels // groups, blades, math.prod(space))
        if torch.compiler.is_compiling():
            planes = compute_sums(self._forward_sums, grouped.movedim(3, 0)).movedim(0, 2)
        elif out is not None:
            planes = self._apply_basis(grouped, out)
        else:
            planes = linear_map(grouped, self._apply_basis, self._apply_transpose)
        return planes.reshape(batch, channels * blades, *space)

    def from_ideals(self, y: Tensor, groups: int, out: Tensor | None = None) -> Tensor:
        """Convert images (B, C * I, *space) to fields (B, C, I, *space); see `to_ideals`."""
        batch, numbers, *space = y.shape
        blades = self.basis.shape[1]
        grouped = y.reshape(batch, groups, blades, numbers // blades // groups, math.prod(space))
        if torch.compiler.is_compiling():
            planes = compute_sums(self._inverse_sums, grouped.movedim(2, 0)).movedim(0, 3)
        elif out is not None:
            planes = self._apply_transpose(grouped, out)
        else:
            planes = linear_map(grouped, self._apply_transpose, self._apply_basis)
        return planes.reshape(batch, numbers // blades, blades, *space)

    def _apply_basis(self, x: Tensor, out: Tensor | None = None) -> Tensor:
        """Map (B, G, c, I, N) to (B, G, I, c, N): planes of one coordinate are adjacent."""
        batch, groups, channels, blades, cells = x.shape
        shape = (batch, groups, blades, channels, cells)
        result = x.new_empty(shape) if out is None else out.view(shape)
        accumulate_sums(self._forward_sums, x.movedim(3, 0), result.movedim(2, 0))
        return result

    def _apply_transpose(self, y: Tensor, out: Tensor | None = None) -> Tensor:
        """Map (B, G, I, c, N) to (B, G, c, I, N): planes of one channel are adjacent."""
        batch, groups, blades, channels, cells = y.shape
        shape = (batch, groups, channels, blades, cells)
        result = y.new_empty(shape) if out is None else out.view(shape)
        accumulate_sums(self._inverse_sums, y.movedim(2, 0), result.movedim(3, 0))
        return result
