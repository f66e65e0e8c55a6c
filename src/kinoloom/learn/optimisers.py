"""Optimisers of torch.optim, by name."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import Any

import torch
from torch.optim import Optimizer

from kinoloom.errors import UsageError
from kinoloom.learn.settings import Settings
from kinoloom.learn.task import Task

_UNFIT = {"Optimizer", "LBFGS", "SparseAdam", "Muon"}  # for closures, sparse gradients, matrices


def optimiser_names() -> dict[str, type[Optimizer]]:
    """The optimisers that a training may use, by their name in small letters."""
    return {
        name.lower(): cls
        for name, cls in vars(torch.optim).items()
        if isinstance(cls, type) and issubclass(cls, Optimizer) and name not in _UNFIT
    }


def make_optimiser(task: Task, settings: Settings) -> Optimizer:
    """The optimiser that the settings name, over the parameters of the task.

    A setting that this optimiser does not know (momentum of Adagrad) is not used.

    Raises:
        UsageError: there is no such optimiser, or nothing to train.
    """
    known = optimiser_names()
    name = settings.optimiser.lower()
    if name not in known:
        close = get_close_matches(name, known) or list(known)
        raise UsageError(
            f"--optimiser: torch has no '{settings.optimiser}'.",
            hint=f"Did you mean {' or '.join(close)}?",
        )
    parameters = [p for p in task.net.parameters() if p.requires_grad]
    given = task.groups(task.net) if task.groups else [{"params": parameters}]
    groups = [{**group, "params": list(group["params"])} for group in given]
    if not any(group["params"] for group in groups):
        raise UsageError("The network has no parameters to train.")
    cls = known[name]
    taken = inspect.signature(cls).parameters
    values: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": (settings.momentum, settings.beta2),
        "momentum": settings.momentum,
        "eps": settings.epsilon,
        "weight_decay": settings.weight_decay,
    }
    if "eps" in taken and isinstance(taken["eps"].default, tuple):
        values.pop("eps")  # Adafactor's is a pair of another meaning
    return cls(groups, **{key: value for key, value in values.items() if key in taken})


def set_rate(optimiser: Optimizer, rate: float) -> None:
    """Set the learning rate of each group: `rate` times the group's own "rate", if it has one."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("rate", 1.0)
