"""Grain put back: random patterns with a measured spectrum, level and colour.

White noise is shaped by the square root of the spectrum on a torus, which repeats over the picture
at an offset of its own in each frame. The result depends on the model, the seed, the number of the
frame and the position only.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.enhance.filters.channels import Colors, find_luma, repeat
from kinoloom.enhance.filters.dither import tile_pattern
from kinoloom.enhance.filters.filter import Context, Filter
from kinoloom.enhance.filters.grain_model import BLOCK, LUMA_BINS, GrainModel
from kinoloom.errors import UsageError

_SIDE = 512
_NEGLIGIBLE = 1e-3
"""Share of the power of a pattern below which it is left out."""


@dataclass(frozen=True)
class Grain(Filter):
    """Adds the grain of the context, for example after denoising."""

    @property
    def reach_px(self) -> int:
        """See `Filter`."""
        return 0

    def _filter(self, picture: Colors, context: Context) -> Colors:
        if context.grain is None:
            raise UsageError(
                "Grain was not measured.", hint="Set Context.grain, with measure_grain()."
            )
        model = context.grain
        if not model.levels.any():
            return picture
        pattern = synthesize_grain(model, context.seed, context.frame)
        tiled = tile_pattern(pattern, picture.shape, context.origin)
        luma = find_luma(picture)
        steps = np.linspace(0, LUMA_BINS - 1, 256)
        table = np.interp(steps, np.arange(LUMA_BINS), model.levels).astype(np.float32)
        index = np.asarray(np.clip(luma, 0, 1) * np.float32(255) + np.float32(0.5), np.uint8)
        level = cv2.LUT(index, table * np.float32(self.strength))
        return np.asarray(picture + tiled * repeat(np.asarray(level)), np.float32)


def synthesize_grain(model: GrainModel, seed: int, frame: int) -> NDArray[np.float32]:
    """Return a pattern of grain that continues across its edges.

    Args:
        model: spectrum and colour.
        seed: at least 0.
        frame: number of the frame, at least 0.

    Returns:
        (512, 512, 3) float32 with mean 0; the luma has standard deviation 1.
    """
    rng = np.random.default_rng((seed, frame))
    response = _build_response(model.spectrum)
    powers = (model.mixing**2).sum(axis=0)
    used = np.flatnonzero(powers > _NEGLIGIBLE * powers.sum())
    patterns = []
    for _ in used:
        noise = cv2.dft(rng.standard_normal((_SIDE, _SIDE), np.float32))
        patterns.append(cv2.idft(cv2.mulSpectrums(noise, response, 0), flags=cv2.DFT_SCALE))
    mixed = cv2.transform(cv2.merge(patterns), np.ascontiguousarray(model.mixing[:, used]))
    return np.asarray(mixed, np.float32)


def _build_response(spectrum: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the transform of the filter on the torus whose power is the spectrum."""
    kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(spectrum.astype(np.float64))).real)
    padded = np.zeros((_SIDE, _SIDE), np.float32)
    padded[:BLOCK, :BLOCK] = kernel
    return np.asarray(cv2.dft(np.roll(padded, (-BLOCK // 2, -BLOCK // 2), axis=(0, 1))))
