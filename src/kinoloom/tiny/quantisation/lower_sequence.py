"""Lowering of operations on time series and token sequences; see `lower`."""

from __future__ import annotations

import numpy as np

from kinoloom.tiny.arithmetic import GATE_FRACTION_BITS, quantise_multiplier
from kinoloom.tiny.ir import sequence_ops as s
from kinoloom.tiny.ir.program import Geometry, Quant, Shape
from kinoloom.tiny.quantisation.lower import Builder, ConvValues, OutputSpec

STATE_QUANT = Quant(1 / 128, 0)
"""Quantisation of the state of a recurrent cell, which is between -1 and 1."""
PROBABILITY_QUANT = Quant(1 / 256, -128)
"""Quantisation of the result of a softmax."""
MIN_FLOOR = 1e-6


def add_gru(
    builder: Builder,
    name: str,
    x: str,
    geometries: tuple[Geometry, Geometry],
    values: tuple[ConvValues, ConvValues],
) -> None:
    """Add a gated recurrent unit; `geometries` and `values` are (of the input, of the state)."""
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
    output: OutputSpec,
) -> None:
    """Add a batched matrix product; `counts` are heads, rows, columns and terms."""
    heads, m, n, inner = counts
    a, b = (builder.quant(x) for x in factors)
    multiplier, shift = quantise_multiplier(a.scale * b.scale / output.quant.scale)
    builder.add_tensor(name, (heads, n, m), output)
    builder.ops.append(
        s.MatMul(
            heads, m, n, inner, *places, a.zero, b.zero, output.quant.zero, multiplier, shift,
            output.low, output.high, *factors, name, "",
        )
    )  # fmt: skip


def add_softmax(builder: Builder, name: str, x: str, count: int, inner: int, gain: float) -> None:
    """Add a softmax of `gain * x` over `count` elements at a distance of `inner`."""
    tensor, scale = builder.tensors[x], builder.quant(x).scale
    powers = np.round(32768 * np.exp(-gain * scale * np.arange(256)))
    builder.constants[f"{name}_powers"] = powers.astype(np.uint16)
    builder.add_tensor(name, tensor.shape, OutputSpec(PROBABILITY_QUANT))
    outer = tensor.size // (count * inner)
    builder.ops.append(s.Softmax(outer, count, inner, gain, f"{name}_powers", x, name))


def add_normalise(
    builder: Builder, name: str, x: str, shape: Shape, eps: float, output: OutputSpec
) -> None:
    """Add a layer normalisation of each token (column), without affine parameters."""
    count, _, tokens = shape
    scale = builder.quant(x).scale
    floor, step, gain = (
        float(np.float32(v))
        for v in (
            max(eps * (count / scale) ** 2, MIN_FLOOR), 1 / output.quant.scale, count / scale
        )
    )  # fmt: skip
    builder.add_tensor(name, (count, 1, tokens), output)
    builder.ops.append(
        s.Normalise(
            count, tokens, floor, step, gain, output.quant.zero, output.low, output.high, x, name,
            "",
        )
    )  # fmt: skip
