"""Values that depend on the step: learning rates and weights of losses."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

from kinoloom.errors import UsageError
from kinoloom.learn.settings import Settings


@dataclass(frozen=True)
class Piecewise:
    """A value that jumps at given steps.

    `values[0]` holds up to and including step `boundaries[0]`, and so on, as in TensorFlow's
    PiecewiseConstantDecay; steps count from 0.

    Attributes:
        boundaries: rising steps.
        values: one more than boundaries.
    """

    boundaries: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check.

        Raises:
            UsageError: the counts do not fit, or the boundaries do not rise.
        """
        if len(self.values) != len(self.boundaries) + 1:
            raise UsageError(
                f"{len(self.boundaries)} boundaries need {len(self.boundaries) + 1} values, "
                f"not {len(self.values)}."
            )
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise UsageError(f"Boundaries must rise: {self.boundaries}.")

    def at(self, step: int) -> float:
        """The value at a step."""
        return self.values[bisect_left(self.boundaries, step)]


def learning_rate(settings: Settings, step: int) -> float:
    """The learning rate of a step, counted from 0.

    The warm-up rises in equal parts and reaches the full rate at step `warmup_steps` - 1. Cosine
    falls from the full rate there to `final_rate` of it at the last step (Loshchilov & Hutter,
    "SGDR", ICLR 2017, without restarts). Staircase multiplies by `decay` every `decay_steps`.
    """
    peak = settings.learning_rate
    if step < settings.warmup_steps:
        return peak * (step + 1) / settings.warmup_steps
    if settings.schedule == "cosine":
        length = max(settings.steps - 1 - settings.warmup_steps, 1)
        done = min((step - settings.warmup_steps) / length, 1.0)
        low = settings.final_rate
        return peak * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * done)))
    if settings.schedule == "staircase":
        return peak * settings.decay ** (step // settings.decay_steps)
    return peak
