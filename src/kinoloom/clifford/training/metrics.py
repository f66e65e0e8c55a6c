"""One-step and rollout errors of a stepper on trajectories.

SMSE is the summed mean squared error: the square of what is wrong in units of each grade's size in
training, mean over space and trajectories, summed over blades (Brandstetter et al., ICLR 2023,
arXiv:2209.04934, sum over blades and, for a rollout, moments). Zero change, the forecast that all
stays as it is, is scored beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UsageError

_AT_ONCE = 16


@dataclass(frozen=True)
class Rollout:
    """A rollout beside the truth.

    Attributes:
        made, truth: (count, steps, J, *space), float32.
        smse: (steps,) the error of each step, summed over blades.
        persistence_smse: (steps,) that of no change.
    """

    made: NDArray[np.float32]
    truth: NDArray[np.float32]
    smse: NDArray[np.float64]
    persistence_smse: NDArray[np.float64]


def one_step(stepper: Any, trajectories: NDArray[np.float32]) -> float:
    """The SMSE of single steps, from every moment of the trajectories."""
    moments, count = stepper.moments, trajectories.shape[1]
    total = 0.0
    for first in range(count - moments):
        made = _stepped(stepper, trajectories[:, first : first + moments], 1)
        total += float(_smse(stepper, made, trajectories[:, [first + moments]])[0])
    return float(total / (count - moments))


def rollout(stepper: Any, trajectories: NDArray[np.float32], steps: int) -> Rollout:
    """Follow each trajectory from its first moments.

    Raises:
        UsageError: the trajectories have fewer moments than that.
    """
    moments = stepper.moments
    if trajectories.shape[1] < moments + steps:
        raise UsageError(
            f"A rollout of {steps} steps from {moments} moments needs trajectories of "
            f"{moments + steps}, not {trajectories.shape[1]}.",
            hint="Make longer ones with --steps, or ask for a shorter rollout.",
        )
    truth = trajectories[:, moments : moments + steps]
    made = _stepped(stepper, trajectories[:, :moments], steps)
    still = np.broadcast_to(trajectories[:, moments - 1 : moments], truth.shape)
    smse, persistence_smse = _smse(stepper, made, truth), _smse(stepper, still, truth)
    return Rollout(made, truth, smse, persistence_smse)


def _stepped(stepper: Any, history: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    import torch

    device = stepper.scale.device
    with torch.no_grad():
        parts = [
            stepper.rollout(torch.from_numpy(part).to(device), steps).float().cpu().numpy()
            for part in np.array_split(history, -(-len(history) // _AT_ONCE))
        ]
    return np.concatenate(parts)


def _smse(
    stepper: Any, made: NDArray[np.float32], truth: NDArray[np.float32]
) -> NDArray[np.float64]:
    """For each moment: mean over trajectories and space, summed over blades."""
    size = stepper.scale.cpu().numpy().reshape(-1, *[1] * (truth.ndim - 3))
    squares = np.square((made - truth) / size, dtype=np.float64)
    return np.asarray(squares.mean(axis=(0, *range(3, truth.ndim))).sum(-1))
