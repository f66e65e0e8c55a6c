"""The rule for products of two values, element by element: gates, squeeze-and-excitation.

Such a product is a matrix product of one term, so nothing else on the device is new for it: axes
that both values have are heads, axes along which one of them repeats are rows or columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kinoloom.tiny.front.float_network import FloatMatMul
from kinoloom.tiny.front.reader import Reader, module_path, unsupported
from kinoloom.tiny.front.views import View, contiguous_view, find_strides
from kinoloom.tiny.ir.program import Array


def read_product(reader: Reader, node: Any) -> None:
    """The product of two values, either of them repeated along axes where torch does so."""
    factors = node.args[:2]
    order, layer = _order(reader, node), _layer(reader, node)
    for value in factors:
        if layer is None:
            rank = value.meta["val"].ndim
            own = [axis - (len(order) - rank) for axis in order]
            reader.materialise(value, [axis for axis in own if axis >= 0])
            order, layer = _order(reader, node), _layer(reader, node)
    if layer is None:
        raise unsupported(node, "the elements of its factors lie in orders that do not go together")
    reader.add_layer(layer)
    made = contiguous_view(node.name, [node.meta["val"].shape[axis] for axis in order])
    reader.views[node.name] = replace(made, index=made.index.transpose(np.argsort(order)))


@dataclass(frozen=True)
class _Factor:
    """One of the two values, as wide as the product.

    Attributes:
        index: the place of each element.
        steps: by axis, the distance of the first two elements; 0 where the value repeats.
    """

    view: View
    index: Array
    steps: tuple[int, ...]

    def places(self, axes: list[list[int]]) -> tuple[int, ...] | None:
        """(first place, stride of each group of axes); None if a group has none."""
        order = [axis for group in axes for axis in group]
        sizes = [[self.index.shape[axis] for axis in group] for group in axes]
        index = self.index.transpose(order).reshape([int(np.prod(size)) for size in sizes])
        strides = find_strides(index)
        return None if strides is None else (int(index.flat[0]), *strides)


def _factors(reader: Reader, node: Any) -> tuple[_Factor, _Factor]:
    shape = node.meta["val"].shape
    found = []
    for value in node.args[:2]:
        view = reader.view(value)
        index = np.broadcast_to(view.index, tuple(shape))
        steps = tuple(
            int(np.take(index, 1, axis).flat[0] - index.flat[0]) if count > 1 else 0
            for axis, count in enumerate(shape)
        )
        found.append(_Factor(view, index, steps))
    return found[0], found[1]


def _groups(a: _Factor, b: _Factor) -> list[list[int]]:
    """Axes of both, of b alone, of a alone: each from the largest step to the smallest."""
    groups: list[list[int]] = [[], [], []]
    for axis, (of_a, of_b) in enumerate(zip(a.steps, b.steps, strict=True)):
        alone = bool(of_a) != bool(of_b)
        groups[0 if not alone else 1 if of_b else 2].append(axis)
    for group, factor in zip(groups, (a, b, a), strict=True):
        group.sort(key=lambda axis: -abs(factor.steps[axis]))
    return groups


def _order(reader: Reader, node: Any) -> list[int]:
    """The axes in the order in which the product is stored."""
    return [axis for group in _groups(*_factors(reader, node)) for axis in group]


def _layer(reader: Reader, node: Any) -> FloatMatMul | None:
    """The product of one term, if both values lie in strides that it can walk."""
    a, b = _factors(reader, node)
    groups = _groups(a, b)
    left, right = a.places(groups), b.places(groups)
    if left is None or right is None:
        return None
    heads, columns, rows = (int(np.prod([a.index.shape[i] for i in group])) for group in groups)
    return FloatMatMul(
        node.name, module_path(node), (heads, columns, rows), a.view.name, b.view.name, 1,
        (left[0], left[1], left[3], 0), (right[0], right[1], 0, right[2]),
    )  # fmt: skip
