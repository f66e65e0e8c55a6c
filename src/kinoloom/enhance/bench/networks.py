"""ONNX networks as contestants of benchmarks; their kind is deduced from their inputs and outputs.

Upscalers have one input: (1, 3, H, W) RGB in 0..1, or (1, 1, H, W) BT.601 luma in 16/255..235/255,
to which the chroma of a cubic filter is added. Denoisers have an RGB input, and may have a second
one for the standard deviation of the noise in the unit of the picture: (1, 1, H, W).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.errors import WeightsError
from kinoloom.metrics import to_luma
from kinoloom.runtime.onnx import OnnxModel

Floats = NDArray[np.float32]

_PROBE_PX = 32
"""Side of the picture on which a network runs to find its scale."""
_LUMA_RANGE = 219.0
"""Levels from black to white."""
_SIZE_MULTIPLE = 2
"""Denoisers work at half size: sides are padded to a multiple of this."""


class NetworkUpscaler:
    """An upscaling network; call it with a picture (h, w, 3) uint8.

    Args:
        file: an .onnx file.

    Attributes:
        scale: its factor.

    Raises:
        WeightsError: not an ONNX network, or not one that enlarges RGB or luma by a whole factor.
    """

    def __init__(self, file: Path) -> None:
        self.model = OnnxModel(file)
        self.channels, self.scale = _probe(self.model)

    def __call__(self, picture: Picture) -> Picture:
        """Return the enlarged picture, (scale h, scale w, 3) uint8.

        Raises:
            WeightsError, BudgetError: as `runtime.onnx.OnnxModel`.
        """
        colors = to_float(picture[..., :3])
        if self.channels == 3:
            return from_float(_run(self.model, colors), np.dtype(np.uint8))
        luma = (to_luma(picture) / 255).astype(np.float32)
        large = _run(self.model, luma[..., None])[..., 0]
        size = (large.shape[1], large.shape[0])
        cubic = np.asarray(cv2.resize(colors, size, interpolation=cv2.INTER_CUBIC), np.float32)
        cubic = np.clip(cubic, 0, 1)
        # An equal shift of red, green and blue changes luma and keeps chroma.
        shift = ((large * 255 - to_luma(cubic)) / _LUMA_RANGE).astype(np.float32)
        return from_float(cubic + shift[..., None], np.dtype(np.uint8))


class NetworkDenoiser:
    """A denoising network; call it with (H, W, 3) float32, not clipped, and the noise.

    Args:
        file: an .onnx file.

    Raises:
        WeightsError: not an ONNX network, or not one with an RGB picture and an optional noise map.
    """

    def __init__(self, file: Path) -> None:
        self.model = OnnxModel(file)
        if len(self.model.inputs) not in (1, 2):
            raise WeightsError(
                f"{file} has {len(self.model.inputs)} inputs; a denoiser has a picture, and it may "
                "have a noise map.",
                hint="Name the file of a denoiser.",
            )

    def __call__(self, picture: Floats, sigma: float) -> Floats:
        """Return the denoised picture, (H, W, 3) float32, not clipped.

        Args:
            picture: (H, W, 3) float32, about 0..1.
            sigma: standard deviation of the noise, in the same unit.

        Raises:
            WeightsError, BudgetError: as `runtime.onnx.OnnxModel`.
        """
        height, width = picture.shape[:2]
        more = (-height % _SIZE_MULTIPLE, -width % _SIZE_MULTIPLE)
        padded = np.pad(picture, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")
        planes = np.ascontiguousarray(padded.transpose(2, 0, 1)[None])
        noise = np.full((1, 1, *padded.shape[:2]), sigma, np.float32)
        inputs = dict(zip(self.model.inputs, (planes, noise), strict=False))
        return _to_image(self.model(inputs, [planes.shape])[0])[:height, :width]


def _run(model: OnnxModel, image: Floats) -> Floats:
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)[None])
    return _to_image(model({model.inputs[0]: planes})[0])


def _to_image(planes: Floats) -> Floats:
    """Return the picture of (1, C, H, W) as (H, W, C)."""
    return np.asarray(planes[0].transpose(1, 2, 0), np.float32)


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
