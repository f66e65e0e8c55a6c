"""One-step and rollout errors of a stepper on trajectories.

SMSE is the summed mean squared error: the mean over space and trajectories of the squared error, in
units of the standard size of each grade, summed over blades (Brandstetter et al., ICLR 2023,
arXiv:2209.04934; for a rollout they also sum over time steps). The baseline is persistence, the
forecast that nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UsageError

_MAX_BATCH = 16


@dataclass(frozen=True)
class Rollout:
    """Predicted and true trajectories, with their errors.

    Attributes:
        predicted, truth: (count, steps, J, *space), float32.
        smse: (steps,), error of each time step, summed over blades.
        persistence_smse: (steps,), error of persistence.
    """

    predicted: NDArray[np.float32]
    truth: NDArray[np.float32]
    smse: NDArray[np.float64]
    persistence_smse: NDArray[np.float64]


def one_step_smse(stepper: Any, trajectories: NDArray[np.float32]) -> float:
    """Return the SMSE of single steps, averaged over all time steps of the trajectories."""
    history_steps, count = stepper.history_steps, trajectories.shape[1]
    total = 0.0
    for first in range(count - history_steps):
        predicted = _predict(stepper, trajectories[:, first : first + history_steps], 1)
        total += float(_smse(stepper, predicted, trajectories[:, [first + history_steps]])[0])
    return float(total / (count - history_steps))


def evaluate_rollout(stepper: Any, trajectories: NDArray[np.float32], steps: int) -> Rollout:
    """Roll out each trajectory from its first time steps and compare it with the truth.

    Raises:
        UsageError: the trajectories are too short.
    """
    history_steps = stepper.history_steps
    if trajectories.shape[1] < history_steps + steps:
        raise UsageError(
            f"The trajectories have {trajectories.shape[1]} time steps: a rollout of {steps} "
            f"steps from {history_steps} needs {history_steps + steps}.",
            hint="Simulate more --steps, or use a shorter --horizon.",
        )
    truth = trajectories[:, history_steps : history_steps + steps]
    predicted = _predict(stepper, trajectories[:, :history_steps], steps)
    persistence = np.broadcast_to(trajectories[:, history_steps - 1 : history_steps], truth.shape)
    smse, persistence_smse = _smse(stepper, predicted, truth), _smse(stepper, persistence, truth)
    return Rollout(predicted, truth, smse, persistence_smse)


def _predict(stepper: Any, history: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    import torch

    device = stepper.scale.device
    with torch.no_grad():
        parts = [
            stepper.rollout(torch.from_numpy(part).to(device), steps).float().cpu().numpy()
            for part in np.array_split(history, -(-len(history) // _MAX_BATCH))
        ]
    return np.concatenate(parts)


def _smse(
    stepper: Any, predicted: NDArray[np.float32], truth: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the error of each time step: mean over trajectories and space, sum over blades."""
    size = stepper.scale.cpu().numpy().reshape(-1, *[1] * (truth.ndim - 3))
    squares = np.square((predicted - truth) / size, dtype=np.float64)
    return np.asarray(squares.mean(axis=(0, *range(3, truth.ndim))).sum(-1))
