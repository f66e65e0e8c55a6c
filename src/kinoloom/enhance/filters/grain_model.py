"""GrainModel: the grain of a picture, measured in its flat areas.

The level depends on the luma, the spectrum on the size of the grains, and the correlation of the
channels on the film. All three are measured in blocks without structure, at frequencies above 0.2
cycles per pixel; the power below is extrapolated. Where a denoised version of the picture is known,
the difference of the two is measured at all frequencies. At most 4,096 blocks are used, so that
memory and time do not grow with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, check_picture, to_float
from kinoloom.enhance.filters.channels import LUMA_WEIGHTS
from kinoloom.errors import ArrayError

BLOCK = 16
"""Side of the blocks in which grain is measured, and of its spectrum."""
LUMA_BINS = 8

MIN_GRAIN_SIDE_PX = 64
"""Side of the smallest pictures in which grain is measured."""
_LOWEST_FREQUENCY = 0.2
"""In cycles per pixel; below, the grain cannot be separated from the picture."""
_RING_WIDTH = 0.15
_GREY = np.eye(3, dtype=np.float32)
_MAX_BLOCKS = 4096
_FLAT_SHARE = 0.15
_FLAT_FACTOR = 1.5
_MIN_BLOCKS = 4
_MAX_RATIO = 2.5
"""Highest level of a tone relative to the lowest; more is texture."""


@dataclass(frozen=True, eq=False)
class GrainModel:
    """Grain: its level, spectrum and colour.

    Attributes:
        levels: (8,) float32: standard deviation of the luma, in 0..1, for the luma 0/7 .. 7/7.
        spectrum: (16, 16) float32: power by spatial frequency, in the order of
            `numpy.fft.fft2`, with mean 1.
        mixing: (3, 3) float32: matrix from three independent patterns of standard deviation 1 to
            red, green and blue, for the luma level 1.

    Raises:
        ArrayError: wrong shapes, or values that are negative or not finite.
    """

    levels: NDArray[np.float32]
    spectrum: NDArray[np.float32]
    mixing: NDArray[np.float32]

    def __post_init__(self) -> None:
        shapes = (self.levels.shape, self.spectrum.shape, self.mixing.shape)
        if shapes != ((LUMA_BINS,), (BLOCK, BLOCK), (3, 3)):
            raise ArrayError(f"Grain needs arrays of (8,), (16, 16) and (3, 3), not {shapes}.")
        values = np.concatenate([self.levels, self.spectrum.ravel()])
        if not (np.isfinite(values).all() and np.isfinite(self.mixing).all() and min(values) >= 0):
            raise ArrayError("Levels and spectrum of grain must be finite and at least 0.")

    @property
    def level(self) -> float:
        """Mean standard deviation of the luma, in 0..1."""
        return float(self.levels.mean())


def build_no_grain() -> GrainModel:
    """Return the model of a picture without grain."""
    return GrainModel(np.zeros(LUMA_BINS, np.float32), np.ones((BLOCK, BLOCK), np.float32), _GREY)


def measure_grain(picture: Picture, denoised: Picture | None = None) -> GrainModel:
    """Measure the grain of a picture.

    Args:
        picture: (H, W, 3) or (H, W, 4), at least 64x64 pixels; see `base.arrays`.
        denoised: the same picture without grain, of the same shape and dtype; None to measure in
            the picture itself, which is less exact where nothing is flat.

    Returns:
        Its model. The level of lumas that the picture does not have is that of the nearest.

    Raises:
        ArrayError: not pictures, of different shapes, or smaller than 64x64 pixels.
    """
    check_picture(picture)
    if min(picture.shape[:2]) < MIN_GRAIN_SIDE_PX:
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise ArrayError(f"Grain is measured in pictures of at least 64x64 pixels, not {size}.")
    blocks = grain = _sample_blocks(picture)
    if denoised is not None:
        if check_picture(denoised, "denoised picture").shape != picture.shape:
            raise ArrayError(
                f"The denoised picture must be {picture.shape} like the picture, not "
                f"{denoised.shape}."
            )
        grain = blocks - _sample_blocks(denoised)
    waves = _transform_blocks(grain)
    power = np.abs(waves @ np.array(LUMA_WEIGHTS)) ** 2
    band = _find_frequencies() >= (_LOWEST_FREQUENCY if denoised is None else 0)
    lumas = blocks.mean(axis=(1, 2)) @ np.array(LUMA_WEIGHTS)
    deviation = np.sqrt(power[:, band].mean(axis=1))
    tones = np.rint(lumas * (LUMA_BINS - 1)).astype(int)
    chosen = _choose_flat(tones, deviation)
    spectrum = _fill_low(power[chosen].mean(axis=0), band)
    if spectrum.max() <= 0:
        return build_no_grain()
    share = np.sqrt(spectrum.mean() / spectrum[band].mean())
    return GrainModel(
        _fit_levels(tones[chosen], deviation[chosen] * share),
        np.asarray(spectrum / spectrum.mean(), np.float32),
        _measure_mixing(waves[chosen][:, band]),
    )


def _sample_blocks(picture: Picture) -> NDArray[np.float32]:
    """Return (K, 16, 16, 3) float32 blocks, evenly spread over a picture."""
    rows, columns = (side // BLOCK for side in picture.shape[:2])
    count = min(rows * columns, _MAX_BLOCKS)
    index = np.linspace(0, rows * columns - 1, count).astype(int)[:, None, None]
    inside = np.arange(BLOCK)
    top, left = index // columns * BLOCK, index % columns * BLOCK
    return to_float(picture[top + inside[:, None], left + inside, :3])


@lru_cache(maxsize=1)
def _find_frequencies() -> NDArray[np.float64]:
    """Return the (16, 16) spatial frequencies of a block's spectrum, in cycles per pixel."""
    one = np.fft.fftfreq(BLOCK)
    return np.asarray(np.hypot(one[:, None], one[None]))


