"""The report on a compiled program: memory, layers, arena, fidelity and learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kinoloom.base.charts import MEDIA_TYPE
from kinoloom.base.report import Picture, Report, Section, Table, Text
from kinoloom.tiny.api import CompiledProgram
from kinoloom.tiny.charts import draw_arena, draw_lines
from kinoloom.tiny.evaluation.fidelity import Fidelity
from kinoloom.tiny.evaluation.learning_curves import LearningCurve
from kinoloom.tiny.evaluation.statistics import accuracy_interval
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
    inference: Program, scheme: Scheme, loss: Loss, compiled: CompiledProgram
) -> list[Row]:
    """Return the memory of the training step after each optimisation.

    Returns:
        (label, arena, lower bound, trained tensors, RAM) in bytes, for training all layers and for
        the scheme: in the order of a framework, with fused updates, and streamed.
    """
    options, full = TrainingOptions(loss), full_update(inference)
    sparse = build_training_program(inference, scheme, options)
    steps = {"all layers": sparse}
    if scheme != full:
        steps = {"all layers": build_training_program(inference, full, options), "scheme": sparse}
    programs = {}
    for name, program in steps.items():
        programs[f"{name}, framework order"] = program
        programs[f"{name}, fused updates"] = schedule_updates(program)
    name = list(steps)[-1]
    programs[f"{name}, gradients by channel"] = stream_gradients(schedule_updates(sparse))
    rows = [(label, *_sizes(one, plan_memory(one))) for label, one in programs.items()]
    return [*rows, (f"{name}, forward pass by row", *_sizes(compiled.program, compiled.plan))]


def _sizes(program: Program, plan: Plan) -> tuple[int, int, int, int]:
    return plan.peak, plan.lower_bound, program.param_bytes, plan.peak + program.param_bytes


def build_layer_rows(compiled: CompiledProgram) -> list[Row]:
    """Return (layer, output, weights, MACs, trained bytes, trained parts) of each layer."""
    trained = {
        op.step.layer: op for op in compiled.program.unfused_ops if isinstance(op, WeightStep)
    }
    biased = {op.step.layer for op in compiled.program.unfused_ops if isinstance(op, BiasStep)}
    rows: list[Row] = []
    for op in collect_convs(compiled.inference):
        g, step = op.geometry, trained.get(op.layer)
        weight_bytes = compiled.program.tensors[step.step.param].bytes if step else 0
        parts = ["bias"] * (op.layer in biased)
        if step:
            parts.append(f"{len(step.grad.updated)} channels")
        rows.append(
            (
                op.layer, f"{g.cout}x{g.oh}x{g.ow}", g.cout * g.fan_in, g.macs,
                weight_bytes + 4 * g.cout * (op.layer in biased), ", ".join(parts),
            )
        )  # fmt: skip
    return rows


def count_macs(compiled: CompiledProgram) -> tuple[int, int]:
    """Return the multiply-accumulates of the forward pass and of the backward pass with updates."""
    forward = sum(op.geometry.macs for op in collect_convs(compiled.inference))
    forward += sum(
        op.heads * op.m * op.n * op.terms for op in compiled.inference.ops if isinstance(op, MatMul)
    )
    backward = 0
    for op in compiled.program.unfused_ops:
        if isinstance(op, ConvGradX):
            backward += op.geometry.macs
        elif isinstance(op, MatMulGrad):
            backward += math.prod(op.counts)
        elif isinstance(op, GruGrad):  # recomputed gates, and the gradient of the previous state
            maps = op.forward.input_gates.geometry, op.forward.state_gates.geometry
            backward += maps[0].macs + 2 * maps[1].macs
        elif isinstance(op, WeightStep):
            g = op.grad.geometry
            share = len(op.grad.updated) / (g.cin if g.groups == 1 else g.cout)
            backward += round(g.macs * share)
    return forward, backward


@dataclass(frozen=True)
class Measurements:
    """Optional measurements of a report.

    Attributes:
        fidelity: comparison with float32; None if there is no float32 network.
        curves: learning curves; () if there are no training examples.
        test_size: number of held-out examples; 0 if there are none.
        warnings: reasons to doubt the measurements.
    """

    fidelity: Fidelity | None = None
    curves: tuple[LearningCurve, ...] = ()
    test_size: int = 0
    warnings: tuple[str, ...] = ()


def build_report(
    compiled: CompiledProgram, scheme: Scheme, loss: Loss, measurements: Measurements
) -> Report:
    """Build the report on the memory and the training of a compiled program."""
    rows = build_memory_ladder(compiled.inference, scheme, loss, compiled)
    forward, backward = count_macs(compiled)
    columns = ("training", "arena", "lower bound", "trained tensors", "RAM")
    data: dict[str, Any] = {
        **summarise(compiled),
        "macs_forward": forward,
        "macs_backward": backward,
        "ladder": [dict(zip(columns, row, strict=True)) for row in rows],
    }
    summary = (
        f"{compiled.ram_bytes} bytes of RAM, {data['constant_bytes']} bytes of constants; "
        f"{forward} multiply-accumulates forward, {backward} backward."
    )
    curves, fidelity = measurements.curves, measurements.fidelity
    text = " ".join([summary, *_summarise_curves(measurements)])
    sections: list[Section] = [Text(text), *build_warning_sections(measurements.warnings)]
    data["warnings"] = list(measurements.warnings)
    if fidelity is not None:
        data["fidelity"] = fidelity.to_dict()
        sections.append(build_fidelity_table(fidelity))
    if curves:
        data["learning_curves"] = [asdict(curve) for curve in curves]
        sections += build_learning_sections(curves)
    sections += [
        Table(columns, tuple(rows), title="Memory in bytes"),
        Picture(
            draw_arena(compiled.program, compiled.plan),
            MEDIA_TYPE,
            f"Blocks of the arena by address and time; its size is {compiled.plan.peak} bytes.",
            title="The arena over one training step",
        ),
        Table(
            ("layer", "output", "weights", "MACs", "trained bytes", "trained"),
            tuple(build_layer_rows(compiled)),
            title="Layers",
        ),
    ]
    return Report(f"{compiled.program.name}: memory of a training step", tuple(sections), data)


def build_warning_sections(warnings: Sequence[str]) -> list[Section]:
    """Build one section per reason to doubt the measurements."""
    return [Text(text, title="Warning") for text in warnings]


def build_learning_sections(curves: Sequence[LearningCurve]) -> list[Section]:
    """Build a table and charts of accuracy and loss on held-out examples."""
    accuracies = {c.name: [s.accuracy for s in c.scores if s.accuracy is not None] for c in curves}
    losses = {c.name: [s.loss for s in c.scores] for c in curves}
    has_classes = bool(accuracies[curves[0].name])
    metrics = {"accuracy": accuracies, "loss": losses} if has_classes else {"loss": losses}
    columns = [f"{metric} {when}" for metric in metrics for when in ("before", "after")]
    rows = []
    for curve in curves:
        values = [by_name[curve.name] for by_name in metrics.values()]
        ends = [end for metric in values for end in (metric[0], metric[-1])]
        rows.append((curve.name, curve.ram_bytes, *ends))
    tops = {"accuracy": 1.0, "loss": max(values[0] for values in losses.values())}
    charts = [_draw_metric(name, curves, lines, tops[name]) for name, lines in metrics.items()]
    return [Table(("training", "RAM", *columns), tuple(rows), title="Learning curves"), *charts]


def _summarise_curves(measurements: Measurements) -> list[str]:
    """Summarise the final scores in one sentence; the result is empty without curves."""
    results, metric, curves = [], "", measurements.curves
    for curve in curves:
        last = curve.scores[-1]
        metric = "Loss" if last.accuracy is None else "Accuracy"
        value = f"{last.loss:.4g}"
        if last.accuracy is not None:
            interval = _format_interval(last.accuracy, measurements.test_size)
            value = f"{100 * last.accuracy:.1f} % ({interval})"
        results.append(f"{curve.name} {value}")
    when = f"after {curves[0].steps[-1]} steps" if curves else ""
    return [f"{metric} on held-out examples {when}: {', '.join(results)}."] if results else []


def _format_interval(accuracy: float, count: int) -> str:
    low, high = accuracy_interval(accuracy, count)
    return f"95 % interval {100 * low:.1f} to {100 * high:.1f} %"


def _draw_metric(
    metric: str, curves: Sequence[LearningCurve], lines: dict[str, list[float]], top: float
) -> Picture:
    steps, rate = curves[0].steps, curves[0].run.learning_rate
    caption = f"{metric} over {steps[-1]} training steps at a learning rate of {rate:g}."
    svg = draw_lines(steps, lines, top)
    title = f"{metric} on held-out examples"
    return Picture(svg, MEDIA_TYPE, caption.capitalize(), title.capitalize())


def build_fidelity_table(fidelity: Fidelity) -> Table:
    """Build the table that compares the quantised network with float32."""
    rows: list[Row] = [
        ("signal-to-noise ratio of the outputs", f"{fidelity.sqnr_db:.1f} dB"),
        ("largest error", f"{100 * fidelity.max_error:.2f} % of the output range"),
        ("top-1 agreement", f"{100 * fidelity.top1_agreement:.1f} %"),
    ]
    for name, accuracy in fidelity.accuracies.items():
        interval = _format_interval(accuracy, fidelity.inputs)
        rows.append((f"accuracy in {name}", f"{100 * accuracy:.2f} % ({interval})"))
    title = f"Fidelity to float32 on {fidelity.inputs} inputs"
    return Table(("figure", "value"), tuple(rows), title=title)


def summarise(compiled: CompiledProgram) -> dict[str, Any]:
    """Return the figures that the JSON output of every command includes."""
    return {
        "name": compiled.program.name,
        "ram_bytes": compiled.ram_bytes,
        "arena_bytes": compiled.plan.peak,
        "arena_bound_bytes": compiled.plan.lower_bound,
        "param_bytes": compiled.program.param_bytes,
        "constant_bytes": compiled.program.constant_bytes,
        "operations": len(compiled.program.ops),
    }
