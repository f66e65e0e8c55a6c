"""The task of the training loop: batches of trajectories, the loss and the validation metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.fields.dataset import Fields
from kinoloom.clifford.training.metrics import evaluate_rollout, one_step_smse
from kinoloom.clifford.training.presets import HISTORY_STEPS, Preset
from kinoloom.errors import ArrayError, UsageError
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from kinoloom.learn.task import Task

Trajectories = NDArray[np.float32]
"""(count, steps, J, *space)."""


@dataclass(frozen=True)
class Samples:
    """Random windows of trajectories, determined by seed, training step and sample index.

    Attributes:
        trajectories: (count, steps, J, *space).
        batch: batch size.
        seed: seed of the samples.
    """

    trajectories: Trajectories
    batch: int
    seed: int

    def __call__(self, step: int, share: int, shares: int) -> dict[str, Any]:
        """Return "history" (b, HISTORY_STEPS, J, *space) and "next" (b, J, *space)."""
        count, steps = self.trajectories.shape[:2]
        histories, targets = [], []
        for sample in share_indices(self.batch, share, shares):
            rng = generator(self.seed, step, sample)
            trajectory, first = int(rng.integers(count)), int(rng.integers(steps - HISTORY_STEPS))
            window = self.trajectories[trajectory, first : first + HISTORY_STEPS + 1]
            histories.append(window[:-1])
            targets.append(window[-1])
        return {"history": np.stack(histories), "next": np.stack(targets)}


def load_trajectories(fields: Fields) -> Trajectories:
    """Load all trajectories into memory.

    Raises:
        UsageError: the trajectories are too short for training.
    """
    if fields.shape[0] <= HISTORY_STEPS:
        raise UsageError(
            f"The trajectories have {fields.shape[0]} time steps: expected at least "
            f"{HISTORY_STEPS + 1}.",
            hint="Simulate more --steps.",
        )
    return np.stack(list(fields))


def compute_scales(trajectories: Trajectories, fields: Fields) -> tuple[list[float], list[float]]:
    """Return the standard sizes of the blades and of their changes in a time step.

    The blades of a grade share the root mean square of the whole grade.

    Raises:
        ArrayError: a grade is zero or constant.
    """
    grades = Algebra.of(fields.signature).grades
    blades = Algebra.of(fields.signature).blades_of_grades(fields.grades)
    blade_grades = [int(grades[k]) for k in blades]
    scales: list[list[float]] = []
    for problem, values in (("zero", trajectories), ("constant", np.diff(trajectories, axis=1))):
        mean_square = np.square(values, dtype=np.float64).mean(axis=(0, 1, *range(3, values.ndim)))
        by_grade = {
            g: float(np.sqrt(np.mean(mean_square[np.equal(blade_grades, g)]))) for g in blade_grades
        }
        degenerate = [grade for grade, size in by_grade.items() if not size > 0]
        if degenerate:
            raise ArrayError(
                f"Grade {degenerate[0]} of {fields.name} is {problem} in all trajectories, so "
                "nothing can be learned about it."
            )
        scales.append([by_grade[grade] for grade in blade_grades])
    return scales[0], scales[1]


def build_step_task(
    preset: Preset,
    fields: Fields,
    trajectories: Trajectories,
    held_out: Trajectories,
    settings: Settings,
    horizon: int,
) -> Task:
    """Return the task of predicting one time step, with validation on held-out trajectories.

    Args:
        preset: preset of the network; its weights are drawn from the seed of the settings.
        fields: the training fields.
        trajectories: the trajectories of `fields`.
        held_out: trajectories for validation.
        settings: settings of the training loop.
        horizon: number of time steps of the validated rollouts.
    """
    import torch

    from kinoloom.clifford.nets.stepper import Stepper
    from kinoloom.learn.task import Task

    scale, change = compute_scales(trajectories, fields)
    torch.manual_seed(settings.seed)
    net = Stepper(preset.build_net(), HISTORY_STEPS, scale, change)

    def validate(stepper: nn.Module) -> dict[str, float]:
        rollout = evaluate_rollout(stepper, held_out, horizon)
        return {
            "one_step_smse": one_step_smse(stepper, held_out),
            f"rollout_{horizon}_smse": float(np.sum(rollout.smse)),
        }

    return Task(
        net=net,
        batch=Samples(trajectories, settings.batch, settings.seed),
        losses=step_loss,
        weights={"step": 1.0},
        validate=validate,
        best="one_step_smse",
        higher_is_better=False,
        # Keys of the record are stored in checkpoints: other names would refuse existing runs.
        record={"preset": preset.name, "fields": _describe(fields), "moments": HISTORY_STEPS},
    )


def step_loss(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """Return the mean squared error of a step, in units of the standard size of a change."""
    import torch

    history, target = (torch.as_tensor(batch[name]) for name in ("history", "next"))
    change = _unwrap(net).change
    tail = [1] * (target.dim() - 2)
    error = (net(history) - target) / change.reshape(-1, *tail)
    return dict.fromkeys(weights, error.float().square().mean())


def _unwrap(net: nn.Module) -> Any:
    """Return the stepper of a network that is wrapped for distributed training."""
    return getattr(net, "module", net)


def _describe(fields: Fields) -> dict[str, Any]:
    names: Iterable[str] = ("name", "signature", "grades", "shape", "count", "step_s", "cell")
    return {name: getattr(fields, name) for name in names} | {"made": dict(fields.parameters)}
