"""Noise that is added to the gamma-encoded picture: Gaussian, correlated between colours, Poisson.

Sources: Wang et al., "Real-ESRGAN", ICCV workshops 2021 (Gaussian and Poisson noise, grey or in
colour); Zhang et al., "Designing a practical degradation model for deep blind image
super-resolution", ICCV 2021 (correlated noise).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinoloom.enhance.degrade.fields import parameter
from kinoloom.enhance.degrade.steps.step import Floats, Step, Surroundings, clip, to_grey

_LEVELS = 255


@dataclass(frozen=True)
class GaussianNoise(Step):
    """Additive Gaussian noise.

    Attributes:
        sigma: standard deviation in levels of 255.
        is_grey: whether the three channels have the same noise.
    """

    sigma: float = parameter(0, 255)
    is_grey: bool = False

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Add noise and clip."""
        shape = (*image.shape[:2], 1 if self.is_grey else 3)
        noise = surroundings.rng.standard_normal(shape, np.float32)
        return clip(image + np.float32(self.sigma / _LEVELS) * noise)


@dataclass(frozen=True)
class CorrelatedNoise(Step):
    """Additive Gaussian noise whose channels are correlated.

    Attributes:
        mixing: the rows of a (3, 3) matrix that maps three independent standard normal numbers to
            the noise of red, green and blue, in levels of 255.
    """

    mixing: tuple[float, ...] = parameter(-255, 255, count=9)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Add noise and clip."""
        matrix = np.asarray(self.mixing, np.float32).reshape(3, 3) / np.float32(_LEVELS)
        noise = surroundings.rng.standard_normal(image.shape, np.float32) @ matrix.T
        return clip(image + noise)


@dataclass(frozen=True)
class PoissonNoise(Step):
    """Noise that grows with brightness: the picture's levels are counts of photons.

    The counts of white are the next power of two of the number of different levels, as published.

    Attributes:
        scale: factor of the noise.
        is_grey: whether the three channels have the same noise, that of the grey picture.
    """

    scale: float = parameter(0, 20)
    is_grey: bool = False

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Add noise and clip."""
        image = clip(image)
        source = to_grey(image)[..., None] if self.is_grey else image
        levels = np.rint(source * _LEVELS).astype(np.uint8)
        used = np.count_nonzero(np.bincount(levels.ravel(), minlength=_LEVELS + 1))
        photons = 1 << (int(used) - 1).bit_length()
        means = levels.astype(np.float64) * (photons / _LEVELS)
        noise = (surroundings.rng.poisson(means) - means) / photons
        return clip(image + (self.scale * noise).astype(np.float32))
