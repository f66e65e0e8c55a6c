"""Products with a table of -1, 0 and 1 as few additions of whole planes.

A plane is all numbers of one blade, or of one coordinate. A product of the table with all planes is
one sum for each of its rows. Rows of the same signs whose planes are evenly spaced are added up at
once, on views with a step: in Cl(2, 0) the sums of blades 0 and 1 and of 2 and 3 are one addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Row = tuple[int, ...]
"""A target and the planes that it is a sum of."""


@dataclass(frozen=True)
class SumGroup:
    """Some of the sums, which are added up at once.

    Attributes:
        targets: which planes are made.
        terms: which planes are the first of each sum, the second and so on, and their sign.
    """

    targets: slice
    terms: tuple[tuple[slice, int], ...]


def plan_sums(table: NDArray[Any]) -> tuple[SumGroup, ...]:
    """The sums of a table.

    Args:
        table: (targets, planes) of -1, 0, 1; each row has at least two entries, one of them 1.

    Returns:
        Each target in one of them; first terms have the sign 1.
    """
    by_signs: dict[tuple[int, ...], list[Row]] = {}
    for target, row in enumerate(table):
        planes = sorted((int(k) for k in np.flatnonzero(row)), key=lambda k: -row[k])
        by_signs.setdefault(tuple(int(row[k]) for k in planes), []).append((target, *planes))
    return tuple(
        _at_once(rows, signs) for signs, every in by_signs.items() for rows in _evenly_spaced(every)
    )


def _evenly_spaced(rows: list[Row]) -> list[list[Row]]:
    """Rows in runs in which every number grows by a step of its own."""
    runs: list[list[Row]] = []
    for row in rows:
        longer = [*runs[-1], row] if runs else [row]
        steps = {_steps(one, other) for one, other in pairwise(longer)}
        if len(steps) == 1 and min(map(min, steps)) > 0:
            runs[-1] = longer
        else:
            runs.append([row])
    return runs


def _at_once(rows: list[Row], signs: tuple[int, ...]) -> SumGroup:
    steps = _steps(*rows[:2]) if len(rows) > 1 else (1,) * len(rows[0])
    every = zip(rows[0], rows[-1], steps, strict=True)
    targets, *terms = (slice(first, last + 1, step) for first, last, step in every)
    return SumGroup(targets, tuple(zip(terms, signs, strict=True)))


def _steps(one: Row, other: Row) -> Row:
    return tuple(b - a for a, b in zip(one, other, strict=True))


def accumulate_sums(sums: tuple[SumGroup, ...], planes: Tensor, made: Tensor) -> None:
    """Write the sums of planes (planes, ...) to `made` (targets, ...)."""
    for each in sums:
        (first, _), (second, sign), *rest = each.terms
        out = made[each.targets]
        torch.add(planes[first], planes[second], alpha=sign, out=out)
        for plane, its in rest:
            out.add_(planes[plane], alpha=its)


def traced(sums: tuple[SumGroup, ...], planes: Tensor) -> Tensor:
    """The same as a new tensor, without writing to memory: for compilers, which do that better."""
    made: dict[int, Tensor] = {}
    for each in sums:
        total = torch.stack([planes[plane] * sign for plane, sign in each.terms]).sum(0)
        made.update(zip(range(len(planes))[each.targets], total, strict=True))
    return torch.stack([made[target] for target in sorted(made)])
