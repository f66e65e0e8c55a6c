"""Rules for elementwise operators: clamps, activation functions, sums, factors, concatenation."""

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
    """Return the first fields of an elementwise layer: (name, module, shape, x)."""
    reader.views[node.name] = replace(view, name=node.name)
    return node.name, module_path(node), reader.shape(view.name), view.name


def clamp_rule(low: float | None, high: float | None) -> Rule:
    """Return a rule for a clamp with fixed bounds, such as ReLU."""

    def rule(reader: Reader, node: Any) -> None:
        head = elementwise_head(reader, node, reader.whole_view(node.args[0]))
        reader.add_layer(FloatClamp(*head, low=low, high=high))

    return rule


def bounded_clamp_rule(low: tuple[str, float | None], high: tuple[str, float | None]) -> Rule:
    """Return a rule for a clamp whose bounds are arguments, each given as (name, default)."""

    def rule(reader: Reader, node: Any) -> None:
        bounds = [get_argument(node, position, *bound) for position, bound in ((1, low), (2, high))]
        if any(v is not None and not isinstance(v, int | float) for v in bounds):
            raise unsupported(node, "bounds must be numbers")
        clamp_rule(*bounds)(reader, node)

    return rule


def activation_rule(kind: str, name: str = "", default: float = 0.0) -> Rule:
    """Return a rule for an activation function that becomes a lookup table.

    Args:
        kind: name of the function in `activations.ACTIVATIONS`.
        name: name of its parameter; "" for none.
        default: value of the parameter if it is not passed.
    """

    def rule(reader: Reader, node: Any) -> None:
        value = get_argument(node, 1, name, default) if name else default
        which = kind
        if kind == "gelu" and get_argument(node, 1, "approximate", "none") == "tanh":
            which = "gelu_tanh"
        head = elementwise_head(reader, node, reader.whole_view(node.args[0]))
        reader.add_layer(FloatLookup(*head, which, float(value)))

    return rule


def add_rule(sign: int) -> Rule:
    """Return a rule for sums (`sign` 1) or differences (`sign` -1)."""

    def rule(reader: Reader, node: Any) -> None:
        a, b = node.args[:2]
        factor = get_argument(node, 2, "alpha", 1) * sign
        numbers = [v for v in (a, b) if isinstance(v, int | float)]
        if numbers and hasattr(a, "name"):
            _affine(reader, node, a, 1.0, factor * b)
        elif b.name in reader.values or a.name in reader.values:
            _add_constant(reader, node, factor)
        elif factor != 1:
            raise unsupported(node, "a sum of two values must have a factor of 1")
        else:
            _add(reader, node)

    return rule


def read_rsub(reader: Reader, node: Any) -> None:
    """Read rsub: a number minus a value."""
    x, number = node.args[:2]
    if not isinstance(number, int | float) or get_argument(node, 2, "alpha", 1) != 1:
        raise unsupported(node, "values are subtracted from numbers only")
    _affine(reader, node, x, -1.0, number)


def scale_rule(power: int) -> Rule:
    """Return a rule for products (`power` 1) or for quotients by constants (`power` -1)."""

    def rule(reader: Reader, node: Any) -> None:
        x, by = node.args[:2]
        computed = [hasattr(v, "name") and v.name not in reader.values for v in (x, by)]
        if all(computed) and power == 1:
            read_product(reader, node)
            return
        if computed[1] and power == 1:
            x, by = by, x
        elif computed[1]:
            raise unsupported(node, "values are divided by numbers or parameters only")
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
                node, "a factor that is a parameter must have one value, or one per feature"
            )

    return rule


def read_neg(reader: Reader, node: Any) -> None:
    """Read neg."""
    _affine(reader, node, node.args[0], -1.0, 0.0)


def _affine(reader: Reader, node: Any, x: Any, gain: float, offset: float) -> None:
    if not (np.isfinite(gain) and np.isfinite(offset) and gain):
        raise unsupported(
            node, f"factor {gain} and offset {offset} must be finite and the factor not zero"
        )
    head = elementwise_head(reader, node, reader.whole_view(x))
    reader.add_layer(FloatAffine(*head, gain, offset))


def _add(reader: Reader, node: Any) -> None:
    """Add the sum of two values of the same shape, stored in the order of one of them."""
    a, b = node.args[:2]
    if a.meta["val"].shape != b.meta["val"].shape:
        raise unsupported(node, "both values must have the same shape")
    views = [reader.whole_view(a), reader.whole_view(b)]
    if not np.array_equal(views[0].index, views[1].index):
        order = next((o for v in views if (o := _order(v)) != list(range(len(o)))), None)
        for value in (a, b):
            reader.materialise(value, order)
        views = [reader.whole_view(a), reader.whole_view(b)]
    name, module, shape, first = elementwise_head(reader, node, views[0])
    reader.add_layer(FloatAdd(name, module, shape, first, views[1].name))


def _order(view: View) -> list[int]:
    """Return the axes in order of descending stride."""
    steps = [
        int(np.take(view.index, 1, a).flat[0] - view.index.flat[0]) if n > 1 else 0
        for a, n in enumerate(view.index.shape)
    ]
    return sorted(range(len(steps)), key=lambda a: (-steps[a], a))


def _add_constant(reader: Reader, node: Any, factor: float) -> None:
    """Add the sum of a value and a parameter, such as a position embedding; it is not trained."""
    a, b = node.args[:2]
    x, other = (b, a) if a.name in reader.values else (a, b)
    if x is b and factor != 1:
        raise unsupported(node, "values are not subtracted from parameters")
    parameter = reader.constant_array(other)
    assert parameter is not None
    shape = node.meta["val"].shape
    if x.meta["val"].shape != shape:
        raise unsupported(node, "a parameter that is added must not broadcast the value")
    view = reader.whole_view(x)
    values = np.empty(view.size)
    values[view.index] = np.broadcast_to(parameter * factor, tuple(shape))
    name, module, stored_shape, first = elementwise_head(reader, node, view)
    reader.constants[f"{name}_term"] = values.reshape(stored_shape)
    reader.add_layer(FloatAdd(name, module, stored_shape, first, f"{name}_term"))


def read_cat(reader: Reader, node: Any) -> None:
    """Read a concatenation; its axis becomes the first axis of the stored value."""
    shape = node.meta["val"].shape
    axis = get_argument(node, 1, "dim", 0) % len(shape)
    order = (axis, *(a for a in range(len(shape)) if a != axis))
    xs = tuple(reader.materialise(x, order) for x in node.args[0])
    has_batch_axis = shape[0] == 1 and axis == 1 and len(shape) <= 4
    stored_shape = (
        batchless_shape(node)
        if has_batch_axis
        else (shape[axis], 1, int(np.prod(shape)) // shape[axis])
    )
    reader.add_layer(FloatConcat(node.name, module_path(node), stored_shape, xs))
    view = contiguous_view(node.name, [shape[a] for a in order])
    reader.views[node.name] = replace(view, index=view.index.transpose(np.argsort(order)))
