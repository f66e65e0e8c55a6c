"""Batches for the training loop: drawn and augmented ahead, finished on the loop's device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypedDict, cast

import numpy as np
import torch
from torch import Tensor

from kinoloom.errors import UsageError
from kinoloom.learn.data.augment import Augmentation, augmented
from kinoloom.learn.data.source import Shot, Source
from kinoloom.learn.seeds import generator, share_of
from kinoloom.learn.synthetic.packing import Packed, pack
from kinoloom.learn.synthetic.samples import Samples, make_samples
from kinoloom.learn.synthetic.scenes import Scene
from kinoloom.learn.synthetic.truth import Truth

_AUGMENT = 3


class Shots(TypedDict):
    """B real triplets: frames (B, 3, S, S) uint8, and the time of the middle one, (B,)."""

    frame0: Tensor
    middle: Tensor
    frame1: Tensor
    time: Tensor


class Drawn(TypedDict):
    """What a batch is made of; plain tensors in dicts, so that it can be moved to a device.

    Attributes:
        shots: the real triplets, or None.
        scenes: made scenes that are yet to be drawn.
        samples: made scenes that were drawn already.
        origins: of the real triplets.
    """

    shots: Shots | None
    scenes: list[Packed]
    samples: list[Samples]
    origins: list[str]


class Triplets(Samples):
    """B triplets, real ones first; see `Samples`.

    Attributes:
        known: (B,) bool: whether there is truth about the motion; it is 0 where there is none.
    """

    known: Tensor


@dataclass(frozen=True)
class Batches:
    """Makes the batch of each step: sample k of step n has the index n * size + k.

    Call it with (step, share, shares), as `learn.task.Task.batch`.

    Attributes:
        source: where samples come from.
        size: samples in the batch of all shares.
        crop_px: side of the frames; made scenes must have it.
        seed: of the training.
        augmentation: of real triplets.
        render: whether made scenes are drawn at once, on the CPU; else `finish` does it, on the
            device of the batch.
    """

    source: Source
    size: int
    crop_px: int
    seed: int
    augmentation: Augmentation = field(default_factory=Augmentation)
    render: bool = True

    def __call__(self, step: int, share: int, shares: int) -> Drawn:
        """The share-th of `shares` equal parts of a step's batch.

        Raises:
            MediaError: a file cannot be read, or its pictures are smaller than the crop.
            UsageError: the batch cannot be cut into so many shares, or made scenes have another
                size.
        """
        indices = [step * self.size + k for k in share_of(self.size, share, shares)]
        return self.of([self.source.draw(index, self.seed) for index in indices], indices)

    def of(self, drawn: Sequence[Shot | Scene], indices: Sequence[int]) -> Drawn:
        """The batch of samples that were drawn.

        Args:
            drawn: the samples.
            indices: of each, which decides its augmentation.

        Raises:
            MediaError, UsageError: as a call.
        """
        shots = [
            augmented(each, self.crop_px, self.augmentation, generator(self.seed, index, _AUGMENT))
            for each, index in zip(drawn, indices, strict=True)
            if isinstance(each, Shot)
        ]
        scenes = [each for each in drawn if isinstance(each, Scene)]
        wrong = [scene.size_px for scene in scenes if scene.size_px != self.crop_px]
        if wrong:
            raise UsageError(
                f"Made scenes have {wrong[0]} px a side, but the crop is {self.crop_px} px."
            )
        packed = _packed(scenes, together=not self.render)
        return Drawn(
            shots=_stacked(shots) if shots else None,
            scenes=[] if self.render else packed,
            samples=[make_samples(each) for each in packed] if self.render else [],
            origins=[shot.origin for shot in shots],
        )


def finish(drawn: Drawn) -> Triplets:
    """The triplets of a batch, on the device where it lies.

    Raises:
        UsageError: the batch is empty.
    """
    made = [*drawn["samples"], *(make_samples(packed) for packed in drawn["scenes"])]
    real = [_with_no_truth(drawn["shots"])] if drawn["shots"] else []
    parts = [*real, *made]
    if not parts:
        raise UsageError("The batch has no samples.")
    time = torch.cat([part["time"] for part in parts])
    return Triplets(
        frame0=torch.cat([part["frame0"] for part in parts]),
        middle=torch.cat([part["middle"] for part in parts]),
        frame1=torch.cat([part["frame1"] for part in parts]),
        time=time,
        truth=_joined([part["truth"] for part in parts]),
        known=torch.arange(len(time), device=time.device) >= len(drawn["origins"]),
    )


def _joined(truths: Sequence[Truth]) -> Truth:
    parts = [cast(dict[str, Tensor], truth) for truth in truths]
    return cast(Truth, {name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def _packed(scenes: Sequence[Scene], *, together: bool) -> list[Packed]:
    """The scenes packed, those with motion blur apart; on the CPU each alone is quicker."""
    if not together:
        return [pack([scene]) for scene in scenes]
    ordered = sorted(scenes, key=lambda scene: scene.exposures)
    return [pack(list(alike)) for _, alike in groupby(ordered, lambda scene: scene.exposures)]


def _stacked(shots: Sequence[Shot]) -> Shots:
    def frames(k: int) -> Tensor:
        return torch.from_numpy(np.stack([shot.frames[k].transpose(2, 0, 1) for shot in shots]))

    times = torch.tensor([shot.time for shot in shots], dtype=torch.float32)
    return Shots(frame0=frames(0), middle=frames(1), frame1=frames(2), time=times)


def _with_no_truth(shots: Shots) -> Samples:
    batch, _, height, width = shots["frame0"].shape
    flow = torch.zeros(batch, 2, height, width, device=shots["time"].device)
    seen = torch.zeros(batch, 1, height, width, dtype=torch.bool, device=shots["time"].device)
    nothing = {name: flow if name.startswith("flow") else seen for name in Truth.__annotations__}
    truth = cast(Truth, nothing)
    return Samples(
        frame0=shots["frame0"].float() / 255,
        middle=shots["middle"].float() / 255,
        frame1=shots["frame1"].float() / 255,
        time=shots["time"],
        truth=truth,
    )