def _transform_blocks(blocks: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Return the spectra of windowed blocks; white noise has the power of its variance."""
    window = np.hanning(BLOCK + 2)[1:-1]
    window = np.outer(window, window)[..., None]
    window /= np.sqrt((window**2).sum())
    centered = blocks - blocks.mean(axis=(1, 2), keepdims=True)
    return np.asarray(np.fft.fft2(centered * window, axes=(1, 2)))


def _choose_flat(tones: NDArray[np.int_], deviation: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the indices of blocks that hardly vary more than the flattest of the same tone."""
    counts = np.bincount(tones)
    if counts.max() < _MIN_BLOCKS:
        tones = np.zeros_like(tones)
    chosen = []
    for tone in np.flatnonzero(np.bincount(tones) >= _MIN_BLOCKS):
        blocks = np.flatnonzero(tones == tone)
        flattest = np.quantile(deviation[blocks], _FLAT_SHARE)
        chosen.append(blocks[deviation[blocks] <= _FLAT_FACTOR * flattest])
    return np.concatenate(chosen)


def _fit_levels(tones: NDArray[np.int_], deviation: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the deviation of each tone, interpolated where there is no block."""
    known = np.unique(tones)
    levels = np.array([np.sqrt(np.mean(deviation[tones == tone] ** 2)) for tone in known])
    inner = (known > 0) & (known < LUMA_BINS - 1)  # black and white are clipped
    lowest = levels[inner].min() if inner.any() else levels.min()
    limited = np.minimum(levels, _MAX_RATIO * lowest)
    return np.asarray(np.interp(np.arange(LUMA_BINS), known, limited), np.float32)


def _fill_low(power: NDArray[np.float64], band: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Continue the power of a band to lower frequencies, where the picture itself may be.

    The logarithm of the power is continued as a line over the squared frequency, which is exact for
    white noise and for noise blurred by a Gaussian.
    """
    frequencies = _find_frequencies()
    ring = band & (frequencies <= _LOWEST_FREQUENCY + _RING_WIDTH)
    if band.all() or power[ring].min() <= 0:
        return power
    slope, start = np.polyfit(frequencies[ring] ** 2, np.log(power[ring]), 1)
    line = np.exp(start + min(slope, 0) * frequencies**2)
    return np.where(band, power, np.minimum(power, line))


def _measure_mixing(waves: NDArray[np.complex128]) -> NDArray[np.float32]:
    """Return the factor of the channels' covariance, for a luma of standard deviation 1."""
    samples = waves.reshape(-1, 3)
    covariance = (samples.conj().T @ samples).real
    weights = np.array(LUMA_WEIGHTS)
    values, vectors = np.linalg.eigh(covariance / (weights @ covariance @ weights))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)), np.float32)
