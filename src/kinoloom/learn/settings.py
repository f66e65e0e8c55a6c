"""Settings of the training loop, independent of the network and its data.

Each field is declared with `base.option`, so an op that trains can subclass `Settings` and gets a
flag, a range and a help text for each. This module does not import torch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from kinoloom.base.options import check, option
from kinoloom.errors import UsageError

RUNTIME_SETTINGS = frozenset(
    {
        "hours",
        "accumulate",
        "device",
        "deterministic",
        "loaders",
        "loader",
        "ahead",
        "log_steps",
        "validate_steps",
        "validate_s",
        "save_steps",
        "save_s",
        "keep",
        "tensorboard",
    }
)
"""Settings that may change when a run resumes, because they do not affect its result."""


@dataclass(frozen=True)
class Settings:
    """Settings of a training run.

    `batch` counts the samples of a whole step, over all processes and accumulation steps.
    """

    steps: int = option(10_000, "Weight updates", low=1)
    batch: int = option(8, "Samples per update, over all processes", low=1)
    seed: int = option(0, "Seed of all random numbers", low=0, high=2**63 - 1)

    optimiser: str = option("adam", "Class of torch.optim, in any case")
    learning_rate: float = option(1e-4, "Peak learning rate", low=0)
    momentum: float = option(0.9, "Momentum of SGD and RMSprop, first beta of Adam", low=0, high=1)
    beta2: float = option(0.999, "Second beta of Adam", low=0, high=1)
    epsilon: float = option(1e-8, "Term in the denominator of Adam", low=0)
    weight_decay: float = option(0.0, "Weight decay, as the optimiser defines it", low=0)
    clip: float | None = option(None, "Maximum norm of the gradient", low=0)
    schedule: Literal["constant", "cosine", "staircase"] = option(
        "constant", "Learning rate schedule after warm-up"
    )
    warmup_steps: int = option(0, "Steps of linear warm-up", low=0)
    final_rate: float = option(
        0.0, "Final rate of cosine, as a fraction of the peak", low=0, high=1
    )
    decay: float = option(0.464158, "Factor of staircase", low=0, high=1)
    decay_steps: int = option(750_000, "Steps between decays of staircase", low=1)

    ema: float = option(0.0, "Decay of the weights' moving average; 0 disables it", low=0, high=1)
    precision: Literal["fp32", "bf16", "fp16"] = option(
        "fp32", "Precision of matrix products; the weights stay in fp32"
    )
    accumulate: int = option(1, "Gradient accumulation steps per update", low=1)
    device: Literal["auto", "cuda", "mps", "cpu"] = option(
        "auto", "Device; auto prefers cuda to mps to cpu"
    )
    deterministic: bool = option(True, "Prefer bitwise reproducible algorithms")

    loaders: int = option(2, "Workers that prefetch batches; 0 disables prefetching", low=0)
    loader: Literal["threads", "processes"] = option("threads", "Kind of workers")
    ahead: int = option(4, "Prefetched batches", low=1)

    hours: float | None = option(None, "Time limit; the run can be resumed", low=0, unit="h")
    log_steps: int = option(50, "Steps between log lines", low=1)
    validate_steps: int | None = option(None, "Steps between validations", low=1)
    validate_s: float | None = option(300.0, "Time between validations", low=0, unit="s")
    save_steps: int | None = option(None, "Steps between checkpoints", low=1)
    save_s: float | None = option(60.0, "Time between checkpoints", low=0, unit="s")
    keep: int = option(3, "Checkpoints to keep", low=1)
    tensorboard: bool = option(True, "Log to TensorBoard")


def check_settings(settings: Settings) -> Settings:
    """Return the settings with every value parsed and checked.

    Raises:
        UsageError: a value is out of range, or two values contradict each other.
    """
    settings = check(settings)
    if settings.warmup_steps > settings.steps:
        raise UsageError(
            f"--warmup-steps {settings.warmup_steps} must not exceed --steps {settings.steps}."
        )
    for name in ("momentum", "beta2", "ema"):
        if getattr(settings, name) == 1:
            raise UsageError(f"--{name} must be below 1; at 1 the weights would never change.")
    return settings


def find_difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return the first difference between two sets of settings as "name was 1, is 2", or "".

    Those in `RUNTIME_SETTINGS` are ignored.
    """
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in RUNTIME_SETTINGS and old.get(name) != new.get(name):
            return f"{name} was {old.get(name)!r}, is {new.get(name)!r}"
    return ""


def extract_settings(options: Any) -> dict[str, Any]:
    """Return the fields of `Settings` by name, from an object of a subclass."""
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(Settings)}
