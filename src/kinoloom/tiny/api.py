"""The public functions: `compile` for torch modules, `compile_program` for int8 programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kinoloom.errors import OutputExistsError
from kinoloom.tiny.codegen.model import Sources, generate_sources
from kinoloom.tiny.codegen.project import build_project, write_project
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
"""A scheme, or a function that returns the scheme of an inference program."""


@dataclass(frozen=True)
class CompiledProgram:
    """A program with its memory plan.

    Attributes:
        inference: the quantised network, without training.
        program: the program that runs on the device.
        plan: memory plan of its arena.
    """

    inference: Program
    program: Program
    plan: Plan

    @property
    def ram_bytes(self) -> int:
        """Bytes of RAM for the arena and the trained tensors."""
        return self.plan.peak + self.program.param_bytes

    @cached_property
    def sources(self) -> Sources:
        """The text of model.h and model.c."""
        return generate_sources(self.program, self.plan)

    def simulator(self, seed: int = 1) -> Simulator:
        """Return a simulated device in its initial state.

        Args:
            seed: seed of stochastic rounding.
        """
        return Simulator(self.program, seed)

    def write(self, folder: Path, *, overwrite: bool = False) -> list[Path]:
        """Write the project: model.h, model.c, an example main, a Makefile and start-up code.

        Args:
            folder: folder to create.
            overwrite: whether to write into a folder that is not empty.

        Returns:
            The paths of the files.

        Raises:
            OutputExistsError: The folder is not empty and `overwrite` is false.
            OutputError: A file cannot be written; a new folder then does not appear.
        """
        if folder.exists() and any(folder.iterdir()) and not overwrite:
            raise OutputExistsError(
                f"{folder} already exists and is not empty.",
                hint="Remove it or choose another folder; in Python, pass overwrite=True.",
            )
        files = build_project(self.program, self.sources)
        write_project(files, folder)
        return [folder / name for name in files]


def compile(  # noqa: A001  the public name is tiny.compile
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
        model: torch module in eval mode.
        example: one real input: (1, C, H, W), (1, C, T) or (1, F).
        loss: "cross-entropy", "mse", or None for inference only.
        data: calibration inputs of the shape of `example`.
        scheme: update scheme, or a function that returns it for the inference program.
        budget: bytes of RAM for the arena and the trained tensors.
        name: prefix of the C names.
        options: scaling and rounding of updates; `loss` takes precedence over its loss.

    Raises:
        UsageError: The model is in training mode or has an unsupported operator.
        ArrayError: The batch size is not one, or calibration inputs are missing, all zero or not
            finite.
        BudgetError: The program exceeds the budget; the message gives the bytes needed.

    Example:
        >>> compiled = tiny.compile(model.eval(), images[:1], data=[x[None] for x in images])
        >>> compiled.write(Path("device"))
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
    """Compile a quantised network into a training step; see `compile`.

    Args:
        inference: the inference program.
        loss: "cross-entropy", "mse", or None for inference only.
        scheme: update scheme, or a function that returns it for the inference program.
        budget: bytes of RAM for the arena and the trained tensors.
        options: scaling and rounding of updates; `loss` takes precedence over its loss.

    Raises:
        UsageError: The scheme does not fit the program.
        BudgetError: The program exceeds the budget; the message gives the bytes needed.

    Example:
        >>> inference = read_pretrained(Path("mcunet-5fps.npz"), "net", classes=10)
        >>> compiled = compile_program(inference, scheme=preset_scheme(inference, "mcunet-49kb"))
    """
    if loss is None:
        program = stream_convs(prune_constants(inference))
    else:
        updates = scheme(inference) if callable(scheme) else scheme
        training = replace(options or TrainingOptions(), loss=loss)
        step = build_training_program(inference, updates, training)
        program = _choose_streaming(schedule_updates(step))
    plan = plan_memory(program)
    check_budget(program, plan, budget)
    return CompiledProgram(inference, program, plan)


def _choose_streaming(step: Program) -> Program:
    """Return the streamed training step with the least memory; on a tie, the faster one."""
    variants = [stream_convs(stream_gradients(step, pools=pools)) for pools in (False, True)]
    return min(variants, key=lower_bound_bytes)
