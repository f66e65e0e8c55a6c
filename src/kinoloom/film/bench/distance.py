"""ST-LPIPS of two pictures, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from kinoloom.base.arrays import Picture, to_float
from kinoloom.base.need import install_line
from kinoloom.errors import ArrayError

Distance = Callable[[Picture, Picture], float]

_LEAST_SIDE_PX = 32
MISSING = f"ST-LPIPS is left out; get it with: {install_line('train,perceptual')}"


def st_lpips() -> Distance | None:
    """How different two pictures look, see `learn.losses.st_lpips`; None if not installed.

    The function raises ArrayError for pictures below 32 pixels.
    """
    if find_spec("torch") is None or find_spec("stlpips_pytorch") is None:
        return None
    import torch

    from kinoloom.learn.losses.st_lpips import load_st_lpips

    network = load_st_lpips()

    def tensor(picture: Picture) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(to_float(picture).transpose(2, 0, 1)))[None]

    def distance(made: Picture, truth: Picture) -> float:
        if min(made.shape[:2]) < _LEAST_SIDE_PX:
            raise ArrayError(
                f"ST-LPIPS needs pictures of at least {_LEAST_SIDE_PX}x{_LEAST_SIDE_PX} pixels, "
                f"not {made.shape[1]}x{made.shape[0]}."
            )
        with torch.inference_mode():
            return float(network(tensor(made), tensor(truth)))

    return distance
