"""Options of frame interpolation, its benchmark and its training."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from kinoloom.base.options import option


@dataclass(frozen=True)
class InterpolateOptions:
    """Options of `interpolate`; those for the other kind of input are rejected."""

    engine: str = option("auto", "Engine; auto selects the best available one", metavar="NAME")
    fps: Fraction | None = option(
        None, "Output frame rate, such as 60 or 60000/1001 (default for photos: 30)", unit="fps"
    )
    times: int | None = option(
        None, "Videos: multiple of the frame count (default without a rate: 2)", low=1, high=256
    )
    slow: Fraction | None = option(None, "Videos: slow-motion factor", low=1, high=256)
    sound: Literal["keep", "stretch", "drop"] | None = option(
        None, "Videos: keep the sound, stretch it at constant pitch, or drop it"
    )
    cuts: str | None = option(
        None,
        "Videos: times of the scene cuts in seconds, comma-separated, instead of detected ones",
        metavar="TIMES",
    )
    dedup: bool = option(False, "Videos: replace repeated frames by interpolated ones")
    seconds: Fraction | None = option(
        None, "Photos: duration of the film (default: 1.5 s per transition)", low=0.01, unit="s"
    )
    hold: Fraction = option(Fraction(0), "Photos: time each photo is held", low=0, unit="s")
    ease: Literal["linear", "in", "out", "in-out"] = option(
        "linear", "Photos: easing of each transition"
    )
    loop: bool = option(False, "Photos: return to the first photo, for endless playback")
    boomerang: bool = option(False, "Photos: play forwards, then backwards")
    size: int = option(3840, "Photos: upper limit of the longer side", low=16, unit="px")
    memory: int | None = option(
        None,
        "Memory limit of the whole job besides Python and its libraries, such as 2GB (default: "
        "none, and half of the free memory for the engine)",
        unit="bytes",
        metavar="SIZE",
    )
    flow_scale: float = option(
        1.0, "Fraction of the image size at which motion is estimated", low=0.05, high=1
    )
    weights: Path | None = option(None, "User-supplied weights of the engine", metavar="FILE")


@dataclass(frozen=True)
class BenchOptions:
    """Options of `bench film`."""

    engines: str = option("", "Comma-separated engines (default: all available)", metavar="NAMES")
    peer: Path | None = option(
        None,
        "Python file that defines another engine as ENGINE, such as benchmarks/rife_hdv3.py",
        metavar="FILE",
    )
    weights: Path | None = option(None, "User-supplied weights of the engine film", metavar="FILE")
    memory: int | None = option(None, "Memory limit of each engine", unit="bytes", metavar="SIZE")
    smoothness: bool = option(
        False, "Measure the temporal smoothness of seven new frames per pair, too"
    )


@dataclass(frozen=True)
class TrainOptions:
    """Options of `train film`; unset values come from the preset."""

    preset: str = option(
        "fusion",
        "Network and recipe: fusion, paper-l1, paper-vgg or paper-style",
        metavar="NAME",
    )
    out: Path | None = option(None, "Run directory; an existing run is resumed", metavar="DIR")
    preview: bool = option(False, "Show a sheet of training samples instead of training")
    from_: Path | None = option(None, "Initial weights of the same network", metavar="FILE")
    unshared: bool = option(
        False, "Separate weights per pyramid level, an ablation (presets paper-*)"
    )
    vgg: Path | None = option(
        None, "VGG-19 weights for the vgg and style losses (default: VGG-16)", metavar="FILE"
    )
    steps: int | None = option(None, "Number of weight updates", low=1)
    batch: int | None = option(None, "Samples per update", low=1)
    learning_rate: float | None = option(None, "Peak learning rate", low=0)
    hours: float | None = option(None, "Time limit, after which the run is saved", low=0, unit="h")
    device: Literal["auto", "cuda", "mps", "cpu"] | None = option(None, "Training device")
    seed: int | None = option(None, "Seed of data, weights and samples", low=0, high=2**31)
