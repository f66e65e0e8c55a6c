"""Build operations for time and for sets of tokens; see `build`."""

from __future__ import annotations

import numpy as np

from kinoloom.tiny.arithmetic import GATE_FRACTION_BITS, quantise_multiplier
from kinoloom.tiny.ir import sequence_ops as s
from kinoloom.tiny.ir.program import Geometry, Quant, Shape
from kinoloom.tiny.quantisation.lower import Builder, ConvValues, OutputSpec

STATE_QUANT = Quant(1 / 128, 0)
"""Of the state of a recurrent cell, which is between -1 and 1."""
PROBABILITY_QUANT = Quant(1 / 256, -128)
"""Of the results of a softmax."""
MIN_FLOOR = 1e-6


def add_gru(
    builder: Builder,
    name: str,
    x: str,
    geometries: tuple[Geometry, Geometry],
    values: tuple[ConvValues, ConvValues],
) -> None:
    """A gated recurrent unit; `geometries` and `values` are of the input, then of the state."""
    units, time = geometries[1].cin, geometries[1].ow
    builder.add_tensor(name, (units, 1, time), OutputSpec(STATE_QUANT))
    maps = [
        builder.lower_conv(f"{name}_{part}", source, geometry, numbers, 2.0**-GATE_FRACTION_BITS)
        for part, source, geometry, numbers in zip(
            ("in", "state"), (x, name), geometries, values, strict=True
        )
    ]
    builder.ops.append(s.Gru(maps[0], maps[1], x, (), name))


def add_matmul(
    builder: Builder,
    name: str,
    factors: tuple[str, str],
    counts: tuple[int, int, int, int],
    places: tuple[s.Layout, s.Layout],
    result: OutputSpec,
) -> None:
    """Products of two values; `counts` are of heads, rows, columns and terms."""
    heads, m, n, inner = counts
    a, b = (builder.quant(x) for x in factors)
    multiplier, shift = quantise_multiplier(a.scale * b.scale / result.quant.scale)
    builder.add_tensor(name, (heads, n, m), result)
    builder.ops.append(
        s.MatMul(
            heads, m, n, inner, *places, a.zero, b.zero, result.quant.zero, multiplier, shift,
            result.low, result.high, *factors, name, "",
        )
    )  # fmt: skip


def add_softmax(builder: Builder, name: str, x: str, count: int, inner: int, gain: float) -> None:
    """A softmax of `gain` times x over `count` elements that are `inner` apart."""
    tensor, scale = builder.tensors[x], builder.quant(x).scale
    powers = np.round(32768 * np.exp(-gain * scale * np.arange(256)))
    builder.constants[f"{name}_powers"] = powers.astype(np.uint16)
    builder.add_tensor(name, tensor.shape, OutputSpec(PROBABILITY_QUANT))
    outer = tensor.size // (count * inner)
    builder.ops.append(s.Softmax(outer, count, inner, gain, f"{name}_powers", x, name))


def add_normalise(
    builder: Builder, name: str, x: str, shape: Shape, eps: float, result: OutputSpec
) -> None:
    """Each token (column) less its mean, divided by its deviation."""
    count, _, tokens = shape
    scale = builder.quant(x).scale
    floor, step, gain = (
        float(np.float32(v))
        for v in (
            max(eps * (count / scale) ** 2, MIN_FLOOR), 1 / result.quant.scale, count / scale
        )
    )  # fmt: skip
    builder.add_tensor(name, (count, 1, tokens), result)
    builder.ops.append(
        s.Normalise(
            count, tokens, floor, step, gain, result.quant.zero, result.low, result.high, x, name,
            "",
        )
    )  # fmt: skip
