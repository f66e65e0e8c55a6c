"""Training: one loop for every network, with its checkpoints, logs and losses.

    from kinoloom.learn import Settings, Task, train

A subject provides a `Task`; `train` does the rest. Each name loads what it needs when it is first
used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinoloom.learn.checkpointing.weights import read_weights, write_weights
    from kinoloom.learn.logging.writers import read_log
    from kinoloom.learn.loop import Result, train
    from kinoloom.learn.schedules import Piecewise
    from kinoloom.learn.seeds import generator, share_of
    from kinoloom.learn.settings import Settings
    from kinoloom.learn.task import Task

_LAZY = {
    "Piecewise": "kinoloom.learn.schedules",
    "Result": "kinoloom.learn.loop",
    "Settings": "kinoloom.learn.settings",
    "Task": "kinoloom.learn.task",
    "generator": "kinoloom.learn.seeds",
    "read_log": "kinoloom.learn.logging.writers",
    "read_weights": "kinoloom.learn.checkpointing.weights",
    "share_of": "kinoloom.learn.seeds",
    "train": "kinoloom.learn.loop",
    "write_weights": "kinoloom.learn.checkpointing.weights",
}

__all__ = [
    "Piecewise",
    "Result",
    "Settings",
    "Task",
    "generator",
    "read_log",
    "read_weights",
    "share_of",
    "train",
    "write_weights",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'kinoloom.learn' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
