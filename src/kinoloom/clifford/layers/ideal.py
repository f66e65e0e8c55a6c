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
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kinoloom.clifford.ideals import Ideals
from kinoloom.clifford.layers.linear_map import linear_map

_BLADES_FIRST, _BLADES_FOURTH = (3, 0, 1, 2, 4), (1, 2, 3, 0, 4)
_PLANES_FIRST, _PLANES_THIRD = (2, 0, 1, 3, 4), (1, 2, 0, 3, 4)
"""Orders of axes that bring the planes to be added to the front, and back."""


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
        self._entering, self._leaving = sums_of(table), sums_of(table.T)
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
            made = _traced(self._entering, apart.permute(_BLADES_FIRST)).permute(_PLANES_THIRD)
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
            made = _traced(self._leaving, apart.permute(_PLANES_FIRST)).permute(_BLADES_FOURTH)
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
        _add_up(self._entering, x.permute(_BLADES_FIRST), made.permute(_PLANES_FIRST))
        return made

    def _leave(self, y: Tensor, into: Tensor | None = None) -> Tensor:
        """(B, G, I, c, N) to (B, G, c, I, N): planes of one channel are neighbours."""
        batch, groups, blades, channels, places = y.shape
        shape = (batch, groups, channels, blades, places)
        made = y.new_empty(shape) if into is None else into.view(shape)
        _add_up(self._leaving, y.permute(_PLANES_FIRST), made.permute(_BLADES_FIRST))
        return made


@dataclass(frozen=True)
class Sums:
    """Planes that are sums of as many others with the same signs, so that they are added at once.

    Attributes:
        targets: which planes are made.
        terms: for each term of the sums which planes it takes, and its sign; those of 1 first.
    """

    targets: slice
    terms: tuple[tuple[slice, int], ...]


def sums_of(table: NDArray[Any]) -> tuple[Sums, ...]:
    """The products with a table of -1, 0, 1 as sums of planes, as few as evenly spaced ones allow.

    Args:
        table: (targets, planes); each row has at least two entries, one of them 1.
    """
    by_signs: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for target, row in enumerate(table):
        planes = sorted(np.flatnonzero(row), key=lambda plane: -row[plane])
        signs = tuple(int(row[plane]) for plane in planes)
        by_signs.setdefault(signs, []).append((target, *map(int, planes)))
    return tuple(
        _sums(run, signs) for signs, rows in by_signs.items() for run in _evenly_spaced(rows)
    )


def _evenly_spaced(rows: list[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    """Rows of ascending numbers split where a column does not go on by the step it had."""
    runs: list[list[tuple[int, ...]]] = []
    step: tuple[int, ...] = ()
    for row in rows:
        last = runs[-1][-1] if runs else row
        now = tuple(b - a for a, b in zip(last, row, strict=True))
        if min(now) > 0 and (len(runs[-1]) == 1 or now == step):
            runs[-1].append(row)
        else:
            runs.append([row])
        step = now
    return runs


def _sums(rows: list[tuple[int, ...]], signs: tuple[int, ...]) -> Sums:
    steps = (1,) * len(rows[0])
    if len(rows) > 1:
        steps = tuple(b - a for a, b in zip(*rows[:2], strict=True))
    every = zip(rows[0], rows[-1], steps, strict=True)
    targets, *terms = (slice(first, last + 1, step) for first, last, step in every)
    return Sums(targets, tuple(zip(terms, signs, strict=True)))


def _add_up(sums: tuple[Sums, ...], planes: Tensor, made: Tensor) -> None:
    """Write sums of planes (I, ...) to those of `made`."""
    for each in sums:
        (first, _), (second, sign), *rest = each.terms
        out = made[each.targets]
        torch.add(planes[first], planes[second], alpha=sign, out=out)
        for plane, its in rest:
            out.add_(planes[plane], alpha=its)


def _traced(sums: tuple[Sums, ...], planes: Tensor) -> Tensor:
    """The same as a new tensor, without writing to memory: for compilers, which do that better."""
    made: dict[int, Tensor] = {}
    for each in sums:
        total = torch.stack([planes[plane] * sign for plane, sign in each.terms]).sum(0)
        made.update(zip(range(len(planes))[each.targets], total, strict=True))
    return torch.stack([made[target] for target in sorted(made)])
