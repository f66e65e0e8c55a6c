"""What a user calls: `compile` a torch module, or `compile_program` an inference program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kinoloom.errors import OutputExistsError
from kinoloom.tiny.codegen.model import Sources, generate_sources
from kinoloom.tiny.codegen.project import build_project
from kinoloom.tiny.front.read import read_module
from kinoloom.tiny.ir.program import Array, Program, prune_constants
from kinoloom.tiny.planning.arena import Plan, check_budget, lower_bound_bytes, plan_memory
from kinoloom.tiny.planning.schedule import schedule_updates
from kinoloom.tiny.planning.stream_backward import stream_gradients
from kinoloom.tiny.planning.stream_forward import stream_convs
from kinoloom.tiny.quantisation.quantise import quantise
from kinoloom.tiny.simulate.simulator import Simulator
from kinoloom.tiny.training.autodiff import build_training_program
from kinoloom.tiny.training.options import Loss, TrainingOptions
from kinoloom.tiny.training.scheme import Scheme, full_update

if TYPE_CHECKING:
    from torch import nn

DEFAULT_BUDGET_BYTES = 256 * 1024

SchemeChoice = Scheme | Callable[[Program], Scheme]
"""What is trained: a scheme, or a function that makes one of the quantised network."""


@dataclass(frozen=True)
class CompiledProgram:
    """A program and where its tensors lie.

    Attributes:
        inference: the quantised network before training was added.
        program: what runs on the device.
        plan: of its arena.
    """

    inference: Program
    program: Program
    plan: Plan

    @property
    def ram_bytes(self) -> int:
        """Arena and trained tensors."""
        return self.plan.peak + self.program.param_bytes

    @cached_property
    def sources(self) -> Sources:
        """The text of model.h and model.c."""
        return generate_sources(self.program, self.plan)

    def simulator(self, seed: int = 1) -> Simulator:
        """A simulated device in its first state."""
        return Simulator(self.program, seed)

    def write(self, folder: Path, *, overwrite: bool = False) -> list[Path]:
        """Write the project: model.h, model.c, an example main, Makefile, start-up code.

        Raises:
            OutputExistsError: there is such a folder with something in it already.
        """
        if folder.exists() and any(folder.iterdir()) and not overwrite:
            raise OutputExistsError(
                f"{folder} exists already, and is not empty.",
                hint="Remove it or choose another folder; in Python, pass overwrite=True.",
            )
        made = []
        for name, text in build_project(self.program, self.sources).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            made.append(path)
        return made


def compile(  # noqa: A001  the word for it
    model: nn.Module,
    example: Array,
    loss: Loss | None = "cross-entropy",
    *,
    data: Iterable[Array],
    scheme: SchemeChoice = full_update,
    budget: int = DEFAULT_BUDGET_BYTES,
    name: str = "net",
    options: TrainingOptions | None = None,
) -> CompiledProgram:
    """Compile a torch module into a training step for a microcontroller.

    Args:
        model: in eval mode.
        example: one input, (1, C, H, W), (1, C, T) or (1, F) float.
        loss: "cross-entropy", "square", or None for inference only.
        data: inputs like `example` for calibration.
        scheme: what is trained.
        budget: bytes of RAM that arena and trained tensors may take together.
        name: prefix of the C names.
        options: scaling and rounding of updates; its loss is overruled by `loss`.

    Raises:
        UsageError: the model is in training mode or has something that is not supported.
        ArrayError: the batch is not one; no calibration data, or not finite.
        BudgetError: it does not fit; the message says the least that would do.
    """
    program = quantise(read_module(model, example, data), name)
    return compile_program(program, loss, scheme=scheme, budget=budget, options=options)


def compile_program(
    inference: Program,
    loss: Loss | None = "cross-entropy",
    *,
    scheme: SchemeChoice = full_update,
    budget: int = DEFAULT_BUDGET_BYTES,
    options: TrainingOptions | None = None,
) -> CompiledProgram:
    """The same for a network that is quantised already; see `compile`.

    Raises:
        UsageError: the scheme does not fit.
        BudgetError: it does not fit the memory.
    """
    if loss is None:
        program = stream_convs(prune_constants(inference))
    else:
        given = options or TrainingOptions()
        chosen = scheme(inference) if callable(scheme) else scheme
        wanted = TrainingOptions(loss, given.scaling, given.rounding)
        program = _choose_streaming(
            schedule_updates(build_training_program(inference, chosen, wanted))
        )
    made = plan_memory(program)
    check_budget(program, made, budget)
    return CompiledProgram(inference, program, made)


def _choose_streaming(step: Program) -> Program:
    """The training step joined in the way of least memory; of two equal ones the quicker."""
    ways = [stream_convs(stream_gradients(step, pools=pools)) for pools in (False, True)]
    return min(ways, key=lower_bound_bytes)
