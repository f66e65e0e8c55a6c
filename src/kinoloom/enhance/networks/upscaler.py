"""Upscaling networks: RGB, or luma with the chroma of a cubic filter.

The input is (1, 3, H, W) RGB in 0..1, or (1, 1, H, W) BT.601 luma in 16/255..235/255.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from kinoloom.enhance.networks.network import Floats, read_facts, to_image, to_planes
from kinoloom.errors import WeightsError
from kinoloom.runtime.onnx import OnnxModel

_PROBE_PX = 32
"""Side of the grey picture on which a network runs when it is opened."""
_WEIGHTS = np.array([[65.481, 128.553, 24.966]], np.float32) / 255
_BLACK = np.float32(16 / 255)
_LUMA_RANGE = np.float32(219 / 255)
"""From black to white, of luma in studio range; see `metrics.luma`."""


class NetworkUpscaler:
    """An upscaling network; call it with a picture.

    Args:
        file: an .onnx file.

    Attributes:
        channels: 3 for RGB, 1 for luma.
        scale: its factor.
        facts: for tiles.

    Raises:
        WeightsError: not an ONNX network, or not one that enlarges RGB or luma by a whole factor.
    """

    def __init__(self, file: Path) -> None:
        self.model = OnnxModel(file, provider="auto", keeps_pool=True)
        self.channels, self.scale = _probe(self.model)
        self.facts = read_facts(self.model, scale=self.scale)

    def __call__(self, picture: Floats) -> Floats:
        """Return the enlarged picture, (scale h, scale w, 3) float32, not clipped.

        Args:
            picture: (h, w, 3) float32 in 0..1.

        Raises:
            WeightsError, BudgetError: as `runtime.onnx.OnnxModel`.
        """
        if self.channels == 3:
            return self._run(picture)
        large = self.enlarge_luma(find_studio_luma(picture))
        size = (large.shape[1], large.shape[0])
        cubic = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.float32)
        np.clip(cubic, 0, 1, out=cubic)
        # An equal shift of red, green and blue changes luma and keeps chroma.
        large -= find_studio_luma(cubic)
        large /= _LUMA_RANGE
        cubic += large[..., None]
        return cubic

    def enlarge_luma(self, luma: Floats) -> Floats:
        """Return enlarged luma, (scale h, scale w) float32, by a network of one channel.

        Args:
            luma: (h, w) float32 in 16/255..235/255.

        Raises:
            WeightsError, BudgetError: as `runtime.onnx.OnnxModel`.
        """
        return self._run(luma[..., None])[..., 0]

    def _run(self, image: Floats) -> Floats:
        planes = to_planes(image)
        _, channels, height, width = planes.shape
        shape = (1, channels, self.scale * height, self.scale * width)
        return to_image(self.model({self.model.inputs[0]: planes}, [shape])[0])


def find_studio_luma(picture: Floats) -> Floats:
    """Return the BT.601 luma of RGB in 0..1, (H, W) in 16/255..235/255."""
    luma = np.asarray(cv2.transform(picture, _WEIGHTS), np.float32)
    luma += _BLACK
    return luma


def _probe(model: OnnxModel) -> tuple[int, int]:
    """Return the channels and the scale of a network, by running it on grey pictures."""
    if len(model.inputs) != 1:
        raise WeightsError(
            f"{model.file} has {len(model.inputs)} inputs; an upscaler has one.",
            hint="Name the file of an upscaler.",
        )
    failures: list[WeightsError] = []
    for channels in (3, 1):
        grey = np.full((1, channels, _PROBE_PX, _PROBE_PX), 0.5, np.float32)
        try:
            output = model({model.inputs[0]: grey})[0]
        except WeightsError as error:
            failures.append(error)
            continue
        scale = output.shape[-1] // _PROBE_PX
        if output.shape == (1, channels, _PROBE_PX * scale, _PROBE_PX * scale) and scale >= 1:
            return channels, scale
    raise WeightsError(
        f"{model.file} does not enlarge (1, 3, H, W) or (1, 1, H, W) pictures by a whole factor.",
        hint="Name the file of an upscaler.",
    ) from (failures[0] if failures else None)
