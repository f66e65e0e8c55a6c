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
