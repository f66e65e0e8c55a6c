"""ST-LPIPS of two pictures, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from kinoloom.base.arrays import Picture, to_float
from kinoloom.base.need import install_line
from kinoloom.errors import ArrayError
from kinoloom.learn.cards import VGG16_ST
from kinoloom.runtime.models import find_weights

Distance = Callable[[Picture], float]
"""From one truth to any picture of its size."""

_LEAST_SIDE_PX = 32
MISSING = (
    f"ST-LPIPS is left out; get it with: {install_line('train')} and "
    f"kinoloom models get {VGG16_ST.name}"
)


def st_lpips() -> Callable[[Picture], Distance] | None:
    """How different pictures look from a truth, see `learn.losses.st_lpips`.

    Returns:
        (truth) -> (picture) -> distance; the truth is looked at once. None where torch or
        its weights are missing. A truth below 32 pixels raises ArrayError.
    """
    if find_spec("torch") is None or find_weights(VGG16_ST) is None:
        return None
    import torch

    from kinoloom.learn.losses.st_lpips import load_st_lpips

    metric = load_st_lpips()

    def features(picture: Picture) -> list[torch.Tensor]:
        planes = np.ascontiguousarray(to_float(picture).transpose(2, 0, 1))
        with torch.inference_mode():
            found: list[torch.Tensor] = metric.network(torch.from_numpy(planes)[None])
        return found

    def distance_from(truth: Picture) -> Distance:
        if min(truth.shape[:2]) < _LEAST_SIDE_PX:
            raise ArrayError(
                f"ST-LPIPS needs pictures of at least {_LEAST_SIDE_PX}x{_LEAST_SIDE_PX} pixels, "
                f"not {truth.shape[1]}x{truth.shape[0]}."
            )
        known = features(truth)
        return lambda made: float(metric.apart(features(made), known))

    return distance_from
