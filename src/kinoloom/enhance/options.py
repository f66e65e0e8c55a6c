"""Options of the ops on enhancement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
