"""Fuse the backward pass of inverted bottlenecks and compute it channel by channel.

Depthwise convolutions often connect two dense ones. Their gradients do not mix channels, so the
wide middle of an inverted bottleneck, in float32 the largest tensor of a training step, needs only
one or two planes of memory. The gradient of an average pooling can likewise be recomputed plane by
plane from a few numbers and a mask. Sums keep their order, and input gradients are computed before
weights are updated, so the result is bit-identical to that of the separate operations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from kinoloom.tiny.ir.backward_ops import (
    AveragePoolGrad,
    BiasStep,
    ConvGradX,
    GradStream,
    MaskGrad,
    WeightStep,
)
from kinoloom.tiny.ir.program import Geometry, Op, Program


def stream_gradients(program: Program, *, pools: bool = False) -> Program:
    """Return the training step with its chains fused into `GradStream` operations.

    Args:
        program: a training step in the order of `schedule_updates`.
        pools: whether to recompute gradients of average pooling plane by plane in each operation
            that reads them.
    """
    readers = Counter(name for op in program.ops for name in op.inputs())
    ops: list[Op] = []
    rest = list(program.ops)
    while rest:
        streams = _stream_pool_gradient(rest, readers) if pools else []
        if not streams:
            chain = _find_chain(rest, readers)
            streams = [_fuse(chain)] if chain else []
        ops += streams or rest[:1]
        fused = {part for op in streams for part in op.fused_ops()} if streams else {rest[0]}
        rest = [op for op in rest if op not in fused]
    return replace(program, ops=tuple(ops))


def _stream_pool_gradient(ops: Sequence[Op], readers: Counter[str]) -> list[GradStream]:
    """Fuse the gradient of an average pooling, if it comes first, with all that read it.

    The result is empty if a reader needs the whole gradient. The chain of the input gradient
    precedes the updates of the convolution itself.
    """
    first = ops[0]
    if not isinstance(first, AveragePoolGrad) or first.geometry.ih * first.geometry.iw == 1:
        return []
    source: tuple[AveragePoolGrad | MaskGrad, ...] = (first,)
    if isinstance(ops[1], MaskGrad) and ops[1].g == first.y and readers[first.y] == 1:
        source = (first, ops[1])
    readers_of_source = [(i, op) for i, op in enumerate(ops) if source[-1].y in op.inputs()]
    input_gradients = [i for i, op in readers_of_source if isinstance(op, ConvGradX)]
    updates = [op for _, op in readers_of_source if isinstance(op, BiasStep | WeightStep)]
    chain = _find_chain(ops[input_gradients[0] :], readers) if input_gradients else []
    if (
        len(updates) + len(input_gradients) != len(readers_of_source)
        or len(input_gradients) > 1
        or (input_gradients and not chain)
    ):
        return []
    return [_fuse(part, source) for part in (chain, updates) if part]


def _find_chain(ops: Sequence[Op], readers: Counter[str]) -> list[Op]:
    """Return the chain that starts with the first operation, or an empty list."""
    first = ops[0]
    if not isinstance(first, ConvGradX) or first.geometry.groups > 1 or _count_pixels(first) == 1:
        return []
    if first.onto:
        return []
    chain: list[Op] = [first]
    intermediate = {first.y}
    for op in ops[1:]:
        if isinstance(op, WeightStep) and op.g == first.g:
            continue  # the update of the first convolution itself follows the chain
        if not _can_join(op, intermediate):
            break
        chain.append(op)
        if isinstance(op, MaskGrad) or (isinstance(op, ConvGradX) and op.geometry.is_depthwise):
            intermediate.add(op.y)
    inner_reads = Counter(name for op in chain for name in op.inputs() if name in intermediate)
    is_closed = all(inner_reads[name] == readers[name] > 0 for name in intermediate)
    return chain if is_closed else []


def _can_join(op: Op, intermediate: set[str]) -> bool:
    """Return whether an operation processes an intermediate gradient channel by channel."""
    if isinstance(op, ConvGradX):
        if op.onto in intermediate:  # reads the whole intermediate gradient
            return False
        is_separable = op.geometry.is_depthwise and not op.onto
        return op.g in intermediate and (is_separable or op.geometry.groups == 1)
    return isinstance(op, MaskGrad | BiasStep | WeightStep) and op.g in intermediate


def _count_pixels(op: Op) -> int:
    geometry: Geometry = op.geometry  # type: ignore[attr-defined]
    return geometry.ih * geometry.iw


def _fuse(chain: Sequence[Op], source: Sequence[AveragePoolGrad | MaskGrad] = ()) -> GradStream:
    """Return the chain as one operation."""
    input_gradients = [op for op in chain if isinstance(op, ConvGradX)]
    last = (
        input_gradients[-1]
        if len(input_gradients) > 1 and input_gradients[-1].geometry.groups == 1
        else None
    )
    written = {name for op in (*source, *chain) for name in op.outputs()}
    reads = dict.fromkeys(n for op in (*source, *chain) for n in op.inputs() if n not in written)
    g = next(iter(reads))
    onto, ys = (last.onto, (last.y,)) if last else ("", ())
    others = tuple(name for name in reads if name not in (g, onto))
    plane = _count_pixels(source[0]) if source else 0
    planes = tuple(_count_pixels(op) for op in input_gradients if op is not last)
    return GradStream(tuple(source), tuple(chain), plane, planes, g, onto, others, ys)
