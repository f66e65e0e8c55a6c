"""VHS tape: little bandwidth, smeared and shifted chroma, unsteady lines, noise and dropouts.

Sources: the format's figures, about 240 lines of luma and 40 of chroma per picture height (3 MHz
and 0.4 MHz), in EBU and SMPTE descriptions of VHS; the model of its artefacts is our own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.enhance.degrade.fields import parameter
from kinoloom.enhance.degrade.steps.step import Floats, Step, Surroundings, clip

_ROWS = 480
"""Picture lines of the recording."""
_TO_YUV = np.asarray(
    ((0.299, 0.587, 0.114), (-0.147, -0.289, 0.436), (0.615, -0.515, -0.1)), np.float32
)
_SIGMA_PER_PERIOD = 0.187
"""Standard deviation of the Gaussian with half its response at a period of one pixel."""
_SMOOTH_ROWS = 12.0
_DROPOUT_LEVEL = 0.85


@dataclass(frozen=True)
class Tape(Step):
    """Recording on VHS and playing it back.

    Attributes:
        luma_lines, chroma_lines: horizontal resolution, in lines per picture height.
        chroma_shift: delay of chroma, as a share of the picture's width.
        peaking: sharpening of luma by the player, which draws halos.
        luma_noise, chroma_noise: standard deviation in levels of 255; horizontal streaks in chroma.
        jitter: standard deviation of the horizontal errors of lines, as a share of the width.
        switching_rows: lines at the bottom that the switching of the heads distorts, of 480.
        dropouts: mean number of bright streaks in a picture, where the tape has lost its coating.
    """

    luma_lines: float = parameter(40, 1000)
    chroma_lines: float = parameter(5, 1000)
    chroma_shift: float = parameter(-0.05, 0.05)
    peaking: float = parameter(0, 3)
    luma_noise: float = parameter(0, 100)
    chroma_noise: float = parameter(0, 100)
    jitter: float = parameter(0, 0.05)
    switching_rows: int = parameter(0, 48)
    dropouts: float = parameter(0, 20)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Return the picture as it is played back, of the same size."""
        height, width = image.shape[:2]
        rows = min(height, _ROWS)
        recorded = cv2.resize(image, (width, rows), interpolation=cv2.INTER_AREA)
        y, u, v = cv2.split(np.asarray(clip(recorded) @ _TO_YUV.T, np.float32))
        y = self._play_luma(np.asarray(y), surroundings.rng)
        u, v = (self._play_chroma(np.asarray(plane), surroundings.rng) for plane in (u, v))
        played = self._shift_lines(np.asarray(cv2.merge((y, u, v))), surroundings.rng)
        self._drop_out(played, surroundings.rng)
        rgb = clip(played @ np.linalg.inv(_TO_YUV).T.astype(np.float32))
        return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR))

    def _play_luma(self, y: Floats, rng: np.random.Generator) -> Floats:
        sigma = _find_sigma(self.luma_lines, y.shape)
        noise = _blur_lines(rng.standard_normal(y.shape, np.float32), sigma / 2)
        noise *= np.float32(self.luma_noise / 255 / max(float(noise.std()), 1e-6))
        y = _blur_lines(y, sigma)
        return y + np.float32(self.peaking) * (y - _blur_lines(y, 2 * sigma)) + noise

    def _play_chroma(self, plane: Floats, rng: np.random.Generator) -> Floats:
        height, width = plane.shape
        sigma = _find_sigma(self.chroma_lines, plane.shape)
        noise = _blur_lines(rng.standard_normal(plane.shape, np.float32), sigma)
        noise *= np.float32(self.chroma_noise / 255 / max(float(noise.std()), 1e-6))
        move = np.asarray([[1, 0, self.chroma_shift * width], [0, 1, 0]], np.float32)
        shifted = cv2.warpAffine(
            _blur_lines(plane, sigma), move, (width, height), borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(shifted, np.float32) + noise

    def _shift_lines(self, planes: Floats, rng: np.random.Generator) -> Floats:
        """Shift lines by errors of the time base, and skew those below the switching of heads."""
        height, width = planes.shape[:2]
        drift = _blur_lines(rng.standard_normal((1, height), np.float32), _SMOOTH_ROWS)[0]
        drift /= max(float(drift.std()), 1e-6)
        steps = 0.7 * drift + 0.3 * rng.standard_normal(height, np.float32)
        shifts = np.asarray(self.jitter * width * steps, np.float32)
        rows = round(self.switching_rows * height / _ROWS)
        if rows:
            skew = np.linspace(0, 1, rows, dtype=np.float32) ** 2
            shifts[-rows:] += 0.08 * width * skew * np.float32(rng.choice((-1, 1)))
        x = np.arange(width, dtype=np.float32)[None] - shifts[:, None]
        y = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
        warped = cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, np.float32)

    def _drop_out(self, planes: Floats, rng: np.random.Generator) -> None:
        """Draw bright streaks, in place."""
        height, width = planes.shape[:2]
        for _ in range(rng.poisson(self.dropouts)):
            row, start = int(rng.integers(height)), int(rng.integers(width))
            end = start + max(2, int(width * rng.uniform(0.01, 0.08)))
            fade = np.linspace(1, 0, end - start, dtype=np.float32)[: width - start, None]
            level = np.asarray((_DROPOUT_LEVEL, 0, 0), np.float32)
            planes[row, start:end] += fade * (level - planes[row, start:end])


def _find_sigma(lines: float, shape: tuple[int, ...]) -> float:
    """Return the Gaussian that halves the contrast of `lines` per height of a 4:3 picture."""
    periods = lines * 4 / 3 / 2
    return _SIGMA_PER_PERIOD * shape[1] / periods


def _blur_lines(plane: Floats, sigma: float) -> Floats:
    """Blur along the lines only."""
    size = 2 * max(1, round(3 * sigma)) + 1
    kernel = cv2.getGaussianKernel(size, sigma, cv2.CV_32F)
    ones = np.ones((1, 1), np.float32)
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_32F, kernel, ones), np.float32)
