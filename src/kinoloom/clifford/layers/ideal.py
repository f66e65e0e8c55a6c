"""Products in coordinates of ideals: what wide convolutions use to need fewer multiplications.

In them a product from the right is m equal products of d numbers by a d x d matrix (see
`kinoloom.clifford.ideals`). The m rows are put into the batch: a convolution of C * I channels
becomes one of C * d channels over m times the fields.

A coordinate is a sum of m blades with signs, and the way back is the transpose of the way in, up to
m, by which weights are divided. So each way is the other's derivative, and both are a few additions
of whole planes into memory that is taken once: what limits narrow layers is memory, not arithmetic.
"""

from __future__ import annotations

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

    def __init__(self, ideals: Ideals) -> None:
        super().__init__()
        self.count, self.size = ideals.count, ideals.size
        self.leaving, self.entering = _sums(ideals.out), _sums(ideals.out.T)
        matrices = torch.tensor(ideals.matrices / ideals.count, dtype=torch.get_default_dtype())
        self.register_buffer("matrices", matrices, persistent=False)

    def kernel(self, weight: Tensor, groups: int) -> Tensor:
        """Weights (I, out, in / groups, *k) as the kernel of a plain convolution.

        Returns:
            (out * d, in / groups * d, *k); in each group of channels, all of a coordinate's are
            neighbours.
        """
        entries = torch.tensordot(self.matrices, weight, dims=1)
        by_group = entries.unflatten(2, (groups, -1)).movedim((2, 0, 3, 1), (0, 1, 2, 3))
        made: Tensor = by_group.flatten(3, 4).flatten(0, 2)
        return made

    def enter(self, x: Tensor, groups: int) -> Tensor:
        """Fields (B, C, I, *space) as images (m * B, C * d, *space) for `kernel`."""
        flat = x.reshape(x.shape[0], groups, -1, x.shape[2], x.shape[3:].numel())
        rows = self._differentiable(_Enter, self.enter_rows, flat)
        return rows.reshape(self.count * x.shape[0], -1, *x.shape[3:])

    def leave(self, y: Tensor, groups: int, bias: Tensor | None, spare: Tensor | None) -> Tensor:
        """Images (m * B, C * d, *space) as fields (B, C, I, *space).

        Args:
            y: the images, channels as `kernel` leaves them.
            groups: into how many blocks channels are split.
            bias: (C, I), added; or None.
            spare: memory that the result may take, used if it fits and no gradient is recorded.
        """
        batch, space = y.shape[0] // self.count, y.shape[2:]
        rows = y.reshape(batch, self.count, groups, self.size, -1, space.numel())
        shape = (batch, groups, rows.shape[4], self.count * self.size, rows.shape[5])
        if bias is not None:
            bias = bias.reshape(groups, -1, shape[3], 1)
        fits = spare is not None and spare.numel() == y.numel() and spare.dtype == y.dtype
        if spare is not None and fits and not torch.is_grad_enabled():
            made = self.leave_rows(rows, bias, spare.reshape(shape))
        else:
            made = self._differentiable(_Leave, self.leave_rows, rows, bias)
        return made.reshape(batch, -1, shape[3], *space)

    def _differentiable(self, function: Any, plain: Any, *inputs: Tensor | None) -> Tensor:
        """Through autograd where gradients are recorded, and open to compilers."""
        if torch.compiler.is_compiling() or not torch.is_grad_enabled():
            made: Tensor = plain(*inputs)
        else:
            made = function.apply(self, *inputs)
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

    def leave_rows(
        self, rows: Tensor, bias: Tensor | None = None, made: Tensor | None = None
    ) -> Tensor:
        """(B, m, G, d, c, N) to (B, G, c, I, N), into `made` if given; bias is (G, c, I, 1)."""
        planes = [rows[:, row, :, place] for row, place in self._coordinates]
        if torch.compiler.is_compiling():
            stacked = torch.stack([_traced(planes, terms) for terms in self.leaving], 3)
            return stacked if bias is None else stacked + bias
        batch, _, groups, _, channels, places = rows.shape
        if made is None:
            made = rows.new_empty(batch, groups, channels, len(planes), places)
        for blade, terms in enumerate(self.leaving):
            _sum(planes, terms, made[:, :, :, blade])
            if bias is not None:
                made[:, :, :, blade] += bias[:, :, blade]
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
        return None, _Leave.apply(ctx.coordinates, gradients[0], None)  # type: ignore[no-untyped-call]


class _Leave(torch.autograd.Function):
    """`IdealCoordinates.leave_rows`, whose transpose is `enter_rows`."""

    @staticmethod
    def forward(
        ctx: Any, coordinates: IdealCoordinates, rows: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.coordinates, ctx.biased = coordinates, bias is not None
        return coordinates.leave_rows(rows, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor | None]:
        bias = gradients[0].sum((0, 4))[..., None] if ctx.biased else None
        return None, _Enter.apply(ctx.coordinates, gradients[0]), bias  # type: ignore[no-untyped-call]


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
