"""Join the backward pass of inverted bottlenecks, channel by channel.

Between a dense convolution and the next there are often depthwise ones. The gradient of a channel
between them depends on no other channel there, so the wide middle of an inverted bottleneck, in
float32 the largest thing of a training step, needs a plane or two and never exists whole. Sums keep
their order, and every gradient by an input is taken before the weights change: the bits are those
of the operations one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from kinoloom.tiny.ir import Op, Program
from kinoloom.tiny.ops_backward import BiasStep, ConvGradX, GradStream, MaskGrad, WeightStep


def join_gradients(program: Program) -> Program:
    """The same training step, in the order of `schedule.reorder`, with such chains joined."""
    readers = Counter(name for op in program.ops for name in op.reads())
    ops: list[Op] = []
    rest = list(program.ops)
    while rest:
        chain = _chain(rest, readers)
        if chain:
            ops.append(_joined(chain))
            rest = [op for op in rest if op not in chain]
        else:
            ops.append(rest.pop(0))
    return replace(program, ops=tuple(ops))


def _chain(ops: Sequence[Op], readers: Counter[str]) -> list[Op]:
    """The chain that begins with the first operation, or nothing."""
    first = ops[0]
    if not isinstance(first, ConvGradX) or first.geometry.groups > 1 or _plane(first) == 1:
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
        if isinstance(op, MaskGrad) or (isinstance(op, ConvGradX) and op.geometry.depthwise):
            between.add(op.y)
    inside = Counter(name for op in chain for name in op.reads() if name in between)
    whole = all(inside[name] == readers[name] > 0 for name in between)
    return chain if whole else []


def _joins(op: Op, between: set[str]) -> bool:
    """Whether an operation works on a channel between without the others."""
    if isinstance(op, ConvGradX):
        alone = op.geometry.depthwise and not op.onto
        return op.g in between and (alone or op.geometry.groups == 1)
    return isinstance(op, MaskGrad | BiasStep | WeightStep) and op.g in between


def _plane(op: ConvGradX) -> int:
    return op.geometry.ih * op.geometry.iw


def _joined(chain: Sequence[Op]) -> GradStream:
    """The chain as one operation."""
    backs = [op for op in chain if isinstance(op, ConvGradX)]
    last = backs[-1] if len(backs) > 1 and backs[-1].geometry.groups == 1 else None
    made = {name for op in chain for name in op.writes()}
    reads = dict.fromkeys(name for op in chain for name in op.reads() if name not in made)
    onto, ys = (last.onto, (last.y,)) if last else ("", ())
    others = tuple(name for name in reads if name not in (backs[0].g, onto))
    planes = tuple(_plane(op) for op in backs if op is not last)
    return GradStream(tuple(chain), planes, backs[0].g, onto, others, ys)
