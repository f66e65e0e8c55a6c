"""The rules of code for time and for sets of tokens; see `rules`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinoloom.tiny.codegen.text import braces, real
from kinoloom.tiny.codegen.writer import Rule, Writer, conv_fields
from kinoloom.tiny.ir import sequence_ops as s
from kinoloom.tiny.ir.program import Op


def gru(w: Writer, op: s.Gru) -> Rule:
    """`Gru`."""
    scratch = w.scratch(w.program.ops.index(op), "float32")
    table = _gru_table(w, op)
    return "gru", f"kl_gru_forward({table}, {w.at(op.x)}, {scratch}, {w.at(op.y)});"


def gru_grad(w: Writer, op: s.GruGrad) -> Rule:
    """`GruGrad`."""
    scratch = w.scratch(w.program.ops.index(op), "float32")
    read = f"{_gru_table(w, op.forward)}, {w.at(op.g)}, {w.at(op.x)}, {w.at(op.state)}"
    made = f"{scratch}, {w.at(op.of_input)}, {w.at(op.of_state)}"
    return "gru", f"kl_gru_grad({read}, {made});"


def _gru_table(w: Writer, op: s.Gru) -> str:
    maps = [conv_fields(w, conv) for conv in (op.of_input, op.of_state)]
    scales = w.constant(f"{op.of_state.layer}_scales")
    return w.declare("kl_gru", f"{op.y}_gru", *(braces(fields) for fields in maps), scales)


def matmul(w: Writer, op: s.MatMul) -> Rule:
    """`MatMul`."""
    table = w.declare(
        "kl_product", f"{op.y}_product", op.heads, op.m, op.n, op.terms, braces(op.a_places),
        braces(op.b_places), op.a_zero, op.b_zero, op.y_zero, op.multiplier, op.low, op.high,
        op.shift,
    )  # fmt: skip
    values = ", ".join(w.at(name) for name in (op.a, op.b, op.y, op.mask))
    return "matmul", f"kl_matmul({table}, {values});"


def matmul_grad(w: Writer, op: s.MatMulGrad) -> Rule:
    """`MatMulGrad`."""
    places = (braces(p) for p in (op.counts, op.g_places, op.x_places, op.y_places))
    table = w.declare("kl_factor", f"{op.y}_factor", *places, op.size, op.zero, real(op.scale))
    return "matmul", f"kl_matmul_grad({table}, {w.at(op.g)}, {w.at(op.x)}, {w.at(op.y)});"


def softmax(w: Writer, op: s.Softmax) -> Rule:
    """`Softmax`."""
    rows = w.declare("kl_rows", f"{op.y}_rows", op.outer, op.count, op.stride, real(op.gain))
    powers = w.constant(op.powers)
    return "softmax_rows", f"kl_softmax({rows}, {powers}, {w.at(op.x)}, {w.at(op.y)});"


def softmax_grad(w: Writer, op: s.SoftmaxGrad) -> Rule:
    """`SoftmaxGrad`."""
    rows = w.declare("kl_rows", f"{op.y}_rows", op.outer, op.count, op.stride, real(op.gain))
    return "softmax_rows", f"kl_softmax_grad({rows}, {w.at(op.g)}, {w.at(op.p)}, {w.at(op.y)});"


def normalise(w: Writer, op: s.Normalise) -> Rule:
    """`Normalise`."""
    table = w.declare(
        "kl_norm", f"{op.y}_norm", op.count, op.tokens, real(op.floor), real(op.step),
        real(op.gain), op.y_zero, op.low, op.high,
    )  # fmt: skip
    return "normalise", f"kl_normalise({table}, {w.at(op.x)}, {w.at(op.y)}, {w.at(op.mask)});"


def normalise_grad(w: Writer, op: s.NormaliseGrad) -> Rule:
    """`NormaliseGrad`."""
    table = w.declare(
        "kl_norm", f"{op.y}_norm", op.count, op.tokens, real(op.floor), real(0), real(op.gain),
        0, 0, 0,
    )  # fmt: skip
    return "normalise", f"kl_normalise_grad({table}, {w.at(op.g)}, {w.at(op.x)}, {w.at(op.y)});"


RULES: dict[type[Op], Callable[[Writer, Any], Rule]] = {
    s.Gru: gru,
    s.GruGrad: gru_grad,
    s.MatMul: matmul,
    s.MatMulGrad: matmul_grad,
    s.Softmax: softmax,
    s.SoftmaxGrad: softmax_grad,
    s.Normalise: normalise,
    s.NormaliseGrad: normalise_grad,
}
