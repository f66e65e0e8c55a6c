"""The rule for elementwise products of two values: gates, squeeze-and-excitation.

Such a product is a batched matrix product with one term: axes that both values have are heads, axes
along which one of them is broadcast are rows or columns.
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
    """Read an elementwise product with broadcasting."""
    factors = node.args[:2]
    order, layer = _stored_order(reader, node), _build_layer(reader, node)
    for value in factors:
        if layer is None:
            rank = value.meta["val"].ndim
            axes = [axis - (len(order) - rank) for axis in order]
            reader.materialise(value, [axis for axis in axes if axis >= 0])
            order, layer = _stored_order(reader, node), _build_layer(reader, node)
    if layer is None:
        raise unsupported(node, "the memory layouts of its factors do not match")
    reader.add_layer(layer)
    view = contiguous_view(node.name, [node.meta["val"].shape[axis] for axis in order])
    reader.views[node.name] = replace(view, index=view.index.transpose(np.argsort(order)))


@dataclass(frozen=True)
class _Factor:
    """A factor, broadcast to the shape of the product.

    Attributes:
        view: the view of the value.
        index: index of each element in the stored value.
        steps: stride of each axis; 0 where the value is broadcast.
    """

    view: View
    index: Array
    steps: tuple[int, ...]

    def layout(self, axes: list[list[int]]) -> tuple[int, ...] | None:
        """Return (offset, stride of each group of axes); None if a group has no single stride."""
        order = [axis for group in axes for axis in group]
        sizes = [[self.index.shape[axis] for axis in group] for group in axes]
        index = self.index.transpose(order).reshape([int(np.prod(size)) for size in sizes])
        strides = find_strides(index)
        return None if strides is None else (int(index.flat[0]), *strides)


def _factors(reader: Reader, node: Any) -> tuple[_Factor, _Factor]:
    shape = node.meta["val"].shape
    factors = []
    for value in node.args[:2]:
        view = reader.view(value)
        index = np.broadcast_to(view.index, tuple(shape))
        steps = tuple(
            int(np.take(index, 1, axis).flat[0] - index.flat[0]) if count > 1 else 0
            for axis, count in enumerate(shape)
        )
        factors.append(_Factor(view, index, steps))
    return factors[0], factors[1]


def _group_axes(a: _Factor, b: _Factor) -> list[list[int]]:
    """Return the axes of both factors, of b only and of a only, each by descending stride."""
    groups: list[list[int]] = [[], [], []]
    for axis, (of_a, of_b) in enumerate(zip(a.steps, b.steps, strict=True)):
        alone = bool(of_a) != bool(of_b)
        groups[0 if not alone else 1 if of_b else 2].append(axis)
    for group, factor in zip(groups, (a, b, a), strict=True):
        group.sort(key=lambda axis: -abs(factor.steps[axis]))
    return groups


def _stored_order(reader: Reader, node: Any) -> list[int]:
    """Return the axes in the order in which the product is stored."""
    return [axis for group in _group_axes(*_factors(reader, node)) for axis in group]


def _build_layer(reader: Reader, node: Any) -> FloatMatMul | None:
    """Return the product as a layer; None if a factor has no strided layout."""
    a, b = _factors(reader, node)
    groups = _group_axes(a, b)
    left, right = a.layout(groups), b.layout(groups)
    if left is None or right is None:
        return None
    heads, columns, rows = (int(np.prod([a.index.shape[i] for i in group])) for group in groups)
    return FloatMatMul(
        node.name, module_path(node), (heads, columns, rows), a.view.name, b.view.name, 1,
        (left[0], left[1], left[3], 0), (right[0], right[1], 0, right[2]),
    )  # fmt: skip
