"""Training steps for microcontrollers: any small network in, portable C99 out.

from kinoloom import tiny
made = tiny.compile(model, example, "cross-entropy", data=images)
made.write(folder)          # model.h, model.c, main.c, Makefile
made.simulator().train_step(x, label, lr)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinoloom.tiny.api import CompiledProgram, compile, compile_program  # noqa: A004
    from kinoloom.tiny.simulate.simulator import Simulator
    from kinoloom.tiny.training.scheme import Update, full_update, last_layers

_LAZY = {
    "CompiledProgram": "kinoloom.tiny.api",
    "Simulator": "kinoloom.tiny.simulate.simulator",
    "Update": "kinoloom.tiny.training.scheme",
    "compile": "kinoloom.tiny.api",
    "compile_program": "kinoloom.tiny.api",
    "full_update": "kinoloom.tiny.training.scheme",
    "last_layers": "kinoloom.tiny.training.scheme",
}

__all__ = [
    "CompiledProgram",
    "Simulator",
    "Update",
    "compile",
    "compile_program",
    "full_update",
    "last_layers",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'kinoloom.tiny' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)
