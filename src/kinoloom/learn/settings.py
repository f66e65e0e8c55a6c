"""Settings: how a network is trained, apart from the network and its data.

Each field is declared with `base.option`, so an op that trains can subclass `Settings` and gets a
flag, a range and a help text for each. No torch is loaded here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from kinoloom.base.options import check, option
from kinoloom.errors import UsageError

FREE = frozenset(
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
"""What may differ when a training goes on: how it is run and watched, not what is learned."""


@dataclass(frozen=True)
class Settings:
    """How to train.

    `batch` is the whole batch of a step, over all processes and accumulated parts.
    """

    steps: int = option(10_000, "how many updates of the weights", low=1)
    batch: int = option(8, "samples for each update, over all processes", low=1)
    seed: int = option(0, "from which all random choices follow", low=0, high=2**63 - 1)

    optimiser: str = option("adam", "a class of torch.optim, in small or large letters")
    learning_rate: float = option(1e-4, "the highest rate of the schedule", low=0)
    momentum: float = option(0.9, "of SGD and RMSprop; the first beta of Adam", low=0, high=1)
    beta2: float = option(0.999, "the second beta of Adam", low=0, high=1)
    epsilon: float = option(1e-8, "added to the denominator by Adam and its kin", low=0)
    weight_decay: float = option(0.0, "as the optimiser defines it", low=0)
    clip: float | None = option(None, "the greatest norm of the gradient", low=0)
    schedule: Literal["constant", "cosine", "staircase"] = option(
        "constant", "how the learning rate changes after the warm-up"
    )
    warmup_steps: int = option(0, "steps over which the rate rises from 0", low=0)
    final_rate: float = option(0.0, "part of the rate at which cosine ends", low=0, high=1)
    decay: float = option(0.464158, "what staircase multiplies the rate by", low=0, high=1)
    decay_steps: int = option(750_000, "the length of a stair", low=1)

    ema: float = option(0.0, "decay of the running mean of the weights; 0 for none", low=0, high=1)
    precision: Literal["fp32", "bf16", "fp16"] = option(
        "fp32", "number format of the network's inner products; the weights stay in fp32"
    )
    accumulate: int = option(1, "parts that a process makes its share of a batch in", low=1)
    device: Literal["auto", "cuda", "mps", "cpu"] = option(
        "auto", "where to train; auto takes cuda before mps before cpu"
    )
    deterministic: bool = option(True, "prefer algorithms that give the same bits each time")

    loaders: int = option(2, "workers that make batches ahead; 0 makes each when needed", low=0)
    loader: Literal["threads", "processes"] = option("threads", "what the workers are")
    ahead: int = option(4, "finished batches that may wait", low=1)

    hours: float | None = option(None, "stop and save after this time", low=0, unit="h")
    log_steps: int = option(50, "steps between lines of the log", low=1)
    validate_steps: int | None = option(None, "steps between validations", low=1)
    validate_s: float | None = option(300.0, "time between validations", low=0, unit="s")
    save_steps: int | None = option(None, "steps between checkpoints", low=1)
    save_s: float | None = option(60.0, "time between checkpoints", low=0, unit="s")
    keep: int = option(3, "checkpoints kept", low=1)
    tensorboard: bool = option(True, "also log for TensorBoard, if tensorboardX is installed")


def checked(settings: Settings) -> Settings:
    """The same settings, each value parsed and in its range.

    Raises:
        UsageError: a value is out of range, or two do not go together.
    """
    settings = check(settings)
    if settings.warmup_steps > settings.steps:
        raise UsageError(
            f"--warmup-steps is {settings.warmup_steps}, more than --steps {settings.steps}."
        )
    for name in ("momentum", "beta2", "ema"):
        if getattr(settings, name) == 1:
            raise UsageError(f"--{name} must be below 1: nothing would be learned.")
    return settings


def first_difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The first name whose values differ, FREE ones apart, as "name was 1, is 2"; else ""."""
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in FREE and old.get(name) != new.get(name):
            return f"{name} was {old.get(name)!r}, is {new.get(name)!r}"
    return ""


def training_settings(options: Any) -> dict[str, Any]:
    """The fields of `Settings` out of an object of a subclass, by name."""
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(Settings)}
