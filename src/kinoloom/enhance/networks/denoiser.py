"""Denoising networks: RGB, with a map of the noise where they take one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kinoloom.enhance.networks.network import Floats, read_facts, to_image, to_planes
from kinoloom.errors import WeightsError
from kinoloom.runtime.onnx import OnnxModel

_PROBE_PX = 32
_HALF_SIZE = 2
"""Networks whose files do not say otherwise may work at half size."""


class NetworkDenoiser:
    """A denoising network; call it with a picture and its noise.

    Args:
        file: an .onnx file.

    Attributes:
        facts: for tiles.

    Raises:
        WeightsError: not an ONNX network, or not one with an RGB picture and an optional noise map.
    """

    def __init__(self, file: Path) -> None:
        self.model = OnnxModel(file, provider="auto", keeps_pool=True)
        if len(self.model.inputs) not in (1, 2):
            raise WeightsError(
                f"{file} has {len(self.model.inputs)} inputs; a denoiser has a picture, and it may "
                "have a noise map.",
                hint="Name the file of a denoiser.",
            )
        self.facts = read_facts(self.model, scale=1, multiple=_HALF_SIZE)
        self(np.full((_PROBE_PX, _PROBE_PX, 3), 0.5, np.float32), 0.1)

    def __call__(self, picture: Floats, noise: Floats | float) -> Floats:
        """Return the denoised picture, (H, W, 3) float32, not clipped.

        Args:
            picture: (H, W, 3) float32, about 0..1.
            noise: standard deviation of the noise in the same unit: a number, or (H, W) float32.

        Raises:
            WeightsError, BudgetError: as `runtime.onnx.OnnxModel`.
        """
        height, width = picture.shape[:2]
        multiple = self.facts.size_multiple
        more = ((0, -height % multiple), (0, -width % multiple))
        planes = to_planes(np.pad(picture, (*more, (0, 0)), mode="edge"))
        levels = np.broadcast_to(np.float32(noise), (height, width))
        padded = np.pad(levels, more, mode="edge")[None, None]
        inputs = dict(zip(self.model.inputs, (planes, padded), strict=False))
        return to_image(self.model(inputs, [planes.shape])[0])[:height, :width]
