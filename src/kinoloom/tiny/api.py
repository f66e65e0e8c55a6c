"""What a user calls: `compile` a torch module, or `compile_program` an inference program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kinoloom.errors import OutputExistsError
from kinoloom.tiny.codegen.model import Sources, generate
from kinoloom.tiny.codegen.project import project_files
from kinoloom.tiny.front.read import read_module
from kinoloom.tiny.ir.program import Array, Program, pruned
from kinoloom.tiny.planning.arena import Plan, check_budget, least_bytes, plan
from kinoloom.tiny.planning.fuse_backward import join_gradients
from kinoloom.tiny.planning.fuse_forward import stream
from kinoloom.tiny.planning.schedule import reorder
from kinoloom.tiny.quantisation.quantise import quantise
from kinoloom.tiny.simulate.simulator import Simulator
from kinoloom.tiny.training.autodiff import Loss, TrainingOptions, training_program
from kinoloom.tiny.training.scheme import Scheme, full_update

if TYPE_CHECKING:
    from torch import nn

BUDGET = 256 * 1024

Choice = Scheme | Callable[[Program], Scheme]
"""What is trained: a scheme, or a function that makes one of the quantised network."""


@dataclass(frozen=True)
class Compiled:
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
        return generate(self.program, self.plan)

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
        for name, text in project_files(self.program, self.sources).items():
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
    scheme: Choice = full_update,
    budget: int = BUDGET,
    name: str = "net",
    options: TrainingOptions | None = None,
) -> Compiled:
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
    scheme: Choice = full_update,
    budget: int = BUDGET,
    options: TrainingOptions | None = None,
) -> Compiled:
    """The same for a network that is quantised already; see `compile`.

    Raises:
        UsageError: the scheme does not fit.
        BudgetError: it does not fit the memory.
    """
    if loss is None:
        program = stream(pruned(inference))
    else:
        given = options or TrainingOptions()
        chosen = scheme(inference) if callable(scheme) else scheme
        wanted = TrainingOptions(loss, given.scaling, given.rounding)
        program = _least(reorder(training_program(inference, chosen, wanted)))
    made = plan(program)
    check_budget(program, made, budget)
    return Compiled(inference, program, made)


def _least(step: Program) -> Program:
    """The training step joined in the way of least memory; of two equal ones the quicker."""
    ways = [stream(join_gradients(step, pools=pools)) for pools in (False, True)]
    return min(ways, key=least_bytes)
