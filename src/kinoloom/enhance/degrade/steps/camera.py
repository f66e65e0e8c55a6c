"""Noise of a camera's sensor, through the processing from raw values to a picture.

The picture is converted back to raw values of a Bayer sensor (gamma, white balance, mosaic), gets
noise that depends on the signal, and is developed again. Demosaicing makes the noise coarse and
coloured, and white balance makes it stronger in red and blue.

Source: Brooks et al., "Unprocessing images for learned raw denoising", CVPR 2019, for the order of
the steps and the noise model. Simplified: no colour matrix and no tone curve but that of sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.enhance.degrade.fields import parameter
from kinoloom.enhance.degrade.steps.step import Floats, Step, Surroundings, clip

_PADDING_PX = 4
_BLACK, _WHITE = 4096, 61440
"""Codes of raw black and white; noise reaches beyond both."""


@dataclass(frozen=True)
class CameraNoise(Step):
    """The noise of a sensor behind a Bayer mosaic.

    Attributes:
        shot: variance per linear signal, of values in 0..1.
        read: variance in black.
        red_gain, blue_gain: factors of the white balance.
    """

    shot: float = parameter(0, 0.1)
    read: float = parameter(0, 0.1)
    red_gain: float = parameter(1, 4)
    blue_gain: float = parameter(1, 4)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Record the picture with the sensor, and develop it."""
        gains = np.asarray((self.red_gain, 1.0, self.blue_gain), np.float32)
        raw = _mosaic(_to_linear(clip(image)) / gains)
        deviation = np.sqrt(self.shot * raw + self.read, dtype=np.float32)
        raw = raw + deviation * surroundings.rng.standard_normal(raw.shape, np.float32)
        developed = clip(_demosaic(raw, image.shape[:2]) * gains)
        return _from_linear(developed)


def _mosaic(linear: Floats) -> Floats:
    """Return the Bayer mosaic RGGB of a picture that is reflected beyond its borders."""
    height, width = linear.shape[:2]
    padded = cv2.copyMakeBorder(
        linear,
        _PADDING_PX,
        _PADDING_PX + height % 2,
        _PADDING_PX,
        _PADDING_PX + width % 2,
        cv2.BORDER_REFLECT_101,
    )
    raw = np.array(padded[..., 1])
    raw[0::2, 0::2] = padded[0::2, 0::2, 0]
    raw[1::2, 1::2] = padded[1::2, 1::2, 2]
    return np.asarray(raw, np.float32)


def _demosaic(raw: Floats, shape: tuple[int, ...]) -> Floats:
    """Return the linear picture (H, W, 3) of a mosaic, without the padding."""
    codes = np.clip(np.rint(raw * (_WHITE - _BLACK) + _BLACK), 0, 65535).astype(np.uint16)
    rgb = cv2.cvtColor(codes, cv2.COLOR_BayerRGGB2RGB)
    inside = rgb[_PADDING_PX : _PADDING_PX + shape[0], _PADDING_PX : _PADDING_PX + shape[1]]
    return (inside.astype(np.float32) - _BLACK) / np.float32(_WHITE - _BLACK)


def _to_linear(image: Floats) -> Floats:
    """Undo the transfer function of sRGB (IEC 61966-2-1)."""
    return _select(image <= 0.04045, image / 12.92, _power((image + 0.055) / 1.055, 2.4))


def _from_linear(linear: Floats) -> Floats:
    """Apply the transfer function of sRGB."""
    return _select(linear <= 0.0031308, linear * 12.92, 1.055 * _power(linear, 1 / 2.4) - 0.055)


def _power(base: Floats, exponent: float) -> Floats:
    return np.asarray(cv2.pow(base, exponent), np.float32)


def _select(where: NDArray[np.bool_], first: Floats, second: Floats) -> Floats:
    return np.where(where, first, second).astype(np.float32)
