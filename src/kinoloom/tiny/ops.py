"""Declarations of the ops of this subject; `commands` implements them."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.op import op
from kinoloom.base.report import Report
from kinoloom.tiny.options import (
    CompileOptions,
    FlashSizeOptions,
    ReportOptions,
    SearchOptions,
    SimulateOptions,
)


@op("tiny.compile")
def compile_model(model: Path, options: CompileOptions) -> Report:
    """Compile a network into a C99 training step for a microcontroller.

    MODEL is a torch.export archive (.pt2) or an int8 network (.npz).
    """
    from kinoloom.tiny import commands

    return commands.compile_model(model, options)


@op("tiny.report")
def report_memory(model: Path, options: ReportOptions) -> Report:
    """Report the memory of a training step.

    The report compares the training of all layers with the update scheme, lists the layers and
    draws the arena. With --examples it also compares learning curves: all layers, the scheme, the
    last layer, and float32. Write it as a page with -o page.html.
    """
    from kinoloom.tiny import commands

    return commands.report_memory(model, options)


@op("tiny.simulate")
def simulate_model(model: Path, options: SimulateOptions) -> Report:
    """Simulate the example main in numpy, with the loss and CRC that a board must print.

    Trains on the synthetic inputs of the example main; results are bit-identical to a board's.
    """
    from kinoloom.tiny import commands

    return commands.simulate_model(model, options)


@op("tiny.search")
def search_scheme(model: Path, options: SearchOptions) -> Report:
    """Search for the best update scheme within a memory budget.

    Measures the contribution of training each bias and each part of the weights to the accuracy,
    relative to the head alone, and maximises the sum of contributions within the budget. Gains that
    are not distinguishable from noise do not count, so the cheaper scheme wins. The resulting
    scheme file is an argument of --scheme.
    """
    from kinoloom.tiny import commands

    return commands.search_scheme(model, options)


@op("tiny.flash-size")
def measure_flash(model: Path, options: FlashSizeOptions) -> Report:
    """Build for a Cortex-M core and report flash and RAM as linked."""
    from kinoloom.tiny import commands

    return commands.measure_flash(model, options)
