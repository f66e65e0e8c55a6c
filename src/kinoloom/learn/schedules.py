"""Values that depend on the step: learning rates and loss weights."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

from kinoloom.errors import UsageError
from kinoloom.learn.settings import Settings


@dataclass(frozen=True)
class Piecewise:
    """A piecewise constant function of the step.

    `values[0]` applies up to and including step `boundaries[0]`, and so on, as in TensorFlow's
    PiecewiseConstantDecay; steps count from 0.

    Attributes:
        boundaries: strictly increasing steps.
        values: one more than boundaries.
    """

    boundaries: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Validate the fields.

        Raises:
            UsageError: the counts do not match, or the boundaries do not increase strictly.
        """
        if len(self.values) != len(self.boundaries) + 1:
            raise UsageError(
                f"{len(self.boundaries)} boundaries need {len(self.boundaries) + 1} values, "
                f"not {len(self.values)}."
            )
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise UsageError(f"Boundaries must increase strictly, not {self.boundaries}.")

    def at(self, step: int) -> float:
        """Return the value at a step."""
        return self.values[bisect_left(self.boundaries, step)]


def learning_rate(settings: Settings, step: int) -> float:
    """Return the learning rate of a step, counted from 0.

    Warm-up increases linearly and reaches the full rate at step `warmup_steps` - 1. Cosine decays
    from there to `final_rate` times the full rate at the last step (Loshchilov & Hutter, "SGDR",
    ICLR 2017, without restarts). Staircase multiplies by `decay` every `decay_steps` steps.
    """
    peak = settings.learning_rate
    if step < settings.warmup_steps:
        return peak * (step + 1) / settings.warmup_steps
    if settings.schedule == "cosine":
        length = max(settings.steps - 1 - settings.warmup_steps, 1)
        progress = min((step - settings.warmup_steps) / length, 1.0)
        floor = settings.final_rate
        return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))
    if settings.schedule == "staircase":
        return peak * settings.decay ** (step // settings.decay_steps)
    return peak
