"""What the training loop is told: samples of trajectories, the loss, and the errors watched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.fields.noun import Fields
from kinoloom.clifford.training.errors import one_step, rollout
from kinoloom.clifford.training.presets import MOMENTS, Preset
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
    """Batches of moments, and the one after, drawn from trajectories by seed, step and sample."""

    trajectories: Trajectories
    batch: int
    seed: int

    def __call__(self, step: int, share: int, shares: int) -> dict[str, Any]:
        """ "history" (b, MOMENTS, J, *space) and "next" (b, J, *space)."""
        count, steps = self.trajectories.shape[:2]
        histories, after = [], []
        for sample in share_indices(self.batch, share, shares):
            draw = generator(self.seed, step, sample)
            trajectory, first = int(draw.integers(count)), int(draw.integers(steps - MOMENTS))
            window = self.trajectories[trajectory, first : first + MOMENTS + 1]
            histories.append(window[:-1])
            after.append(window[-1])
        return {"history": np.stack(histories), "next": np.stack(after)}


def in_memory(fields: Fields) -> Trajectories:
    """All trajectories as one array.

    Raises:
        UsageError: they are too short to learn from.
    """
    if fields.shape[0] <= MOMENTS:
        raise UsageError(
            f"Trajectories of {fields.shape[0]} moments are too short: {MOMENTS} are shown to the "
            "network and at least one is to be told.",
            hint="Make longer ones with --steps.",
        )
    return np.stack(list(fields))


def sizes(trajectories: Trajectories, fields: Fields) -> tuple[list[float], list[float]]:
    """For each blade the root mean square of its grade, and of that grade's change in a step.

    Raises:
        ArrayError: a grade is always 0, or never changes.
    """
    grades = Algebra.of(fields.signature).grades
    blades = [int(grades[k]) for k in Algebra.of(fields.signature).of_grades(fields.grades)]
    found: list[list[float]] = []
    for what, values in (("is", trajectories), ("changes", np.diff(trajectories, axis=1))):
        mean_square = np.square(values, dtype=np.float64).mean(axis=(0, 1, *range(3, values.ndim)))
        by_grade = {g: float(np.sqrt(np.mean(mean_square[np.equal(blades, g)]))) for g in blades}
        still = [grade for grade, size in by_grade.items() if not size > 0]
        if still:
            raise ArrayError(f"Grade {still[0]} of {fields.name} {what} 0 at every moment.")
        found.append([by_grade[grade] for grade in blades])
    return found[0], found[1]


def step_task(
    preset: Preset,
    fields: Fields,
    trajectories: Trajectories,
    held_out: Trajectories,
    settings: Settings,
    horizon: int,
) -> Task:
    """The task of the loop: learn one step, keep the weights that do it best on held-out ones.

    Args:
        preset: whose network is trained, its weights drawn from the seed of the settings.
        fields: what the trajectories are of.
        trajectories: to learn from.
        held_out: to score on.
        settings: of the training.
        horizon: how many steps the rollout is scored over.
    """
    import torch

    from kinoloom.clifford.nets.stepper import Stepper
    from kinoloom.learn.task import Task

    scale, change = sizes(trajectories, fields)
    torch.manual_seed(settings.seed)
    net = Stepper(preset.net(), MOMENTS, scale, change)

    def validate(stepper: nn.Module) -> dict[str, float]:
        return {
            "one_step_smse": one_step(stepper, held_out),
            f"rollout_{horizon}_smse": float(np.sum(rollout(stepper, held_out, horizon).smse)),
        }

    return Task(
        net=net,
        batch=Samples(trajectories, settings.batch, settings.seed),
        losses=step_loss,
        weights={"step": 1.0},
        validate=validate,
        best="one_step_smse",
        higher_is_better=False,
        record={"preset": preset.name, "fields": _told(fields), "moments": MOMENTS},
    )


def step_loss(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """The mean square of what is wrong with a step, in units of the step's own size."""
    import torch

    history, after = (torch.as_tensor(batch[name]) for name in ("history", "next"))
    change = _bare(net).change
    tail = [1] * (after.dim() - 2)
    wrong = (net(history) - after) / change.reshape(-1, *tail)
    return dict.fromkeys(weights, wrong.float().square().mean())


def _bare(net: nn.Module) -> Any:
    """The stepper itself, where the loop has wrapped it for several processes."""
    return getattr(net, "module", net)


def _told(fields: Fields) -> dict[str, Any]:
    names: Iterable[str] = ("name", "signature", "grades", "shape", "count", "step_s", "cell")
    return {name: getattr(fields, name) for name in names} | {"made": dict(fields.parameters)}
