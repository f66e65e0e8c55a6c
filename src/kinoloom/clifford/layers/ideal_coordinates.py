"""Products in coordinates of ideals: what wide convolutions use to need fewer multiplications.

In them a product from the right is m products of d numbers by a d x d matrix (see
`kinoloom.clifford.ideals`). So a convolution of C * I channels becomes one of m groups of C * d
channels.

A coordinate is a sum of m blades with signs, and the way back is the transpose of the way in, up to
m, by which weights are divided. So each way is the other's derivative, and both are a few additions
of whole planes into memory that is taken once: what limits narrow layers is memory, not arithmetic.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from kinoloom.clifford.ideals import Ideals
from kinoloom.clifford.layers.linear_map import linear_map
from kinoloom.clifford.layers.signed_sums import accumulate_sums, plan_sums, traced


class IdealCoordinates(nn.Module):
    """Changes fields and weights into these coordinates, and fields back.

    Args:
        ideals: the ideals of an algebra.
    """

    basis: Tensor
    matrices: Tensor

    def __init__(self, ideals: Ideals) -> None:
        super().__init__()
        self.count = ideals.count
        table = ideals.basis.reshape(ideals.count * ideals.size, -1)
        self._entering, self._leaving = plan_sums(table), plan_sums(table.T)
        kind = torch.get_default_dtype()
        self.register_buffer("basis", torch.tensor(table, dtype=kind), persistent=False)
        matrices = torch.tensor(ideals.matrices / ideals.count, dtype=kind)
        self.register_buffer("matrices", matrices, persistent=False)

    def kernel(self, weight: Tensor, groups: int) -> Tensor:
        """Weights (I, out, in / groups, *k) as the kernel of a convolution of groups * m groups.

        Returns:
            (m * out * d, in / groups * d, *k); channels ordered by group, ideal, coordinate.
        """
        entries = torch.tensordot(self.matrices, weight, dims=1).unflatten(3, (groups, -1))
        rows = entries.movedim((3, 0, 1, 4, 2), (0, 1, 2, 3, 4))
        made: Tensor = rows.flatten(4, 5).flatten(0, 3)
        return made

    def bias(self, bias: Tensor, groups: int) -> Tensor:
        """Multivectors (C, I) to be added, as numbers (C * I,) for the convolution's output."""
        entries = (self.basis / self.count @ bias.T).reshape(len(self.basis), groups, -1)
        return entries.transpose(0, 1).flatten()

    def enter(self, x: Tensor, groups: int, into: Tensor | None = None) -> Tensor:
        """Fields (B, C, I, *space) as images (B, C * I, *space) for `kernel`.

        Args:
            x: the fields.
            groups: into how many blocks channels are split.
            into: contiguous memory for the result, where no derivative is wanted.
        """
        batch, channels, blades, *space = x.shape
        apart = x.reshape(batch, groups, channels // groups, blades, math.prod(space))
        if torch.compiler.is_compiling():
            made = traced(self._entering, apart.movedim(3, 0)).movedim(0, 2)
        elif into is not None:
            made = self._enter(apart, into)
        else:
            made = linear_map(apart, self._enter, self._leave)
        return made.reshape(batch, channels * blades, *space)

    def leave(self, y: Tensor, groups: int, into: Tensor | None = None) -> Tensor:
        """Images (B, C * I, *space) as fields (B, C, I, *space); arguments as `enter`."""
        batch, numbers, *space = y.shape
        blades = self.basis.shape[1]
        apart = y.reshape(batch, groups, blades, numbers // blades // groups, math.prod(space))
        if torch.compiler.is_compiling():
            made = traced(self._leaving, apart.movedim(2, 0)).movedim(0, 3)
        elif into is not None:
            made = self._leave(apart, into)
        else:
            made = linear_map(apart, self._leave, self._enter)
        return made.reshape(batch, numbers // blades, blades, *space)

    def _enter(self, x: Tensor, into: Tensor | None = None) -> Tensor:
        """(B, G, c, I, N) to (B, G, I, c, N): planes of one coordinate are neighbours."""
        batch, groups, channels, blades, places = x.shape
        shape = (batch, groups, blades, channels, places)
        made = x.new_empty(shape) if into is None else into.view(shape)
        accumulate_sums(self._entering, x.movedim(3, 0), made.movedim(2, 0))
        return made

    def _leave(self, y: Tensor, into: Tensor | None = None) -> Tensor:
        """(B, G, I, c, N) to (B, G, c, I, N): planes of one channel are neighbours."""
        batch, groups, blades, channels, places = y.shape
        shape = (batch, groups, channels, blades, places)
        made = y.new_empty(shape) if into is None else into.view(shape)
        accumulate_sums(self._leaving, y.movedim(2, 0), made.movedim(3, 0))
        return made
