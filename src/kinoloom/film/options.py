"""The options of frame interpolation, its benchmark and its training."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from kinoloom.base.options import option


@dataclass(frozen=True)
class InterpolateOptions:
    """What `interpolate` may be told; those for photos and for videos are refused elsewhere."""

    engine: str = option("auto", "which engine makes the frames; auto takes the best present")
    fps: Fraction | None = option(
        None, "frames a second of the film, such as 60 or 60000/1001 (photos: 30)", unit="fps"
    )
    times: int | None = option(
        None, "videos: this many times as many frames (2 if nothing else is asked)", low=1, high=256
    )
    slow: Fraction | None = option(None, "videos: this many times slower", low=1, high=256)
    sound: Literal["keep", "stretch", "drop"] | None = option(
        None, "videos: the sound as it is, stretched at its pitch, or none (keep, slowed: stretch)"
    )
    dedup: bool = option(False, "videos: replace repeated frames by real in-betweens")
    seconds: Fraction | None = option(
        None, "photos: how long the film lasts (1.5 s from photo to photo)", low=0.01, unit="s"
    )
    hold: Fraction = option(Fraction(0), "photos: how long each is held", low=0, unit="s")
    ease: Literal["linear", "in", "out", "in-out"] = option(
        "linear", "photos: how the motion from photo to photo sets out and arrives"
    )
    loop: bool = option(False, "photos: go back from the last to the first, to play in a loop")
    boomerang: bool = option(False, "photos: go to the last and back again")
    size: int = option(3840, "photos: longest side of the film at most", low=16, unit="px")
    memory: int | None = option(
        None, "the most memory to work in, such as 2GB (half of what is free)", unit="bytes"
    )
    flow_scale: float = option(
        1.0, "estimate motion at this fraction of the size, for 4K and above", low=0.05, high=1
    )
    weights: Path | None = option(None, "your own file of weights for the engine")
    look: Literal["mean", "sharp"] = option(
        "mean", "new frames as true as can be, or sharper and a little less true (engine deep)"
    )


@dataclass(frozen=True)
class BenchOptions:
    """What `bench film` may be told."""

    engines: str = option("", "names, separated by commas (all that are present)")
    peer: Path | None = option(
        None, "a Python file with another engine, ENGINE, such as benchmarks/rife_hdv3.py"
    )
    weights: Path | None = option(None, "your own weights for the engine film")
    memory: int | None = option(None, "the most memory to work in", unit="bytes")
    look: Literal["mean", "sharp"] = option("mean", "of the new frames, as for interpolate")


@dataclass(frozen=True)
class TrainOptions:
    """What `train film` may be told; what is not given is the preset's."""

    preset: str = option(
        "refine", "what is trained: refine, lite, or as published paper-l1, paper-vgg, paper-style"
    )
    out: Path | None = option(None, "the folder of the training; one that is there goes on")
    preview: bool = option(False, "train nothing, show a sheet of samples")
    from_: Path | None = option(
        None, "weights to begin with, of the same network: a file, or refine or lite as shipped"
    )
    unshared: bool = option(
        False, "paper-*: weights of its own for each level of the pyramid, an ablation"
    )
    vgg: Path | None = option(None, "VGG-19 for vgg and style (without it, VGG-16 features)")
    steps: int | None = option(None, "how many updates of the weights", low=1)
    batch: int | None = option(None, "samples for each update", low=1)
    learning_rate: float | None = option(None, "the highest rate of the schedule", low=0)
    hours: float | None = option(None, "stop and save after this time", low=0, unit="h")
    device: Literal["auto", "cuda", "mps", "cpu"] | None = option(None, "where to train")
    seed: int | None = option(None, "of data, weights and samples", low=0, high=2**31)
