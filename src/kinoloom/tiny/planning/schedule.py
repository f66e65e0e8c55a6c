"""The order of operations: each update right after the gradient that it needs, and in one with it.

A gradient of weights that is applied at once needs no memory: each weight is changed as soon as its
own sum over pixels is known. Two rules keep the result the same as in the order of a framework: the
gradient by a layer's input is taken before its weights change, and nothing reads a weight after.
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
    """The same training step with its updates fused into their gradients, and these moved up."""
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
    gone = {op.y for op in program.ops if isinstance(op, BiasGrad | WeightGrad)}
    tensors = {name: t for name, t in program.tensors.items() if name not in gone}
    return replace(program, ops=tuple(_updates_early(ops)), tensors=tensors)


def _updates_early(ops: list[Op]) -> list[Op]:
    """Each weight's update goes before whatever else follows the last reader of the weight."""
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
