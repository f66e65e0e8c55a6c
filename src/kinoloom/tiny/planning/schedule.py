"""Operation order of a training step: updates fused with their gradients, as early as possible.

A fused weight update needs no gradient tensor: each weight is updated as soon as its own sum over
pixels is complete. Two rules keep the result of the framework's order: the input gradient of a
layer is computed before its weights are updated, and nothing reads a weight after its update.
"""

from __future__ import annotations

from dataclasses import replace

from kinoloom.tiny.ir.backward_ops import (
    BiasGrad,
    BiasStep,
    ConvGradX,
    Step,
    WeightGrad,
    WeightStep,
)
from kinoloom.tiny.ir.program import Op, Program


def schedule_updates(program: Program) -> Program:
    """Return the training step with updates fused with their gradients and moved up."""
    steps = {op.g: op for op in program.ops if isinstance(op, Step)}
    ops: list[Op] = []
    for op in program.ops:
        if isinstance(op, Step):
            continue
        if isinstance(op, BiasGrad):
            ops.append(BiasStep(op, steps[op.y], op.g))
        elif isinstance(op, WeightGrad):
            ops.append(WeightStep(op, steps[op.y], op.g, op.x))
        else:
            ops.append(op)
    fused = {op.y for op in program.ops if isinstance(op, BiasGrad | WeightGrad)}
    tensors = {name: t for name, t in program.tensors.items() if name not in fused}
    return replace(program, ops=tuple(_updates_early(ops)), tensors=tensors)


def _updates_early(ops: list[Op]) -> list[Op]:
    """Move each weight update up to the last operation that must precede it."""
    ordered: list[Op] = []
    for op in ops:
        if isinstance(op, WeightStep):
            place = len(ordered)
            while place and not _must_precede(ordered[place - 1], op):
                place -= 1
            ordered.insert(place, op)
        else:
            ordered.append(op)
    return ordered


def _must_precede(earlier: Op, step: WeightStep) -> bool:
    reads_weight = isinstance(earlier, ConvGradX) and step.step.param in earlier.params
    return reads_weight or step.g in earlier.outputs() or isinstance(earlier, WeightStep)
