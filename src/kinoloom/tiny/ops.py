"""The ops of this subject, declared; the work is in `commands`."""

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

    The model is a torch.export archive (.pt2) or an int8 network (.npz).
    """
    from kinoloom.tiny.commands import compile_files

    return compile_files(model, options)


@op("tiny.report")
def report(model: Path, options: ReportOptions) -> Report:
    """Show where the memory of a training step goes.

    The ladder from all trained to the chosen, layer by layer, and the arena as a picture. With
    examples also how well it learns: all trained, the chosen, the last layer, and in float32. Write
    it as a page with -o page.html.
    """
    from kinoloom.tiny.commands import memory_report

    return memory_report(model, options)


@op("tiny.simulate")
def simulate(model: Path, options: SimulateOptions) -> Report:
    """Run the example main in numpy: its loss and CRC are those that a board must print."""
    from kinoloom.tiny.commands import simulated

    return simulated(model, options)


@op("tiny.search")
def search(model: Path, options: SearchOptions) -> Report:
    """Find what to train within a memory budget.

    Measures what training each bias and each part of the weights gains over the head alone, then
    takes the best sum that fits. The scheme that comes out is given to --scheme.
    """
    from kinoloom.tiny.commands import searched

    return searched(model, options)


@op("tiny.flash-size")
def flash_size(model: Path, options: FlashSizeOptions) -> Report:
    """Build for a Cortex-M and show flash and RAM as the linker counts them."""
    from kinoloom.tiny.commands import linked_size

    return linked_size(model, options)
