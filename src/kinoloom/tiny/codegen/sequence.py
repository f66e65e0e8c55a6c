"""The rules of code generation for time series and token sequences; see `rules`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinoloom.tiny.codegen.text import float_literal, format_braces
from kinoloom.tiny.codegen.writer import Emission, Writer, conv_fields
from kinoloom.tiny.ir import sequence_ops as s
from kinoloom.tiny.ir.program import Op


def emit_gru(w: Writer, op: s.Gru) -> Emission:
    """Emit `Gru`."""
    scratch = w.scratch_ptr(w.program.ops.index(op), "float32")
    table = _gru_table(w, op)
    return "gru", f"kl_gru_forward({table}, {w.ptr(op.x)}, {scratch}, {w.ptr(op.y)});"


def emit_gru_grad(w: Writer, op: s.GruGrad) -> Emission:
    """Emit `GruGrad`."""
    scratch = w.scratch_ptr(w.program.ops.index(op), "float32")
    inputs = f"{_gru_table(w, op.forward)}, {w.ptr(op.g)}, {w.ptr(op.x)}, {w.ptr(op.state)}"
    results = f"{scratch}, {w.ptr(op.input_gates)}, {w.ptr(op.state_gates)}"
    return "gru", f"kl_gru_grad({inputs}, {results});"


def _gru_table(w: Writer, op: s.Gru) -> str:
    maps = [conv_fields(w, conv) for conv in (op.input_gates, op.state_gates)]
    scales = f"{op.state_gates.layer}_scales"
    scales = w.constant(scales if scales in w.program.constants else "")  # pruned if frozen
    return w.declare("kl_gru", f"{op.y}_gru", *(format_braces(fields) for fields in maps), scales)


def emit_matmul(w: Writer, op: s.MatMul) -> Emission:
    """Emit `MatMul`."""
    table = w.declare(
        "kl_product", f"{op.y}_product", op.heads, op.m, op.n, op.terms, format_braces(op.a_layout),
        format_braces(op.b_layout), op.a_zero, op.b_zero, op.y_zero, op.multiplier, op.low, op.high,
        op.shift,
    )  # fmt: skip
    values = ", ".join(w.ptr(name) for name in (op.a, op.b, op.y, op.mask))
    return "matmul", f"kl_matmul({table}, {values});"


def emit_matmul_grad(w: Writer, op: s.MatMulGrad) -> Emission:
    """Emit `MatMulGrad`."""
    layouts = (format_braces(p) for p in (op.counts, op.g_layout, op.x_layout, op.y_layout))
    table = w.declare(
        "kl_factor", f"{op.y}_factor", *layouts, op.size, op.zero, float_literal(op.scale)
    )
    return "matmul", f"kl_matmul_grad({table}, {w.ptr(op.g)}, {w.ptr(op.x)}, {w.ptr(op.y)});"


def emit_softmax(w: Writer, op: s.Softmax) -> Emission:
    """Emit `Softmax`."""
    rows = w.declare(
        "kl_rows", f"{op.y}_rows", op.outer, op.count, op.stride, float_literal(op.gain)
    )
    powers = w.constant(op.powers)
    return "softmax_rows", f"kl_softmax({rows}, {powers}, {w.ptr(op.x)}, {w.ptr(op.y)});"


def emit_softmax_grad(w: Writer, op: s.SoftmaxGrad) -> Emission:
    """Emit `SoftmaxGrad`."""
    rows = w.declare(
        "kl_rows", f"{op.y}_rows", op.outer, op.count, op.stride, float_literal(op.gain)
    )
    return "softmax_rows", f"kl_softmax_grad({rows}, {w.ptr(op.g)}, {w.ptr(op.p)}, {w.ptr(op.y)});"


def emit_normalise(w: Writer, op: s.Normalise) -> Emission:
    """Emit `Normalise`."""
    table = w.declare(
        "kl_norm", f"{op.y}_norm", op.count, op.tokens, float_literal(op.floor),
        float_literal(op.step), float_literal(op.gain), op.y_zero, op.low, op.high,
    )  # fmt: skip
    return "normalise", f"kl_normalise({table}, {w.ptr(op.x)}, {w.ptr(op.y)}, {w.ptr(op.mask)});"


def emit_normalise_grad(w: Writer, op: s.NormaliseGrad) -> Emission:
    """Emit `NormaliseGrad`."""
    table = w.declare(
        "kl_norm", f"{op.y}_norm", op.count, op.tokens, float_literal(op.floor),
        float_literal(0), float_literal(op.gain), 0, 0, 0,
    )  # fmt: skip
    return "normalise", f"kl_normalise_grad({table}, {w.ptr(op.g)}, {w.ptr(op.x)}, {w.ptr(op.y)});"


RULES: dict[type[Op], Callable[[Writer, Any], Emission]] = {
    s.Gru: emit_gru,
    s.GruGrad: emit_gru_grad,
    s.MatMul: emit_matmul,
    s.MatMulGrad: emit_matmul_grad,
    s.Softmax: emit_softmax,
    s.SoftmaxGrad: emit_softmax_grad,
    s.Normalise: emit_normalise,
    s.NormaliseGrad: emit_normalise_grad,
}
