"""What tiny adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "tiny.compile": OpEntry(
            "ops:compile_model",
            "Compile a network into a C99 training step for a microcontroller.",
        ),
        "tiny.report": OpEntry("ops:report", "Show where the memory of a training step goes."),
        "tiny.simulate": OpEntry(
            "ops:simulate",
            "Run the example main in numpy: its loss and CRC are those that a board must print.",
        ),
        "tiny.search": OpEntry("ops:search", "Find what to train within a memory budget."),
        "tiny.flash-size": OpEntry(
            "ops:flash_size",
            "Build for a Cortex-M and show flash and RAM as the linker counts them.",
        ),
    },
    groups={"tiny": "Compile networks that train on microcontrollers."},
)
