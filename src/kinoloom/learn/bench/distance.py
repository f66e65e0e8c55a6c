"""ST-LPIPS of two pictures, if its weights are available."""

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
"""The distance of a picture from a fixed ground truth of the same size."""

_MIN_SIDE_PX = 32
ST_LPIPS_HINT = (
    f"ST-LPIPS is not available; install it with: {install_line('train')} and "
    f"kinoloom models get {VGG16_ST.name}"
)


def load_st_lpips_distance() -> Callable[[Picture], Distance] | None:
    """Load the perceptual distance ST-LPIPS; return None if it is not available.

    Returns:
        (truth) -> (picture) -> distance; the features of the truth are computed once. A truth with
        a side below 32 pixels raises ArrayError. None where torch or the weights are missing.
    """
    if find_spec("torch") is None or find_weights(VGG16_ST) is None:
        return None
    import torch

    from kinoloom.learn.losses.st_lpips import load_st_lpips

    metric = load_st_lpips()

    def features(picture: Picture) -> list[torch.Tensor]:
        planes = np.ascontiguousarray(to_float(picture).transpose(2, 0, 1))
        with torch.inference_mode():
            layers: list[torch.Tensor] = metric.network(torch.from_numpy(planes)[None])
        return layers

    def distance_from(truth: Picture) -> Distance:
        if min(truth.shape[:2]) < _MIN_SIDE_PX:
            raise ArrayError(
                f"ST-LPIPS needs pictures of at least {_MIN_SIDE_PX}x{_MIN_SIDE_PX} pixels, "
                f"not {truth.shape[1]}x{truth.shape[0]}."
            )
        target = features(truth)
        return lambda picture: float(metric.compare_features(features(picture), target))

    return distance_from
