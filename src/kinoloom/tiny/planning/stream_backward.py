"""Join the backward pass of inverted bottlenecks, channel by channel.

Between a dense convolution and the next there are often depthwise ones. The gradient of a channel
between them depends on no other channel there, so the wide middle of an inverted bottleneck, in
float32 the largest thing of a training step, needs a plane or two and never exists whole. So it is
with the gradient of an average, which is worked out from a few numbers and a mask. Sums keep their
order, and every gradient by an input is taken before the weights change: the bits are those of the
operations one by one.
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
    """The same training step, in the order of `schedule.reorder`, with such chains joined.

    Args:
        program: the training step.
        pools: whether the gradient of an average over windows is worked out anew, plane by plane,
            for each thing that reads it.
    """
    readers = Counter(name for op in program.ops for name in op.inputs())
    ops: list[Op] = []
    rest = list(program.ops)
    while rest:
        streams = _of_pool(rest, readers) if pools else []
        if not streams:
            chain = _chain(rest, readers)
            streams = [_joined(chain)] if chain else []
        ops += streams or rest[:1]
        taken = {one for op in streams for one in op.fused_ops()} if streams else {rest[0]}
        rest = [op for op in rest if op not in taken]
    return replace(program, ops=tuple(ops))


def _of_pool(ops: Sequence[Op], readers: Counter[str]) -> list[GradStream]:
    """What reads the gradient of an average, if that comes first and nothing needs it whole.

    The chain by the convolution's input goes before the convolution's own updates.
    """
    first = ops[0]
    if not isinstance(first, AveragePoolGrad) or first.geometry.ih * first.geometry.iw == 1:
        return []
    source: tuple[AveragePoolGrad | MaskGrad, ...] = (first,)
    if isinstance(ops[1], MaskGrad) and ops[1].g == first.y and readers[first.y] == 1:
        source = (first, ops[1])
    read = [(i, op) for i, op in enumerate(ops) if source[-1].y in op.inputs()]
    backs = [i for i, op in read if isinstance(op, ConvGradX)]
    own = [op for _, op in read if isinstance(op, BiasStep | WeightStep)]
    chain = _chain(ops[backs[0] :], readers) if backs else []
    if len(own) + len(backs) != len(read) or len(backs) > 1 or (backs and not chain):
        return []
    return [_joined(part, source) for part in (chain, own) if part]


def _chain(ops: Sequence[Op], readers: Counter[str]) -> list[Op]:
    """The chain that begins with the first operation, or nothing."""
    first = ops[0]
    if not isinstance(first, ConvGradX) or first.geometry.groups > 1 or _pixels(first) == 1:
        return []
    if first.onto:
        return []
    chain: list[Op] = [first]
    between = {first.y}
    for op in ops[1:]:
        if isinstance(op, WeightStep) and op.g == first.g:
            continue  # the update of the first convolution itself may wait
        if not _joins(op, between):
            break
        chain.append(op)
        if isinstance(op, MaskGrad) or (isinstance(op, ConvGradX) and op.geometry.is_depthwise):
            between.add(op.y)
    inside = Counter(name for op in chain for name in op.inputs() if name in between)
    whole = all(inside[name] == readers[name] > 0 for name in between)
    return chain if whole else []


def _joins(op: Op, between: set[str]) -> bool:
    """Whether an operation works on a channel between without the others."""
    if isinstance(op, ConvGradX):
        if op.onto in between:  # which is then read whole
            return False
        alone = op.geometry.is_depthwise and not op.onto
        return op.g in between and (alone or op.geometry.groups == 1)
    return isinstance(op, MaskGrad | BiasStep | WeightStep) and op.g in between


def _pixels(op: Op) -> int:
    geometry: Geometry = op.geometry  # type: ignore[attr-defined]
    return geometry.ih * geometry.iw


def _joined(chain: Sequence[Op], source: Sequence[AveragePoolGrad | MaskGrad] = ()) -> GradStream:
    """The chain as one operation."""
    backs = [op for op in chain if isinstance(op, ConvGradX)]
    last = backs[-1] if len(backs) > 1 and backs[-1].geometry.groups == 1 else None
    made = {name for op in (*source, *chain) for name in op.outputs()}
    reads = dict.fromkeys(n for op in (*source, *chain) for n in op.inputs() if n not in made)
    g = next(iter(reads))
    onto, ys = (last.onto, (last.y,)) if last else ("", ())
    others = tuple(name for name in reads if name not in (g, onto))
    plane = _pixels(source[0]) if source else 0
    planes = tuple(_pixels(op) for op in backs if op is not last)
    return GradStream(tuple(source), tuple(chain), plane, planes, g, onto, others, ys)
