"""Batches for the training loop: drawn and augmented by workers, finished on the loop's device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypedDict, cast

import numpy as np
import torch
from torch import Tensor

from kinoloom.errors import UsageError
from kinoloom.learn.data.augment import Augmentation, augment
from kinoloom.learn.data.source import FrameTriplet, Source
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.synthetic.packing import PackedScenes, pack
from kinoloom.learn.synthetic.samples import Samples, render_samples
from kinoloom.learn.synthetic.scenes import Scene
from kinoloom.learn.synthetic.truth import Truth

_AUGMENT_STREAM = 3


class TripletTensors(TypedDict):
    """B real triplets: frames (B, 3, S, S) uint8, and the time of the middle frame, (B,)."""

    frame0: Tensor
    middle: Tensor
    frame1: Tensor
    time: Tensor


class RawBatch(TypedDict):
    """The content of a batch: plain tensors in dicts, so that it can be moved to a device.

    Attributes:
        triplets: the real triplets, or None.
        scenes: synthetic scenes that are not rendered yet.
        samples: synthetic scenes that are rendered.
        origins: of the real triplets.
    """

    triplets: TripletTensors | None
    scenes: list[PackedScenes]
    samples: list[Samples]
    origins: list[str]


class TripletBatch(Samples):
    """B triplets, real ones first; see `Samples`.

    Attributes:
        known: (B,) bool: whether the ground truth of the motion is known. Where it is not, flows
            and masks are 0.
    """

    known: Tensor


@dataclass(frozen=True)
class Batches:
    """Builds the batch of each step; sample k of step n has the index n * size + k.

    An instance is called with (step, share, shares), as `learn.task.Task.batch`.

    Attributes:
        source: of the samples.
        size: samples per batch, over all shares.
        crop_px: side of the frames; synthetic scenes must have it.
        seed: of the run.
        augmentation: of real triplets.
        render: whether to render synthetic scenes here, on the CPU; otherwise `finish` renders them
            on the device of the batch.
    """

    source: Source
    size: int
    crop_px: int
    seed: int
    augmentation: Augmentation = field(default_factory=Augmentation)
    render: bool = True

    def __call__(self, step: int, share: int, shares: int) -> RawBatch:
        """Build the share-th of `shares` equal shares of a step's batch.

        Raises:
            MediaError: a file cannot be read, or its frames are smaller than the crop.
            UsageError: the batch cannot be divided into that many shares, or synthetic scenes have
                another size.
        """
        indices = [step * self.size + k for k in share_indices(self.size, share, shares)]
        return self.build([self.source.draw(index, self.seed) for index in indices], indices)

    def build(self, samples: Sequence[FrameTriplet | Scene], indices: Sequence[int]) -> RawBatch:
        """Build a batch from samples.

        Args:
            samples: as drawn from the source.
            indices: of each sample; they decide its augmentation.

        Raises:
            MediaError, UsageError: as a call.
        """
        triplets = [
            augment(
                sample,
                self.crop_px,
                self.augmentation,
                generator(self.seed, index, _AUGMENT_STREAM),
            )
            for sample, index in zip(samples, indices, strict=True)
            if isinstance(sample, FrameTriplet)
        ]
        scenes = [sample for sample in samples if isinstance(sample, Scene)]
        mismatched = [scene.size_px for scene in scenes if scene.size_px != self.crop_px]
        if mismatched:
            raise UsageError(
                f"Synthetic scenes of {mismatched[0]} px do not match the crop of "
                f"{self.crop_px} px."
            )
        packed = _pack(scenes, together=not self.render)
        return RawBatch(
            triplets=_stack(triplets) if triplets else None,
            scenes=[] if self.render else packed,
            samples=[render_samples(each) for each in packed] if self.render else [],
            origins=[triplet.origin for triplet in triplets],
        )


def finish(raw: RawBatch) -> TripletBatch:
    """Assemble the triplets of a batch, on its device.

    Raises:
        UsageError: the batch is empty.
    """
    rendered = [*raw["samples"], *(render_samples(packed) for packed in raw["scenes"])]
    triplets = [_without_truth(raw["triplets"])] if raw["triplets"] else []
    parts = [*triplets, *rendered]
    if not parts:
        raise UsageError("The batch has no samples.")
    time = torch.cat([part["time"] for part in parts])
    return TripletBatch(
        frame0=torch.cat([part["frame0"] for part in parts]),
        middle=torch.cat([part["middle"] for part in parts]),
        frame1=torch.cat([part["frame1"] for part in parts]),
        time=time,
        truth=_concatenate([part["truth"] for part in parts]),
        known=torch.arange(len(time), device=time.device) >= len(raw["origins"]),
    )


def _concatenate(truths: Sequence[Truth]) -> Truth:
    parts = [cast(dict[str, Tensor], truth) for truth in truths]
    return cast(Truth, {name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def _pack(scenes: Sequence[Scene], *, together: bool) -> list[PackedScenes]:
    """Pack the scenes, grouped by exposures; one by one on the CPU, where that is faster."""
    if not together:
        return [pack([scene]) for scene in scenes]
    ordered = sorted(scenes, key=lambda scene: scene.exposures)
    return [pack(list(alike)) for _, alike in groupby(ordered, lambda scene: scene.exposures)]


def _stack(triplets: Sequence[FrameTriplet]) -> TripletTensors:
    def frames(k: int) -> Tensor:
        images = [triplet.frames[k].transpose(2, 0, 1) for triplet in triplets]
        return torch.from_numpy(np.stack(images))

    times = torch.tensor([triplet.time for triplet in triplets], dtype=torch.float32)
    return TripletTensors(frame0=frames(0), middle=frames(1), frame1=frames(2), time=times)


def _without_truth(triplets: TripletTensors) -> Samples:
    batch, _, height, width = triplets["frame0"].shape
    flow = torch.zeros(batch, 2, height, width, device=triplets["time"].device)
    mask = torch.zeros(batch, 1, height, width, dtype=torch.bool, device=triplets["time"].device)
    zeros = {name: flow if name.startswith("flow") else mask for name in Truth.__annotations__}
    truth = cast(Truth, zeros)
    return Samples(
        frame0=triplets["frame0"].float() / 255,
        middle=triplets["middle"].float() / 255,
        frame1=triplets["frame1"].float() / 255,
        time=triplets["time"],
        truth=truth,
    )
