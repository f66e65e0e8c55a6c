"""Products with a matrix of -1, 0 and 1, computed by few additions of whole planes.

A plane is the array of all numbers of one blade or coordinate. Each row of the matrix is a signed
sum of planes. Rows of equal signs whose planes are evenly spaced are added together, on strided
views: in Cl(2, 0) the sums of blades 0 and 1 and of blades 2 and 3 are one addition.
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
"""Index of a target plane, followed by those of the planes it is the sum of."""


@dataclass(frozen=True)
class SumGroup:
    """Sums that are added together.

    Attributes:
        targets: indices of the target planes.
        terms: indices of the planes of the first term of each sum, the second, ..., with their
            sign.
    """

    targets: slice
    terms: tuple[tuple[slice, int], ...]


def plan_sums(table: NDArray[Any]) -> tuple[SumGroup, ...]:
    """Group the sums of a matrix.

    Args:
        table: (targets, planes) of -1, 0 and 1; each row has at least two nonzero entries, at
            least one of them 1.

    Returns:
        Groups that contain each target once; the sign of first terms is 1.
    """
    by_signs: dict[tuple[int, ...], list[Row]] = {}
    for target, row in enumerate(table):
        planes = sorted((int(k) for k in np.flatnonzero(row)), key=lambda k: -row[k])
        by_signs.setdefault(tuple(int(row[k]) for k in planes), []).append((target, *planes))
    return tuple(
        _create_group(run, signs) for signs, rows in by_signs.items() for run in _split_runs(rows)
    )


def _split_runs(rows: list[Row]) -> list[list[Row]]:
    """Split rows into runs in which each index grows by a constant step."""
    runs: list[list[Row]] = []
    for row in rows:
        longer = [*runs[-1], row] if runs else [row]
        steps = {_subtract(a, b) for a, b in pairwise(longer)}
        if len(steps) == 1 and min(map(min, steps)) > 0:
            runs[-1] = longer
        else:
            runs.append([row])
    return runs


def _create_group(rows: list[Row], signs: tuple[int, ...]) -> SumGroup:
    steps = _subtract(*rows[:2]) if len(rows) > 1 else (1,) * len(rows[0])
    ranges = zip(rows[0], rows[-1], steps, strict=True)
    targets, *terms = (slice(first, last + 1, step) for first, last, step in ranges)
    return SumGroup(targets, tuple(zip(terms, signs, strict=True)))


def _subtract(first: Row, second: Row) -> Row:
    return tuple(b - a for a, b in zip(first, second, strict=True))


def accumulate_sums(groups: tuple[SumGroup, ...], planes: Tensor, out: Tensor) -> None:
    """Write the sums of planes (planes, ...) to `out` (targets, ...)."""
    for group in groups:
        (first, _), (second, second_sign), *rest = group.terms
        targets = out[group.targets]
        torch.add(planes[first], planes[second], alpha=second_sign, out=targets)
        for term, sign in rest:
            targets.add_(planes[term], alpha=sign)


def compute_sums(groups: tuple[SumGroup, ...], planes: Tensor) -> Tensor:
    """Return the sums as a new tensor, without in-place operations, which compilers optimise."""
    sums: dict[int, Tensor] = {}
    for group in groups:
        total = torch.stack([planes[term] * sign for term, sign in group.terms]).sum(0)
        sums.update(zip(range(len(planes))[group.targets], total, strict=True))
    return torch.stack([sums[target] for target in sorted(sums)])
