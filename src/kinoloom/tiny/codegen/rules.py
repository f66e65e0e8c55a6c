"""The rules of code generation: declarations, kernels and calls of each operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kinoloom.tiny.codegen import sequence
from kinoloom.tiny.codegen.text import float_literal, format_braces, format_structs
from kinoloom.tiny.codegen.writer import Emission, Writer, declare_conv, format_geometry
from kinoloom.tiny.ir import backward_ops as b
from kinoloom.tiny.ir import forward_ops as f
from kinoloom.tiny.ir.program import Op
from kinoloom.tiny.ir.stream_ops import Stream, ring_rows, work_rows


def emit_conv(w: Writer, op: f.Conv) -> Emission:
    """Emit `Conv`."""
    table = declare_conv(w, op)
    if op.factors:
        return "conv", f"kl_conv_float({table}, {w.ptr(op.x)}, {w.ptr(op.y)});"
    return "conv", f"kl_conv_forward({table}, {w.ptr(op.x)}, {w.ptr(op.y)}, {w.ptr(op.mask)});"


def emit_stream(w: Writer, op: Stream) -> Emission:
    """Emit `Stream`."""
    rows = zip((*ring_rows(op.convs), op.convs[-1].geometry.oh), work_rows(op.convs), strict=True)
    name = f"{op.convs[-1].y}_stages"
    stages = [
        [declare_conv(w, conv, whole=False), w.ptr(conv.mask), kept, work]
        for conv, (kept, work) in zip(op.convs, rows, strict=True)
    ]
    w.tables[name] = format_structs("kl_stage", name, stages)
    scratch = w.scratch_ptr(w.program.ops.index(op))
    pointers = f"{w.ptr(op.x)}, {scratch}, {op.in_place_groups}, {w.ptr(op.convs[-1].y)}"
    return "stream", f"kl_stream({name}, {len(stages)}, {pointers});"


def emit_add(w: Writer, op: f.Add) -> Emission:
    """Emit `Add`."""
    count = w.program.tensors[op.y].size
    table = w.declare(
        "kl_add_sizes", f"{op.y}_add", op.a_zero, op.b_zero, op.y_zero, op.a_mult, op.b_mult,
        op.low, op.high, count, op.shift,
    )  # fmt: skip
    call = f"kl_add({table}, {w.ptr(op.a)}, {w.ptr(op.b)}, {w.ptr(op.y)}, {w.ptr(op.mask)});"
    return "elementwise", call


def emit_rescale(w: Writer, op: f.Rescale) -> Emission:
    """Emit `Rescale`."""
    table = w.declare(
        "kl_scale", f"{op.y}_scale", op.x_zero, op.y_zero, op.multiplier, op.low, op.high,
        op.count, op.shift,
    )  # fmt: skip
    return "elementwise", [
        *_clear(w, op.mask, op.count),
        f"kl_rescale({table}, {w.ptr(op.x)}, {w.ptr(op.y)}, {w.ptr(op.mask)}, 0);",
    ]


def emit_concat(w: Writer, op: f.Concat) -> Emission:
    """Emit `Concat`."""
    calls, offset = _clear(w, op.mask, sum(op.counts)), 0
    parts = zip(op.xs, op.x_zeros, op.multipliers, op.shifts, op.counts, strict=True)
    for i, (x, zero, multiplier, shift, count) in enumerate(parts):
        table = w.declare(
            "kl_scale", f"{op.y}_scale{i}", zero, op.y_zero, multiplier, op.low, op.high, count,
            shift,
        )  # fmt: skip
        calls.append(f"kl_rescale({table}, {w.ptr(x)}, {w.ptr(op.y)}, {w.ptr(op.mask)}, {offset});")
        offset += count
    return "elementwise", calls


def _clear(w: Writer, mask: str, count: int) -> list[str]:
    return [f"kl_clear_mask({w.ptr(mask)}, {count});"] if mask else []


def emit_average_pool(w: Writer, op: f.AveragePool) -> Emission:
    """Emit `AveragePool`."""
    count = w.program.tensors[op.y].size
    window = w.declare("kl_geometry", f"{op.y}_window", format_geometry(op.geometry)[1:-1])
    table = w.declare(
        "kl_scale", f"{op.y}_scale", op.x_zero, op.y_zero, op.multiplier, op.low, op.high, count,
        op.shift,
    )  # fmt: skip
    arguments = f"{w.ptr(op.x)}, {w.ptr(op.y)}, {w.ptr(op.mask)}"
    return "pool", f"kl_average_pool({window}, {table}, {arguments});"


def emit_max_pool(w: Writer, op: f.MaxPool) -> Emission:
    """Emit `MaxPool`."""
    window = w.declare("kl_geometry", f"{op.y}_window", format_geometry(op.geometry)[1:-1])
    return "pool", f"kl_max_pool({window}, {w.ptr(op.x)}, {w.ptr(op.y)}, {w.ptr(op.index)});"


def emit_dequantise(w: Writer, op: f.Dequantise) -> Emission:
    """Emit `Dequantise`."""
    arguments = f"{w.ptr(op.x)}, {op.zero}, {float_literal(op.scale)}, {op.count}, {w.ptr(op.y)}"
    return "elementwise", f"kl_dequantise({arguments});"


def emit_lookup(w: Writer, op: f.Lookup) -> Emission:
    """Emit `Lookup`."""
    arguments = f"{w.constant(op.table)}, {w.ptr(op.x)}, {op.count}, {w.ptr(op.y)}"
    return "lookup", f"kl_lookup({arguments});"


def emit_copy(w: Writer, op: f.Copy) -> Emission:
    """Emit `Copy`."""
    count = w.program.tensors[op.y].size
    return "copy", f"kl_gather({_loops(w, op, op.y)}, {w.ptr(op.x)}, {count}, {w.ptr(op.y)});"


def _loops(w: Writer, op: f.Copy | b.CopyGrad, name: str) -> str:
    loops = format_braces(op.counts), format_braces(op.strides), op.start
    return w.declare("kl_loops", f"{name}_loops", *loops)


def emit_softmax_loss(w: Writer, op: f.SoftmaxLoss) -> Emission:
    """Emit `SoftmaxLoss`."""
    arguments = f"{w.ptr(op.logits)}, {op.count}, label, {w.ptr(op.gradient)}"
    return "loss", f"result = kl_softmax_loss({arguments});"


def emit_mse_loss(w: Writer, op: f.MseLoss) -> Emission:
    """Emit `SquareLoss`."""
    arguments = f"{w.ptr(op.predictions)}, {op.count}, label, {w.ptr(op.gradient)}"
    return "loss", f"result = kl_square_loss({arguments});"


def emit_mask_grad(w: Writer, op: b.MaskGrad) -> Emission:
    """Emit `MaskGrad`."""
    return "grad", f"kl_mask_grad({w.ptr(op.g)}, {w.ptr(op.mask)}, 0, {op.count}, {w.ptr(op.y)});"


def emit_conv_grad_x(w: Writer, op: b.ConvGradX) -> Emission:
    """Emit `ConvGradX`."""
    pointers = f"{w.ptr(op.g)}, {w.ptr(op.onto)}, {w.ptr(op.y)}"
    return "conv_grad_x", f"kl_conv_grad_x({_back_table(w, op)}, {pointers});"


def _back_table(w: Writer, op: b.ConvGradX) -> str:
    frozen, trained = w.format_parts(op.weights, op.geometry)
    return w.declare(
        "kl_conv_back", f"{op.layer}_back", format_geometry(op.geometry), frozen, trained,
        w.constant(op.scales),
    )  # fmt: skip


def _weight_table(w: Writer, op: b.WeightGrad) -> str:
    kept = w.channels(f"{op.layer}_kept", op.updated)
    return w.declare(
        "kl_weight_grad",
        f"{op.layer}_weights",
        format_geometry(op.geometry),
        kept,
        len(op.updated),
        op.x_zero,
    )


def _target(w: Writer, op: b.Step) -> str:
    factors = w.constant(op.factors)
    residual = op.residual or "0"
    return w.declare(
        "kl_target", f"{op.param}_target", op.param, residual, factors, f"{op.stream}u"
    )


def _bias_table(w: Writer, op: b.Step, pixels: int) -> str:
    factors = w.constant(op.factors)
    channels = w.program.tensors[op.param].size
    name = f"{op.param}_target"
    return w.declare("kl_bias", name, op.param, factors, channels, pixels, f"{op.stream}u")


def emit_weight_grad(w: Writer, op: b.WeightGrad) -> Emission:
    """Emit `WeightGrad`."""
    arguments = f"{_weight_table(w, op)}, {w.ptr(op.g)}, {w.ptr(op.x)}, {w.ptr(op.y)}"
    return "weights", f"kl_weight_rows({arguments}, 0, &randomness, lr);"


def emit_weight_step(w: Writer, op: b.WeightStep) -> Emission:
    """Emit `WeightStep`."""
    table, target = _weight_table(w, op.grad), _target(w, op.step)
    arguments = f"{table}, {w.ptr(op.g)}, {w.ptr(op.x)}, 0, {target}"
    return "weights", f"kl_weight_rows({arguments}, &randomness, lr);"


def emit_bias_grad(w: Writer, op: b.BiasGrad) -> Emission:
    """Emit `BiasGrad`."""
    return "bias", f"kl_bias_grad({w.ptr(op.g)}, {op.channels}, {op.pixels}, {w.ptr(op.y)});"


def emit_bias_step(w: Writer, op: b.BiasStep) -> Emission:
    """Emit `BiasStep`."""
    table = _bias_table(w, op.step, op.grad.pixels)
    return "bias", f"kl_bias_step({table}, {w.ptr(op.g)}, &randomness, lr);"


def emit_step(w: Writer, op: b.Step) -> Emission:
    """Emit `Step`."""
    if op.is_bias:
        return "bias", f"kl_bias_step({_bias_table(w, op, 1)}, {w.ptr(op.g)}, &randomness, lr);"
    rows = w.program.tensors[op.g].size // op.row
    kept = w.channels(f"{op.layer}_kept", op.rows) if op.rows else "0"
    arguments = f"{_target(w, op)}, {kept}, {rows}, {op.row}, {w.ptr(op.g)}"
    return "weights", f"kl_weight_step({arguments}, &randomness, lr);"


def emit_grad_stream(w: Writer, op: b.GradStream) -> Emission:
    """Emit `GradStream`; a link is (mask, bias, weights, target, x, back) of one gradient."""
    links: dict[str, list[str]] = {}
    for one in op.ops:
        if isinstance(one, b.MaskGrad):
            links[one.y] = [w.ptr(one.mask), *["0"] * 5]
            continue
        link = links.setdefault(one.g, ["0"] * 6)  # type: ignore[attr-defined]
        if isinstance(one, b.BiasStep):
            link[1] = _bias_table(w, one.step, one.grad.pixels)
        elif isinstance(one, b.WeightStep):
            link[2:5] = _weight_table(w, one.grad), _target(w, one.step), w.ptr(one.x)
        elif isinstance(one, b.ConvGradX):
            link[5] = _back_table(w, one)
    layer = op.ops[0].layer  # type: ignore[attr-defined]
    name = f"{layer}_links" if op.planes else f"{layer}_own"
    w.tables[name] = format_structs("kl_link", name, list(links.values()))
    plane, even, odd = _buffers(w, op)
    planes = _planes(w, op, f"{name}_planes", plane)
    if not op.planes:
        count = w.program.tensors[op.ops[0].g].shape[0]  # type: ignore[attr-defined]
        arguments = f"{name}, {count}, {op.plane}, {planes}"
        return "grad_stream", f"kl_own_steps({arguments}, &randomness, lr);"
    result = w.ptr(op.ys[0]) if op.ys else "0"
    arguments = f"{name}, {len(links)}, {planes}, {even}, {odd}, {w.ptr(op.onto)}, {result}"
    return "grad_stream", f"kl_grad_stream({arguments}, &randomness, lr);"


def _buffers(w: Writer, op: b.GradStream) -> list[str]:
    """Return pointers to the consecutive buffers; null pointers for empty ones."""
    offset, pointers = w.plan.offset(f"scratch:{w.program.ops.index(op)}"), []
    for size in op.buffers():
        pointers.append(f"AT(float, {offset})" if size else "0")
        offset += size
    return pointers


def _planes(w: Writer, op: b.GradStream, name: str, plane: str) -> str:
    """Declare the structure that describes the source of gradient planes."""
    if not op.source:
        return w.declare("kl_planes", name, w.ptr(op.g), "0", "0", "0", "0")
    pool: Any = op.source[0]
    masks = [w.ptr(one.mask) for one in op.source if isinstance(one, b.MaskGrad)]
    g = replace(pool.geometry, cin=1, cout=1)
    window = w.declare("kl_geometry", f"{pool.y}_window", format_geometry(g, whole=False)[1:-1])
    return w.declare(
        "kl_planes",
        name,
        w.ptr(op.g),
        window,
        float_literal(1 / pool.divisor),
        *masks or "0",
        plane,
    )


def emit_accumulate(w: Writer, op: b.Accumulate) -> Emission:
    """Emit `Accumulate`."""
    return "grad", f"kl_accumulate({w.ptr(op.a)}, {w.ptr(op.b)}, {op.count}, {w.ptr(op.y)});"


def emit_average_pool_grad(w: Writer, op: b.AveragePoolGrad) -> Emission:
    """Emit `AveragePoolGrad`."""
    window = w.declare("kl_geometry", f"{op.y}_window", format_geometry(op.geometry)[1:-1])
    share = float_literal(1 / op.divisor)
    return "pool", f"kl_average_pool_grad({window}, {share}, {w.ptr(op.g)}, {w.ptr(op.y)});"


def emit_max_pool_grad(w: Writer, op: b.MaxPoolGrad) -> Emission:
    """Emit `MaxPoolGrad`."""
    window = w.declare("kl_geometry", f"{op.y}_window", format_geometry(op.geometry)[1:-1])
    return "pool", f"kl_max_pool_grad({window}, {w.ptr(op.g)}, {w.ptr(op.index)}, {w.ptr(op.y)});"


def emit_slice_grad(w: Writer, op: b.SliceGrad) -> Emission:
    """Emit `SliceGrad`."""
    return "grad", f"kl_copy({w.ptr(op.g)} + {op.offset}, {op.count}, {w.ptr(op.y)});"


def emit_scale_grad(w: Writer, op: b.ScaleGrad) -> Emission:
    """Emit `ScaleGrad`."""
    arguments = f"{w.ptr(op.g)}, {float_literal(op.gain)}, {op.count}, {w.ptr(op.y)}"
    return "lookup", f"kl_scale_grad({arguments});"


def emit_lookup_grad(w: Writer, op: b.LookupGrad) -> Emission:
    """Emit `LookupGrad`."""
    slopes = w.constant(op.slopes)
    arguments = f"{slopes}, {w.ptr(op.g)}, {w.ptr(op.x)}, {op.count}, {w.ptr(op.y)}"
    return "lookup", f"kl_lookup_grad({arguments});"


def emit_copy_grad(w: Writer, op: b.CopyGrad) -> Emission:
    """Emit `CopyGrad`."""
    count = w.program.tensors[op.g].size
    arguments = f"{_loops(w, op, op.y)}, {w.ptr(op.g)}, {count}, {op.size}, {w.ptr(op.y)}"
    return "copy", f"kl_scatter({arguments});"


RULES: dict[type[Op], Callable[[Writer, Any], Emission]] = {
    f.Conv: emit_conv,
    Stream: emit_stream,
    f.Add: emit_add,
    f.Rescale: emit_rescale,
    f.Concat: emit_concat,
    f.AveragePool: emit_average_pool,
    f.MaxPool: emit_max_pool,
    f.Dequantise: emit_dequantise,
    f.SoftmaxLoss: emit_softmax_loss,
    f.MseLoss: emit_mse_loss,
    b.MaskGrad: emit_mask_grad,
    b.ConvGradX: emit_conv_grad_x,
    b.WeightGrad: emit_weight_grad,
    b.WeightStep: emit_weight_step,
    b.BiasGrad: emit_bias_grad,
    b.BiasStep: emit_bias_step,
    b.Step: emit_step,
    b.Accumulate: emit_accumulate,
    b.AveragePoolGrad: emit_average_pool_grad,
    b.MaxPoolGrad: emit_max_pool_grad,
    b.SliceGrad: emit_slice_grad,
    f.Lookup: emit_lookup,
    f.Copy: emit_copy,
    b.ScaleGrad: emit_scale_grad,
    b.LookupGrad: emit_lookup_grad,
    b.CopyGrad: emit_copy_grad,
    **sequence.RULES,
    b.GradStream: emit_grad_stream,
}
