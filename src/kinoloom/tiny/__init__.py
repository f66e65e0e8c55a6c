"""On-device training: small networks compiled to portable C99 training steps.

from kinoloom import tiny
compiled = tiny.compile(model, example, "cross-entropy", data=images)
compiled.write(folder)          # model.h, model.c, main.c, Makefile
compiled.simulator().train_step(x, label, lr)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinoloom import lazy

if TYPE_CHECKING:
    from kinoloom.tiny.api import CompiledProgram, compile, compile_program  # noqa: A004
    from kinoloom.tiny.simulate.simulator import Simulator
    from kinoloom.tiny.training.scheme import Update, full_update, last_layers

__all__ = [
    "CompiledProgram",
    "Simulator",
    "Update",
    "compile",
    "compile_program",
    "full_update",
    "last_layers",
]
__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "CompiledProgram": "kinoloom.tiny.api",
        "Simulator": "kinoloom.tiny.simulate.simulator",
        "Update": "kinoloom.tiny.training.scheme",
        "compile": "kinoloom.tiny.api",
        "compile_program": "kinoloom.tiny.api",
        "full_update": "kinoloom.tiny.training.scheme",
        "last_layers": "kinoloom.tiny.training.scheme",
    },
    __all__,
)
