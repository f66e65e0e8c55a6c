"""Training: one loop for every network, with its checkpoints, logs and losses.

    from kinoloom.learn import Settings, Task, train

A subject provides a `Task`; `train` does the rest. Each name loads what it needs when it is first
used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinoloom import lazy

if TYPE_CHECKING:
    from kinoloom.learn.checkpointing.weights import read_weights, write_weights
    from kinoloom.learn.logging.writers import read_log
    from kinoloom.learn.loop import Result, train
    from kinoloom.learn.schedules import Piecewise
    from kinoloom.learn.seeds import generator, share_indices
    from kinoloom.learn.settings import Settings
    from kinoloom.learn.task import Task

__all__ = [
    "Piecewise",
    "Result",
    "Settings",
    "Task",
    "generator",
    "read_log",
    "read_weights",
    "share_indices",
    "train",
    "write_weights",
]
__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "Piecewise": "kinoloom.learn.schedules",
        "Result": "kinoloom.learn.loop",
        "Settings": "kinoloom.learn.settings",
        "Task": "kinoloom.learn.task",
        "generator": "kinoloom.learn.seeds",
        "read_log": "kinoloom.learn.logging.writers",
        "read_weights": "kinoloom.learn.checkpointing.weights",
        "share_indices": "kinoloom.learn.seeds",
        "train": "kinoloom.learn.loop",
        "write_weights": "kinoloom.learn.checkpointing.weights",
    },
    __all__,
)
