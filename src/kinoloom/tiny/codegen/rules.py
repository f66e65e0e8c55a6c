"""One rule for each operation: what it declares, which kernel it needs, what it calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kinoloom.tiny.codegen import sequence
from kinoloom.tiny.codegen.text import braces, real, structs
from kinoloom.tiny.codegen.writer import Rule, Writer, conv_table, sizes
from kinoloom.tiny.ir import backward_ops as b
from kinoloom.tiny.ir import forward_ops as f
from kinoloom.tiny.ir.program import Op
from kinoloom.tiny.ir.stream_ops import Stream, kept_rows, work_rows


def conv(w: Writer, op: f.Conv) -> Rule:
    """`Conv`."""
    table = conv_table(w, op)
    if op.factors:
        return "conv", f"kl_conv_float({table}, {w.at(op.x)}, {w.at(op.y)});"
    return "conv", f"kl_conv_forward({table}, {w.at(op.x)}, {w.at(op.y)}, {w.at(op.mask)});"


def stream(w: Writer, op: Stream) -> Rule:
    """`Stream`."""
    rows = zip((*kept_rows(op.convs), op.convs[-1].geometry.oh), work_rows(op.convs), strict=True)
    name = f"{op.convs[-1].y}_stages"
    stages = [
        [conv_table(w, conv, whole=False), w.at(conv.mask), kept, work]
        for conv, (kept, work) in zip(op.convs, rows, strict=True)
    ]
    w.tables[name] = structs("kl_stage", name, stages)
    scratch = w.scratch(w.program.ops.index(op))
    places = f"{w.at(op.x)}, {scratch}, {op.over_x}, {w.at(op.convs[-1].y)}"
    return "stream", f"kl_stream({name}, {len(stages)}, {places});"


def add(w: Writer, op: f.Add) -> Rule:
    """`Add`."""
    count = w.program.tensors[op.y].size
    table = w.declare(
        "kl_add_sizes", f"{op.y}_add", op.a_zero, op.b_zero, op.y_zero, op.a_mult, op.b_mult,
        op.low, op.high, count, op.shift,
    )  # fmt: skip
    call = f"kl_add({table}, {w.at(op.a)}, {w.at(op.b)}, {w.at(op.y)}, {w.at(op.mask)});"
    return "elementwise", call


def rescale(w: Writer, op: f.Rescale) -> Rule:
    """`Rescale`."""
    table = w.declare(
        "kl_scale", f"{op.y}_scale", op.x_zero, op.y_zero, op.multiplier, op.low, op.high,
        op.count, op.shift,
    )  # fmt: skip
    return "elementwise", [
        *_clear(w, op.mask, op.count),
        f"kl_rescale({table}, {w.at(op.x)}, {w.at(op.y)}, {w.at(op.mask)}, 0);",
    ]


def concat(w: Writer, op: f.Concat) -> Rule:
    """`Concat`."""
    calls, offset = _clear(w, op.mask, sum(op.counts)), 0
    parts = zip(op.xs, op.x_zeros, op.multipliers, op.shifts, op.counts, strict=True)
    for i, (x, zero, multiplier, shift, count) in enumerate(parts):
        table = w.declare(
            "kl_scale", f"{op.y}_scale{i}", zero, op.y_zero, multiplier, op.low, op.high, count,
            shift,
        )  # fmt: skip
        calls.append(f"kl_rescale({table}, {w.at(x)}, {w.at(op.y)}, {w.at(op.mask)}, {offset});")
        offset += count
    return "elementwise", calls


def _clear(w: Writer, mask: str, count: int) -> list[str]:
    return [f"kl_clear_mask({w.at(mask)}, {count});"] if mask else []


def average_pool(w: Writer, op: f.AveragePool) -> Rule:
    """`AveragePool`."""
    count = w.program.tensors[op.y].size
    window = w.declare("kl_geometry", f"{op.y}_window", sizes(op.geometry)[1:-1])
    table = w.declare(
        "kl_scale", f"{op.y}_scale", op.x_zero, op.y_zero, op.multiplier, op.low, op.high, count,
        op.shift,
    )  # fmt: skip
    arguments = f"{w.at(op.x)}, {w.at(op.y)}, {w.at(op.mask)}"
    return "pool", f"kl_average_pool({window}, {table}, {arguments});"


def max_pool(w: Writer, op: f.MaxPool) -> Rule:
    """`MaxPool`."""
    window = w.declare("kl_geometry", f"{op.y}_window", sizes(op.geometry)[1:-1])
    return "pool", f"kl_max_pool({window}, {w.at(op.x)}, {w.at(op.y)}, {w.at(op.index)});"


def dequantise(w: Writer, op: f.Dequantise) -> Rule:
    """`Dequantise`."""
    arguments = f"{w.at(op.x)}, {op.zero}, {real(op.scale)}, {op.count}, {w.at(op.y)}"
    return "elementwise", f"kl_dequantise({arguments});"


def lookup(w: Writer, op: f.Lookup) -> Rule:
    """`Lookup`."""
    arguments = f"{w.constant(op.table)}, {w.at(op.x)}, {op.count}, {w.at(op.y)}"
    return "lookup", f"kl_lookup({arguments});"


def copy(w: Writer, op: f.Copy) -> Rule:
    """`Copy`."""
    count = w.program.tensors[op.y].size
    return "copy", f"kl_gather({_loops(w, op, op.y)}, {w.at(op.x)}, {count}, {w.at(op.y)});"


def _loops(w: Writer, op: f.Copy | b.CopyGrad, name: str) -> str:
    loops = braces(op.counts), braces(op.strides), op.start
    return w.declare("kl_loops", f"{name}_loops", *loops)


def softmax_loss(w: Writer, op: f.SoftmaxLoss) -> Rule:
    """`SoftmaxLoss`."""
    arguments = f"{w.at(op.logits)}, {op.count}, label, {w.at(op.gradient)}"
    return "loss", f"found = kl_softmax_loss({arguments});"


def square_loss(w: Writer, op: f.SquareLoss) -> Rule:
    """`SquareLoss`."""
    arguments = f"{w.at(op.outputs)}, {op.count}, label, {w.at(op.gradient)}"
    return "loss", f"found = kl_square_loss({arguments});"


def mask_grad(w: Writer, op: b.MaskGrad) -> Rule:
    """`MaskGrad`."""
    return "grad", f"kl_mask_grad({w.at(op.g)}, {w.at(op.mask)}, 0, {op.count}, {w.at(op.y)});"


def conv_grad_x(w: Writer, op: b.ConvGradX) -> Rule:
    """`ConvGradX`."""
    places = f"{w.at(op.g)}, {w.at(op.onto)}, {w.at(op.y)}"
    return "conv_grad_x", f"kl_conv_grad_x({_back_table(w, op)}, {places});"


def _back_table(w: Writer, op: b.ConvGradX) -> str:
    frozen, trained = w.parts(op.weights, op.geometry)
    return w.declare(
        "kl_conv_back", f"{op.layer}_back", sizes(op.geometry), frozen, trained,
        w.constant(op.scales),
    )  # fmt: skip


def _weight_table(w: Writer, op: b.WeightGrad) -> str:
    kept = w.channels(f"{op.layer}_kept", op.kept)
    return w.declare(
        "kl_weight_grad", f"{op.layer}_weights", sizes(op.geometry), kept, len(op.kept), op.x_zero
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


def weight_grad(w: Writer, op: b.WeightGrad) -> Rule:
    """`WeightGrad`."""
    arguments = f"{_weight_table(w, op)}, {w.at(op.g)}, {w.at(op.x)}, {w.at(op.y)}"
    return "weights", f"kl_weight_rows({arguments}, 0, &randomness, lr);"


def weight_step(w: Writer, op: b.WeightStep) -> Rule:
    """`WeightStep`."""
    table, target = _weight_table(w, op.grad), _target(w, op.step)
    arguments = f"{table}, {w.at(op.g)}, {w.at(op.x)}, 0, {target}"
    return "weights", f"kl_weight_rows({arguments}, &randomness, lr);"


def bias_grad(w: Writer, op: b.BiasGrad) -> Rule:
    """`BiasGrad`."""
    return "bias", f"kl_bias_grad({w.at(op.g)}, {op.channels}, {op.pixels}, {w.at(op.y)});"


def bias_step(w: Writer, op: b.BiasStep) -> Rule:
    """`BiasStep`."""
    table = _bias_table(w, op.step, op.grad.pixels)
    return "bias", f"kl_bias_step({table}, {w.at(op.g)}, &randomness, lr);"


def step(w: Writer, op: b.Step) -> Rule:
    """`Step`."""
    if op.is_bias:
        return "bias", f"kl_bias_step({_bias_table(w, op, 1)}, {w.at(op.g)}, &randomness, lr);"
    rows = w.program.tensors[op.g].size // op.row
    kept = w.channels(f"{op.layer}_kept", op.rows) if op.rows else "0"
    arguments = f"{_target(w, op)}, {kept}, {rows}, {op.row}, {w.at(op.g)}"
    return "weights", f"kl_weight_step({arguments}, &randomness, lr);"


def grad_stream(w: Writer, op: b.GradStream) -> Rule:
    """`GradStream`; a link is (mask, bias, weights, target, x, back) of a gradient."""
    links: dict[str, list[str]] = {}
    for one in op.ops:
        if isinstance(one, b.MaskGrad):
            links[one.y] = [w.at(one.mask), *["0"] * 5]
            continue
        link = links.setdefault(one.g, ["0"] * 6)  # type: ignore[attr-defined]
        if isinstance(one, b.BiasStep):
            link[1] = _bias_table(w, one.step, one.grad.pixels)
        elif isinstance(one, b.WeightStep):
            link[2:5] = _weight_table(w, one.grad), _target(w, one.step), w.at(one.x)
        elif isinstance(one, b.ConvGradX):
            link[5] = _back_table(w, one)
    layer = op.ops[0].layer  # type: ignore[attr-defined]
    name = f"{layer}_links" if op.planes else f"{layer}_own"
    w.tables[name] = structs("kl_link", name, list(links.values()))
    plane, even, odd = _buffers(w, op)
    planes = _planes(w, op, f"{name}_planes", plane)
    if not op.planes:
        count = w.program.tensors[op.ops[0].g].shape[0]  # type: ignore[attr-defined]
        arguments = f"{name}, {count}, {op.plane}, {planes}"
        return "grad_stream", f"kl_own_steps({arguments}, &randomness, lr);"
    made = w.at(op.ys[0]) if op.ys else "0"
    arguments = f"{name}, {len(links)}, {planes}, {even}, {odd}, {w.at(op.onto)}, {made}"
    return "grad_stream", f"kl_grad_stream({arguments}, &randomness, lr);"


def _buffers(w: Writer, op: b.GradStream) -> list[str]:
    """Pointers to the buffers one after the other; null pointers for those without bytes."""
    offset, places = w.plan.offset(f"scratch:{w.program.ops.index(op)}"), []
    for size in op.buffers():
        places.append(f"AT(float, {offset})" if size else "0")
        offset += size
    return places


def _planes(w: Writer, op: b.GradStream, name: str, plane: str) -> str:
    """The structure that says where planes of the gradient come from."""
    if not op.source:
        return w.declare("kl_planes", name, w.at(op.g), "0", "0", "0", "0")
    pool: Any = op.source[0]
    masks = [w.at(one.mask) for one in op.source if isinstance(one, b.MaskGrad)]
    g = replace(pool.geometry, cin=1, cout=1)
    window = w.declare("kl_geometry", f"{pool.y}_window", sizes(g, whole=False)[1:-1])
    return w.declare(
        "kl_planes", name, w.at(op.g), window, real(1 / pool.divisor), *masks or "0", plane
    )


def accumulate(w: Writer, op: b.Accumulate) -> Rule:
    """`Accumulate`."""
    return "grad", f"kl_accumulate({w.at(op.a)}, {w.at(op.b)}, {op.count}, {w.at(op.y)});"


def average_pool_grad(w: Writer, op: b.AveragePoolGrad) -> Rule:
    """`AveragePoolGrad`."""
    window = w.declare("kl_geometry", f"{op.y}_window", sizes(op.geometry)[1:-1])
    share = real(1 / op.divisor)
    return "pool", f"kl_average_pool_grad({window}, {share}, {w.at(op.g)}, {w.at(op.y)});"


def max_pool_grad(w: Writer, op: b.MaxPoolGrad) -> Rule:
    """`MaxPoolGrad`."""
    window = w.declare("kl_geometry", f"{op.y}_window", sizes(op.geometry)[1:-1])
    return "pool", f"kl_max_pool_grad({window}, {w.at(op.g)}, {w.at(op.index)}, {w.at(op.y)});"


def slice_grad(w: Writer, op: b.SliceGrad) -> Rule:
    """`SliceGrad`."""
    return "grad", f"kl_copy({w.at(op.g)} + {op.offset}, {op.count}, {w.at(op.y)});"


def scale_grad(w: Writer, op: b.ScaleGrad) -> Rule:
    """`ScaleGrad`."""
    arguments = f"{w.at(op.g)}, {real(op.gain)}, {op.count}, {w.at(op.y)}"
    return "lookup", f"kl_scale_grad({arguments});"


def lookup_grad(w: Writer, op: b.LookupGrad) -> Rule:
    """`LookupGrad`."""
    slopes = w.constant(op.slopes)
    arguments = f"{slopes}, {w.at(op.g)}, {w.at(op.x)}, {op.count}, {w.at(op.y)}"
    return "lookup", f"kl_lookup_grad({arguments});"


def copy_grad(w: Writer, op: b.CopyGrad) -> Rule:
    """`CopyGrad`."""
    count = w.program.tensors[op.g].size
    arguments = f"{_loops(w, op, op.y)}, {w.at(op.g)}, {count}, {op.size}, {w.at(op.y)}"
    return "copy", f"kl_scatter({arguments});"


RULES: dict[type[Op], Callable[[Writer, Any], Rule]] = {
    f.Conv: conv,
    Stream: stream,
    f.Add: add,
    f.Rescale: rescale,
    f.Concat: concat,
    f.AveragePool: average_pool,
    f.MaxPool: max_pool,
    f.Dequantise: dequantise,
    f.SoftmaxLoss: softmax_loss,
    f.SquareLoss: square_loss,
    b.MaskGrad: mask_grad,
    b.ConvGradX: conv_grad_x,
    b.WeightGrad: weight_grad,
    b.WeightStep: weight_step,
    b.BiasGrad: bias_grad,
    b.BiasStep: bias_step,
    b.Step: step,
    b.Accumulate: accumulate,
    b.AveragePoolGrad: average_pool_grad,
    b.MaxPoolGrad: max_pool_grad,
    b.SliceGrad: slice_grad,
    f.Lookup: lookup,
    f.Copy: copy,
    b.ScaleGrad: scale_grad,
    b.LookupGrad: lookup_grad,
    b.CopyGrad: copy_grad,
    **sequence.RULES,
    b.GradStream: grad_stream,
}
