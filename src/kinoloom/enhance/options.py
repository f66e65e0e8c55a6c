"""Options of the ops on enhancement."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from kinoloom.base.options import option


@dataclass(frozen=True)
class EnhanceOptions:
    """Options of `enhance`; those that are not set come from the preset."""

    preset: str | None = option(
        None, "Named set of options (see 'presets list'), or a TOML file", metavar="NAME"
    )
    auto: bool = option(False, "Measure the input, choose the corrections and say why")
    scale: float | None = option(None, "Factor of both sides", low=0.01, high=64)
    size: str | None = option(None, "Size in pixels instead of a factor", metavar="WxH")
    tier: Literal["auto", "live", "fast", "best", "drawn"] | None = option(
        None, "Network that enlarges, from fast to good; drawn is for drawings"
    )
    look: Literal["clean", "real"] | None = option(
        None, "Networks for clean sources, or for degraded ones"
    )
    denoise: str | None = option(
        None,
        "auto, off, or the noise in 8-bit levels, from 0 to 100",
        metavar="auto|off|0..100",
    )
    deblock: bool = option(False, "Remove the blocks of JPEG and video compression")
    chroma: bool = option(False, "Remove colour noise")
    white_balance: bool = option(False, "Remove a colour cast")
    lowlight: bool = option(False, "Brighten dark areas")
    sharpen: bool = option(False, "Sharpen edges without halos")
    deband: bool = option(False, "Replace steps in smooth areas by gradients")
    grain: bool = option(False, "Put the grain back that denoising removed")
    curves: str | None = option(
        None, "Tone curves such as 'r=0/0 0.5/0.6 1/1', or the name of some", metavar="CURVES"
    )
    lut: Path | None = option(None, "Colour look-up table (.cube)", metavar="FILE")
    without: str = option(
        "", "Comma-separated corrections of the preset, or of --auto, to leave out", metavar="NAMES"
    )
    strength: float | None = option(None, "Strength of all corrections", low=0, high=1)
    fps: Fraction | None = option(None, "Videos: frame rate, with new frames", unit="fps")
    times: int | None = option(None, "Videos: multiple of the frame count", low=1, high=256)
    slow: Fraction | None = option(None, "Videos: slow-motion factor", low=1, high=256)
    dedup: bool = option(False, "Videos: replace repeated frames by interpolated ones")
    order: str | None = option(
        None,
        "Videos: auto, or clean, upscale and interpolate in order, comma-separated",
        metavar="ORDER",
    )
    latency: Fraction | None = option(
        None,
        "Streams (-o -): delay from which on a faster tier is used",
        low=0,
        high=60,
        unit="s",
    )
    try_: Path | None = option(
        None,
        "Write one picture that shows a detail at four strengths, and nothing else",
        metavar="PICTURE",
    )
    preview: str | None = option(
        None,
        "Videos: enhance and write only this part, such as 5s@1:20 (5 s from 1:20 on)",
        metavar="DURATION@START",
    )
    metadata: Literal["keep", "drop", "no-location"] | None = option(
        None, "Photos: metadata that is written"
    )
    weights: Path | None = option(None, "Network of your own that enlarges", metavar="FILE")
    memory: int | None = option(
        None,
        "Memory limit of the whole job besides Python and its libraries, such as 2GB (default: "
        "none, and half of the free memory for the networks)",
        unit="bytes",
        metavar="SIZE",
    )


@dataclass(frozen=True)
class BenchSrOptions:
    """Options of `bench sr`."""

    upscalers: str = option(
        "",
        "Comma-separated filters and networks: nearest, bicubic, lanczos4, live-x2, ... "
        "(default: all that are present)",
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
        "Comma-separated filters and networks: identity, gaussian, bilateral, nlmeans, "
        "denoise-small (default: all that are present)",
        metavar="NAMES",
    )
    models: str = option(
        "", "Comma-separated ONNX networks with a picture and a noise map", metavar="FILES"
    )
    peer: Path | None = option(
        None, "Python file that defines another denoiser as DENOISER", metavar="FILE"
    )


@dataclass(frozen=True)
class BenchVideoOptions:
    """Options of `bench video`."""

    sigma: float = option(
        25.0, "Standard deviation of the noise, in 8-bit levels", low=0.1, high=255
    )
    frames: int | None = option(None, "Measure the first frames of each clip (default: all)", low=2)
    denoisers: str = option(
        "",
        "Comma-separated filters: noisy, window, recursive, and with the program ffmpeg also "
        "hqdn3d, nlmeans, atadenoise (default: all)",
        metavar="NAMES",
    )
    models: str = option(
        "",
        "Comma-separated ONNX networks with a picture and a noise map (default: the shipped one)",
        metavar="FILES",
    )
    peer: Path | None = option(
        None, "Python file that defines another denoiser as VIDEO_DENOISER", metavar="FILE"
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
    degradation: Literal["realesrgan", "light", "heavy", "bsrgan", "meeting", "phone"] | None = (
        option(
            None, "Presets that enlarge: degradation of the photos, instead of a bicubic reduction"
        )
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
