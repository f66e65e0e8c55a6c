"""Rules for what goes element by element: clamps, curves, sums, factors; any order of elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kinoloom.tiny.front.convolutions import add_feature_map
from kinoloom.tiny.front.float_network import (
    FloatAdd,
    FloatAffine,
    FloatClamp,
    FloatConcat,
    FloatLookup,
)
from kinoloom.tiny.front.products import read_product
from kinoloom.tiny.front.reader import (
    Reader,
    batchless_shape,
    get_argument,
    module_path,
    unsupported,
)
from kinoloom.tiny.front.views import View, contiguous_view
from kinoloom.tiny.ir.program import Shape

Rule = Callable[[Reader, Any], None]


def elementwise_head(reader: Reader, node: Any, view: View) -> tuple[str, str, Shape, str]:
    """What a layer that keeps the order of elements begins with: (name, module, shape, x)."""
    reader.views[node.name] = replace(view, name=node.name)
    return node.name, module_path(node), reader.shape(view.name), view.name


def clamp_rule(low: float | None, high: float | None) -> Rule:
    """A rule for an activation function that is a clamp of fixed bounds."""

    def rule(reader: Reader, node: Any) -> None:
        head = elementwise_head(reader, node, reader.whole_view(node.args[0]))
        reader.add_layer(FloatClamp(*head, low=low, high=high))

    return rule


def bounded_clamp_rule(low: tuple[str, float | None], high: tuple[str, float | None]) -> Rule:
    """A rule for a clamp whose bounds are arguments, each (name, default)."""

    def rule(reader: Reader, node: Any) -> None:
        bounds = [get_argument(node, place, *given) for place, given in ((1, low), (2, high))]
        if any(v is not None and not isinstance(v, int | float) for v in bounds):
            raise unsupported(node, "the bounds must be numbers")
        clamp_rule(*bounds)(reader, node)

    return rule


def activation_rule(kind: str, name: str = "", default: float = 0.0) -> Rule:
    """A rule for a function that becomes a table; `name` is that of its parameter."""

    def rule(reader: Reader, node: Any) -> None:
        value = get_argument(node, 1, name, default) if name else default
        which = kind
        if kind == "gelu" and get_argument(node, 1, "approximate", "none") == "tanh":
            which = "gelu_tanh"
        head = elementwise_head(reader, node, reader.whole_view(node.args[0]))
        reader.add_layer(FloatLookup(*head, which, float(value)))

    return rule


def add_rule(sign: int) -> Rule:
    """A rule for sums and differences."""

    def rule(reader: Reader, node: Any) -> None:
        a, b = node.args[:2]
        factor = get_argument(node, 2, "alpha", 1) * sign
        numbers = [v for v in (a, b) if isinstance(v, int | float)]
        if numbers and hasattr(a, "name"):
            _affine(reader, node, a, 1.0, factor * b)
        elif b.name in reader.values or a.name in reader.values:
            _add_constant(reader, node, factor)
        elif factor != 1:
            raise unsupported(node, "values are added, with a factor of one")
        else:
            _add(reader, node)

    return rule


def read_rsub(reader: Reader, node: Any) -> None:
    """rsub: a number less a value."""
    x, number = node.args[:2]
    if not isinstance(number, int | float) or get_argument(node, 2, "alpha", 1) != 1:
        raise unsupported(node, "values are taken from numbers only")
    _affine(reader, node, x, -1.0, number)


def scale_rule(power: int) -> Rule:
    """A rule for products, and for quotients by a number or a number by feature."""

    def rule(reader: Reader, node: Any) -> None:
        x, by = node.args[:2]
        computed = [hasattr(v, "name") and v.name not in reader.values for v in (x, by)]
        if all(computed) and power == 1:
            read_product(reader, node)
            return
        if computed[1] and power == 1:
            x, by = by, x
        elif computed[1]:
            raise unsupported(node, "values are divided by numbers and parameters only")
        if not hasattr(by, "name"):
            _affine(reader, node, x, float(by) ** power, 0.0)
            return
        factor = reader.constant_array(by)
        assert factor is not None
        if factor.size == 1:
            _affine(reader, node, x, float(factor.ravel()[0]) ** power, 0.0)
        elif factor.ndim == 1 and x.meta["val"].shape[-1] == factor.size:
            gain = factor[:, None, None, None] ** power
            add_feature_map(reader, node, x, gain, None, groups=factor.size)
        else:
            raise unsupported(
                node, "a parameter that multiplies has one value, or one for each feature"
            )

    return rule


def read_neg(reader: Reader, node: Any) -> None:
    """neg."""
    _affine(reader, node, node.args[0], -1.0, 0.0)


def _affine(reader: Reader, node: Any, x: Any, gain: float, offset: float) -> None:
    if not (np.isfinite(gain) and np.isfinite(offset) and gain):
        raise unsupported(node, f"a factor of {gain} and a term of {offset} leave no values")
    head = elementwise_head(reader, node, reader.whole_view(x))
    reader.add_layer(FloatAffine(*head, gain, offset))


def _add(reader: Reader, node: Any) -> None:
    """The sum of two values of one shape, in the order of elements of one of them."""
    a, b = node.args[:2]
    if a.meta["val"].shape != b.meta["val"].shape:
        raise unsupported(node, "both values must be of one shape")
    views = [reader.whole_view(a), reader.whole_view(b)]
    if not np.array_equal(views[0].index, views[1].index):
        order = next((o for v in views if (o := _order(v)) != list(range(len(o)))), None)
        for value in (a, b):
            reader.materialise(value, order)
        views = [reader.whole_view(a), reader.whole_view(b)]
    name, place, shape, first = elementwise_head(reader, node, views[0])
    reader.add_layer(FloatAdd(name, place, shape, first, views[1].name))


def _order(view: View) -> list[int]:
    """The axes from the largest stride to the smallest."""
    steps = [
        int(np.take(view.index, 1, a).flat[0] - view.index.flat[0]) if n > 1 else 0
        for a, n in enumerate(view.index.shape)
    ]
    return sorted(range(len(steps)), key=lambda a: (-steps[a], a))


def _add_constant(reader: Reader, node: Any, factor: float) -> None:
    """A value and a parameter, such as the places of tokens; the parameter stays as it is."""
    a, b = node.args[:2]
    x, other = (b, a) if a.name in reader.values else (a, b)
    if x is b and factor != 1:
        raise unsupported(node, "a value is not taken from a parameter")
    given = reader.constant_array(other)
    assert given is not None
    shape = node.meta["val"].shape
    if x.meta["val"].shape != shape:
        raise unsupported(node, "a parameter that is added must not widen the value")
    view = reader.whole_view(x)
    values = np.empty(view.size)
    values[view.index] = np.broadcast_to(given * factor, tuple(shape))
    name, place, made, first = elementwise_head(reader, node, view)
    reader.constants[f"{name}_term"] = values.reshape(made)
    reader.add_layer(FloatAdd(name, place, made, first, f"{name}_term"))


def read_cat(reader: Reader, node: Any) -> None:
    """Values one after the other along an axis, which becomes the first of those stored."""
    shape = node.meta["val"].shape
    axis = get_argument(node, 1, "dim", 0) % len(shape)
    order = (axis, *(a for a in range(len(shape)) if a != axis))
    xs = tuple(reader.materialise(x, order) for x in node.args[0])
    plain = shape[0] == 1 and axis == 1 and len(shape) <= 4
    made = batchless_shape(node) if plain else (shape[axis], 1, int(np.prod(shape)) // shape[axis])
    reader.add_layer(FloatConcat(node.name, module_path(node), made, xs))
    view = contiguous_view(node.name, [shape[a] for a in order])
    reader.views[node.name] = replace(view, index=view.index.transpose(np.argsort(order)))
