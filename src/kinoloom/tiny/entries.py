"""What tiny adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "tiny.compile": OpEntry(
            "ops:compile_model", "Compile a network into a C99 training step for a microcontroller."
        ),
        "tiny.report": OpEntry("ops:report_memory", "Report the memory of a training step."),
        "tiny.simulate": OpEntry(
            "ops:simulate_model",
            "Simulate the example main in numpy, with the loss and CRC that a board must print.",
        ),
        "tiny.search": OpEntry(
            "ops:search_scheme", "Search for the best update scheme within a memory budget."
        ),
        "tiny.flash-size": OpEntry(
            "ops:measure_flash", "Build for a Cortex-M core and report flash and RAM as linked."
        ),
    },
    groups={"tiny": "Compile networks that train on microcontrollers."},
)
