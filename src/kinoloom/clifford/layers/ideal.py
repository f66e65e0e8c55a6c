"""Products in coordinates of ideals: what wide convolutions use to need fewer multiplications.

In them a product from the right is m equal products of d numbers by a d x d matrix (see
`kinoloom.clifford.ideals`). So a convolution of C * I channels becomes one of m groups of C * d
channels, all groups with the same weights.

A coordinate is a sum of m blades with signs, and the way back is the transpose of the way in, up to
m, by which weights are divided. So each way is the other's derivative, and both are a few additions
of whole planes into memory that is taken once: what limits narrow layers is memory, not arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kinoloom.clifford.ideals import Ideals

Sums = tuple[tuple[tuple[int, int], ...], ...]
"""For each sum its terms: (which plane, 1 or -1), those of 1 first."""


class IdealCoordinates(nn.Module):
    """Changes fields and weights into these coordinates, and fields back.

    Args:
        ideals: the coordinates of an algebra.
    """

    matrices: Tensor
    into: Tensor

    def __init__(self, ideals: Ideals) -> None:
        super().__init__()
        self.count, self.size = ideals.count, ideals.size
        self.leaving, self.entering = _sums(ideals.out), _sums(ideals.out.T)
        matrices = torch.tensor(ideals.matrices / ideals.count, dtype=torch.get_default_dtype())
        self.register_buffer("matrices", matrices, persistent=False)
        into = torch.tensor(ideals.into, dtype=torch.get_default_dtype())
        self.register_buffer("into", into, persistent=False)

    def kernel(self, weight: Tensor, groups: int) -> Tensor:
        """Weights (I, out, in / groups, *k) as the kernel of a convolution of m * groups groups.

        Returns:
            (m * out * d, in / groups * d, *k); in each group of channels, all of a coordinate's
            are neighbours.
        """
        entries = torch.tensordot(self.matrices, weight, dims=1)
        by_group = entries.unflatten(2, (groups, -1)).movedim((2, 0, 3, 1), (0, 1, 2, 3))
        made: Tensor = by_group.flatten(3, 4).flatten(0, 2)
        return made.repeat(self.count, *[1] * (made.dim() - 1))

    def bias(self, bias: Tensor, groups: int) -> Tensor:
        """Multivectors (C, I) to be added, as numbers (m * C * d,) for the convolution's output."""
        entries = (self.into @ bias.T).reshape(self.count, self.size, groups, -1)
        return entries.transpose(1, 2).flatten()

    def enter(self, x: Tensor, groups: int) -> Tensor:
        """Fields (B, C, I, *space) as images (B, m * C * d, *space) for `kernel`."""
        batch, channels, blades, *space = x.shape
        flat = x.reshape(batch, groups, channels // groups, blades, math.prod(space))
        rows = self._differentiable(_Enter, self.enter_rows, flat)
        return rows.reshape(batch, channels * blades, *space)

    def leave(self, y: Tensor, groups: int, into: Tensor | None = None) -> Tensor:
        """Images (B, m * C * d, *space) as fields (B, C, I, *space).

        Args:
            y: the images, channels as `kernel` leaves them.
            groups: into how many blocks channels are split.
            into: memory of the result, where no gradient is recorded.
        """
        batch, numbers, *space = y.shape
        blades = self.count * self.size
        channels, places = numbers // blades // groups, math.prod(space)
        rows = y.reshape(batch, self.count, groups, self.size, channels, places)
        if into is not None:
            made = self.leave_rows(rows, into.view(batch, groups, channels, blades, places))
        else:
            made = self._differentiable(_Leave, self.leave_rows, rows)
        return made.reshape(batch, groups * channels, blades, *space)

    def _differentiable(self, function: Any, plain: Any, x: Tensor) -> Tensor:
        """Through autograd where gradients are recorded, and open to compilers."""
        if torch.compiler.is_compiling() or not torch.is_grad_enabled():
            made: Tensor = plain(x)
        else:
            made = function.apply(self, x)
        return made

    def enter_rows(self, x: Tensor) -> Tensor:
        """(B, G, c, I, N) to (B, m, G, d, c, N)."""
        planes = x.unbind(3)
        if torch.compiler.is_compiling():
            stacked = torch.stack([_traced(planes, terms) for terms in self.entering], 1)
            rows = stacked.reshape(len(x), self.count, self.size, *stacked.shape[2:])
            return rows.transpose(2, 3)
        batch, groups, channels, _, places = x.shape
        made = x.new_empty(batch, self.count, groups, self.size, channels, places)
        targets = [made[:, row, :, place] for row, place in self._coordinates]
        for terms, target in zip(self.entering, targets, strict=True):
            _sum(planes, terms, target)
        return made

    def leave_rows(self, rows: Tensor, made: Tensor | None = None) -> Tensor:
        """(B, m, G, d, c, N) to (B, G, c, I, N), into `made` if given."""
        planes = [rows[:, row, :, place] for row, place in self._coordinates]
        if torch.compiler.is_compiling():
            return torch.stack([_traced(planes, terms) for terms in self.leaving], 3)
        batch, _, groups, _, channels, places = rows.shape
        if made is None:
            made = rows.new_empty(batch, groups, channels, len(planes), places)
        for blade, terms in enumerate(self.leaving):
            _sum(planes, terms, made[:, :, :, blade])
        return made

    @property
    def _coordinates(self) -> list[tuple[int, int]]:
        return [(row, place) for row in range(self.count) for place in range(self.size)]


class _Enter(torch.autograd.Function):
    """`IdealCoordinates.enter_rows`, whose transpose is `leave_rows`."""

    @staticmethod
    def forward(ctx: Any, coordinates: IdealCoordinates, x: Tensor) -> Tensor:
        ctx.coordinates = coordinates
        return coordinates.enter_rows(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, _Leave.apply(ctx.coordinates, gradients[0])  # type: ignore[no-untyped-call]


class _Leave(torch.autograd.Function):
    """`IdealCoordinates.leave_rows`, whose transpose is `enter_rows`."""

    @staticmethod
    def forward(ctx: Any, coordinates: IdealCoordinates, rows: Tensor) -> Tensor:
        ctx.coordinates = coordinates
        return coordinates.leave_rows(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, _Enter.apply(ctx.coordinates, gradients[0])  # type: ignore[no-untyped-call]


def _sums(table: NDArray[Any]) -> Sums:
    """The terms of each row of a table of -1, 0 and 1."""
    rows = [[(int(k), int(row[k])) for k in np.flatnonzero(row)] for row in table]
    return tuple(tuple(sorted(terms, key=lambda term: -term[1])) for terms in rows)


def _sum(planes: Sequence[Tensor], terms: Sequence[tuple[int, int]], out: Tensor) -> None:
    """One sum, written to `out`; there are at least two terms."""
    (first, sign), (second, other), *rest = terms
    torch.add(planes[first], planes[second], alpha=sign * other, out=out)
    for plane, its in rest:
        out.add_(planes[plane], alpha=sign * its)
    if sign < 0:
        out.neg_()


def _traced(planes: Sequence[Tensor], terms: Sequence[tuple[int, int]]) -> Tensor:
    """One sum, without writing to memory: for compilers, which do that better."""
    signed = [planes[plane] * sign for plane, sign in terms]
    return torch.stack(signed).sum(0) if len(signed) > 2 else signed[0] + signed[1]
