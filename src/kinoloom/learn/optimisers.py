"""The optimisers of torch.optim, by name."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import Any

import torch
from torch.optim import Optimizer

from kinoloom.errors import UsageError
from kinoloom.learn.settings import Settings
from kinoloom.learn.task import Task

_UNSUPPORTED = {"Optimizer", "LBFGS", "SparseAdam", "Muon"}  # closures, sparse, matrices only


def list_optimisers() -> dict[str, type[Optimizer]]:
    """Return the supported optimisers by their lower-case names."""
    return {
        name.lower(): cls
        for name, cls in vars(torch.optim).items()
        if isinstance(cls, type) and issubclass(cls, Optimizer) and name not in _UNSUPPORTED
    }


def build_optimiser(task: Task, settings: Settings) -> Optimizer:
    """Build the optimiser that the settings select, over the parameters of the task.

    Settings that the optimiser does not accept, such as the momentum of Adagrad, are ignored.

    Raises:
        UsageError: the optimiser is unknown, or the network has no trainable parameters.
    """
    known = list_optimisers()
    name = settings.optimiser.lower()
    if name not in known:
        close = get_close_matches(name, known) or list(known)
        raise UsageError(
            f"--optimiser: unknown optimiser '{settings.optimiser}'.",
            hint=f"Did you mean {' or '.join(close)}?",
        )
    parameters = [p for p in task.net.parameters() if p.requires_grad]
    given = task.groups(task.net) if task.groups else [{"params": parameters}]
    groups = [{**group, "params": list(group["params"])} for group in given]
    if not any(group["params"] for group in groups):
        raise UsageError("The network has no trainable parameters.")
    cls = known[name]
    accepted = inspect.signature(cls).parameters
    values: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": (settings.momentum, settings.beta2),
        "momentum": settings.momentum,
        "eps": settings.epsilon,
        "weight_decay": settings.weight_decay,
    }
    if "eps" in accepted and isinstance(accepted["eps"].default, tuple):
        values.pop("eps")  # Adafactor's eps is a pair with another meaning
    return cls(groups, **{key: value for key, value in values.items() if key in accepted})


def set_learning_rate(optimiser: Optimizer, rate: float) -> None:
    """Set each parameter group's learning rate: `rate` times the group's own "rate", if any."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("rate", 1.0)
