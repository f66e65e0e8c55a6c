"""Reports on a compiled program: memory step by step, layer by layer, and a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kinoloom.base.report import Picture, Report, Section, Table, Text
from kinoloom.tiny.api import CompiledProgram
from kinoloom.tiny.charts import draw_arena, draw_lines, round_up_axis
from kinoloom.tiny.evaluation.fidelity import Fidelity
from kinoloom.tiny.evaluation.learning_curves import LearningCurve
from kinoloom.tiny.ir.backward_ops import BiasStep, ConvGradX, WeightStep
from kinoloom.tiny.ir.program import Program
from kinoloom.tiny.ir.sequence_ops import GruGrad, MatMul, MatMulGrad
from kinoloom.tiny.planning.arena import Plan, plan_memory
from kinoloom.tiny.planning.schedule import schedule_updates
from kinoloom.tiny.planning.stream_backward import stream_gradients
from kinoloom.tiny.training.autodiff import build_training_program
from kinoloom.tiny.training.options import Loss, TrainingOptions
from kinoloom.tiny.training.scheme import Scheme, collect_convs, full_update

Row = tuple[object, ...]


def build_memory_ladder(
    inference: Program, scheme: Scheme, loss: Loss, made: CompiledProgram
) -> list[Row]:
    """(what, arena, bound, trained tensors, RAM) of ways to train, in bytes."""
    options, everything = TrainingOptions(loss), full_update(inference)
    part = build_training_program(inference, scheme, options)
    ways = {"all": part}
    if scheme != everything:
        ways = {"all": build_training_program(inference, everything, options), "chosen": part}
    steps = {}
    for what, program in ways.items():
        steps[f"{what} trained, order of a framework"] = program
        steps[f"{what} trained, updates at once"] = schedule_updates(program)
    steps["... and gradients channel by channel"] = stream_gradients(schedule_updates(part))
    rows = [(name, *_sizes(program, plan_memory(program))) for name, program in steps.items()]
    return [*rows, ("... and the forward pass row by row", *_sizes(made.program, made.plan))]


def _sizes(program: Program, made: Plan) -> tuple[int, int, int, int]:
    return made.peak, made.lower_bound, program.param_bytes, made.peak + program.param_bytes


def build_layer_rows(made: CompiledProgram) -> list[Row]:
    """(layer, output, weights, multiply-accumulates, trained bytes, what is trained)."""
    trained = {op.step.layer: op for op in made.program.unfused_ops if isinstance(op, WeightStep)}
    biased = {op.step.layer for op in made.program.unfused_ops if isinstance(op, BiasStep)}
    rows: list[Row] = []
    for op in collect_convs(made.inference):
        g, step = op.geometry, trained.get(op.layer)
        part = made.program.tensors[step.step.param].bytes if step else 0
        what = ["bias"] * (op.layer in biased)
        if step:
            what.append(f"{len(step.grad.updated)} channels")
        rows.append(
            (
                op.layer, f"{g.cout}x{g.oh}x{g.ow}", g.cout * g.fan_in, g.macs,
                part + 4 * g.cout * (op.layer in biased), ", ".join(what),
            )
        )  # fmt: skip
    return rows


def count_macs(made: CompiledProgram) -> tuple[int, int]:
    """Multiply-accumulates of the forward pass, and of the backward pass with its updates."""
    forward = sum(op.geometry.macs for op in collect_convs(made.inference))
    forward += sum(
        op.heads * op.m * op.n * op.terms for op in made.inference.ops if isinstance(op, MatMul)
    )
    backward = 0
    for op in made.program.unfused_ops:
        if isinstance(op, ConvGradX):
            backward += op.geometry.macs
        elif isinstance(op, MatMulGrad):
            backward += math.prod(op.counts)
        elif isinstance(op, GruGrad):  # gates once more, and what goes to the state before
            maps = op.forward.input_gates.geometry, op.forward.state_gates.geometry
            backward += maps[0].macs + 2 * maps[1].macs
        elif isinstance(op, WeightStep):
            g = op.grad.geometry
            share = len(op.grad.updated) / (g.cin if g.groups == 1 else g.cout)
            backward += round(g.macs * share)
    return forward, backward


@dataclass(frozen=True)
class Measurements:
    """What was measured beside the memory.

    Attributes:
        agreed: how near the quantised network is to the real one, where there is a real one.
        learned: curves of learning, where there were examples.
    """

    agreed: Fidelity | None = None
    learned: tuple[LearningCurve, ...] = ()


def build_report(made: CompiledProgram, scheme: Scheme, loss: Loss, found: Measurements) -> Report:
    """Everything about the memory of a compiled training step, and how well it learns."""
    rows = build_memory_ladder(made.inference, scheme, loss, made)
    layers = build_layer_rows(made)
    forward, backward = count_macs(made)
    columns = ("way to train", "arena", "its lower bound", "trained tensors", "RAM")
    data: dict[str, Any] = {
        **summarise(made),
        "multiplies_forward": forward,
        "multiplies_backward": backward,
        "ladder": [dict(zip(columns, row, strict=True)) for row in rows],
    }
    what = (
        f"{made.ram_bytes} bytes of RAM, {data['constant_bytes']} bytes of constants; "
        f"{forward} multiply-accumulates forward, {backward} backward."
    )
    sections: list[Section] = [
        Text(" ".join([what, *_outcome(found.learned)])),
        Table(columns, tuple(rows), title="Memory in bytes"),
        Picture(
            draw_arena(made.program, made.plan).encode(),
            "image/svg+xml",
            "The arena: int8 blue, float32 orange, masks green, buffers of streams grey.",
            title="The arena over one training step",
        ),
        Table(
            ("layer", "output", "weights", "multiplies", "trained bytes", "trained"),
            tuple(layers),
            title="Layers",
        ),
    ]
    if found.learned:
        data["learned"] = [asdict(curve) for curve in found.learned]
        sections[1:1] = learning_sections(found.learned)
    if found.agreed is not None:
        data["fidelity_table"] = found.agreed.to_dict()
        sections.insert(1, fidelity_table(found.agreed))
    return Report(f"{made.program.name}: training in small memory", tuple(sections), data)


def learning_sections(curves: Sequence[LearningCurve]) -> list[Section]:
    """A table and pictures of how well each way to train does on held-out examples."""
    accuracies = {c.way: [s.accuracy for s in c.scores if s.accuracy is not None] for c in curves}
    losses = {c.way: [s.loss for s in c.scores] for c in curves}
    of_classes = bool(accuracies[curves[0].way])
    shown = {"accuracy": accuracies, "loss": losses} if of_classes else {"loss": losses}
    columns = [f"{what} {when}" for what in shown for when in ("before", "after")]
    rows = [
        (c.way, c.ram_bytes, *(v for by in shown.values() for v in (by[c.way][0], by[c.way][-1])))
        for c in curves
    ]
    tops = {"accuracy": 1.0, "loss": round_up_axis(max(values[0] for values in losses.values()))}
    pictures = [_lines(what, curves, lines, tops[what]) for what, lines in shown.items()]
    return [Table(("way to train", "RAM", *columns), tuple(rows), title="Learning"), *pictures]


def _outcome(curves: Sequence[LearningCurve]) -> list[str]:
    """What was learned, in a sentence; none where there were no examples."""
    told, what = [], ""
    for curve in curves:
        last = curve.scores[-1]
        what = "Loss" if last.accuracy is None else "Accuracy"
        value = f"{last.loss:.4g}" if last.accuracy is None else f"{100 * last.accuracy:.1f} %"
        told.append(f"{curve.way} {value}")
    when = f"after {curves[0].steps[-1]} steps" if curves else ""
    return [f"{what} on held-out examples {when}: {', '.join(told)}."] if told else []


def _lines(
    what: str, curves: Sequence[LearningCurve], lines: dict[str, list[float]], most: float
) -> Picture:
    steps = curves[0].steps
    rate = curves[0].course.rate
    caption = f"{what} over {steps[-1]} training steps of one example each, at rate {rate:g}."
    svg = draw_lines(steps, lines, most).encode()
    return Picture(svg, "image/svg+xml", caption.capitalize(), "On held-out examples: " + what)


def fidelity_table(agreed: Fidelity) -> Table:
    """How near the quantised network is to the real one."""
    rows: list[Row] = [
        ("signal over noise of the outputs", f"{agreed.sqnr_db:.1f} dB"),
        ("largest difference", f"{100 * agreed.max_error:.2f} % of their range"),
        ("same largest output", f"{100 * agreed.top1_agreement:.1f} %"),
    ]
    if agreed.float_accuracy is not None and agreed.int8_accuracy is not None:
        rows.append(("accuracy in float32", f"{100 * agreed.float_accuracy:.2f} %"))
        rows.append(("accuracy in int8", f"{100 * agreed.int8_accuracy:.2f} %"))
    title = f"Against float32, on {agreed.inputs} inputs"
    return Table(("figure", "value"), tuple(rows), title=title)


def summarise(made: CompiledProgram) -> dict[str, Any]:
    """The figures that every command on a program gives."""
    return {
        "name": made.program.name,
        "ram_bytes": made.ram_bytes,
        "arena_bytes": made.plan.peak,
        "arena_bound_bytes": made.plan.lower_bound,
        "param_bytes": made.program.param_bytes,
        "constant_bytes": made.program.constant_bytes,
        "operations": len(made.program.ops),
    }
