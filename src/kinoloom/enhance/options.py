"""Options of the ops on enhancement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.base.options import option


@dataclass(frozen=True)
class BenchSrOptions:
    """Options of `bench sr`."""

    upscalers: str = option(
        "",
        "Comma-separated filters: nearest, bicubic, lanczos4 (default: all)",
        metavar="NAMES",
    )
    models: str = option(
        "", "Comma-separated ONNX networks that enlarge RGB or luma", metavar="FILES"
    )
    peer: Path | None = option(
        None, "Python file that defines another upscaler as UPSCALER", metavar="FILE"
    )


@dataclass(frozen=True)
class BenchDenoiseOptions:
    """Options of `bench denoise`."""

    sigma: float = option(
        25.0, "Standard deviation of the noise, in 8-bit levels", low=0.1, high=255
    )
    denoisers: str = option(
        "",
        "Comma-separated filters: identity, gaussian, bilateral, nlmeans (default: all)",
        metavar="NAMES",
    )
    models: str = option(
        "", "Comma-separated ONNX networks with a picture and a noise map", metavar="FILES"
    )
    peer: Path | None = option(
        None, "Python file that defines another denoiser as DENOISER", metavar="FILE"
    )


@dataclass(frozen=True)
class MeasureOptions:
    """Options of `measure`."""

    samples: int = option(9, "Videos: number of frames that are measured", low=1, high=1000)


DegradationName = Literal["realesrgan", "light", "heavy", "bsrgan", "meeting", "vhs", "phone"]


@dataclass(frozen=True)
class DegradeOptions:
    """Options of `degrade`."""

    preset: DegradationName = option("realesrgan", "Distribution of the degradations")
    seed: int = option(0, "Seed of the degradations and their noise", low=0, high=2**31)
    scale: int | None = option(
        None, "Divisor of width and height, by default that of the preset", low=1, high=8
    )
    recipe: Path | None = option(
        None, "Record to replay, instead of a preset, scale and seed", metavar="FILE"
    )
    record: Path | None = option(
        None, "Write all parameters to a JSON file for --recipe", metavar="FILE"
    )


@dataclass(frozen=True)
class TrainOptions:
    """Options of `train enhance`; unset values come from the preset."""

    preset: Literal["live", "fast", "small", "denoise"] = option("live", "Network and recipe")
    scale: int | None = option(
        None, "Enlargement factor, 2 by default (presets live, fast and small)", low=2, high=4
    )
    out: Path | None = option(None, "Run directory; an existing run is resumed", metavar="DIR")
    preview: bool = option(False, "Show a sheet of training samples instead of training")
    from_: Path | None = option(None, "Initial weights of the same network", metavar="FILE")
    test: Path | None = option(
        None,
        "Folder with HR/ and LR_x2/, LR_x3/ or LR_x4/, whose PSNR is reported, not used",
        metavar="DIR",
    )
    steps: int | None = option(None, "Number of weight updates", low=1)
    batch: int | None = option(None, "Samples per update", low=1)
    learning_rate: float | None = option(None, "Peak learning rate", low=0)
    hours: float | None = option(None, "Time limit, after which the run is saved", low=0, unit="h")
    device: Literal["auto", "cuda", "mps", "cpu"] | None = option(None, "Training device")
    seed: int | None = option(None, "Seed of data, weights and samples", low=0, high=2**31)
