"""The second-order degradation of Real-ESRGAN: blur, resizing, noise and JPEG, twice.

Source: Wang, Xie, Dong and Shan, "Real-ESRGAN: training real-world blind super-resolution with pure
synthetic data", ICCV workshops 2021, and the published settings of its training. Two deviations:
JPEG compression is that of libjpeg, with whole qualities, and a video may follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinoloom.enhance.degrade.sampling.draw import Range, choose, happens, integer, uniform
from kinoloom.enhance.degrade.steps.blur import Blur, Sinc
from kinoloom.enhance.degrade.steps.jpeg import Jpeg
from kinoloom.enhance.degrade.steps.noise import GaussianNoise, PoissonNoise
from kinoloom.enhance.degrade.steps.resize import METHODS, Resize
from kinoloom.enhance.degrade.steps.step import Step

KERNEL_SIZES_PX = tuple(range(7, 22, 2))
SHAPES = (
    ("gaussian", "isotropic"),
    ("gaussian", "anisotropic"),
    ("generalised", "isotropic"),
    ("generalised", "anisotropic"),
    ("plateau", "isotropic"),
    ("plateau", "anisotropic"),
)
SHAPE_SHARES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
_LARGE_KERNEL_PX = 13
_GENERALISED_BETAS, _PLATEAU_BETAS = (0.5, 4.0), (1.0, 2.0)


@dataclass(frozen=True)
class Stage:
    """One round of blur, resizing, noise and JPEG.

    Attributes:
        sigma: range of the standard deviations of kernels, in pixels.
        resize: range of the factor.
        noise: range of Gaussian noise, in levels of 255.
        poisson: range of the scale of Poisson noise.
        quality: range of JPEG.
        blur: probability of any blur.
        sinc: share of sinc filters among the blurs.
        directions: shares of enlarging, reducing and keeping the size.
        gaussian: probability of Gaussian instead of Poisson noise.
        grey: probability of grey noise.
    """

    sigma: Range
    resize: Range
    noise: Range
    poisson: Range
    quality: tuple[int, int] = (30, 95)
    blur: float = 1.0
    sinc: float = 0.1
    directions: tuple[float, float, float] = (0.2, 0.7, 0.1)
    gaussian: float = 0.5
    grey: float = 0.4


@dataclass(frozen=True)
class Rounds:
    """A degradation of one or several stages.

    Attributes:
        stages: in order. The factors of all but the first are of the output's size.
        final_sinc: probability of a sinc filter at the end.
    """

    stages: tuple[Stage, ...]
    final_sinc: float = 0.8

    def sample(self, rng: np.random.Generator) -> tuple[Step, ...]:
        """Sample the steps."""
        steps: list[Step] = []
        last = len(self.stages) - 1
        for k, stage in enumerate(self.stages):
            steps += _sample_stage(rng, stage, is_first=k == 0)
            if k < last:
                steps.append(Jpeg(integer(rng, stage.quality)))
        steps += _sample_end(rng, self.stages[-1], self.final_sinc)
        return tuple(steps)


REALESRGAN = Rounds(
    (
        Stage(sigma=(0.2, 3), resize=(0.15, 1.5), noise=(1, 30), poisson=(0.05, 3)),
        Stage(
            sigma=(0.2, 1.5),
            resize=(0.3, 1.2),
            noise=(1, 25),
            poisson=(0.05, 2.5),
            blur=0.8,
            directions=(0.3, 0.4, 0.3),
        ),
    )
)
LIGHT = Rounds(
    (
        Stage(
            sigma=(0.2, 1.2),
            resize=(0.5, 1.2),
            noise=(1, 8),
            poisson=(0.05, 0.6),
            quality=(60, 95),
            blur=0.7,
            directions=(0.2, 0.4, 0.4),
        ),
    ),
    final_sinc=0.4,
)
HEAVY = Rounds(
    (
        Stage(sigma=(0.8, 4), resize=(0.15, 1), noise=(8, 40), poisson=(0.5, 4), quality=(15, 70)),
        Stage(
            sigma=(0.4, 2),
            resize=(0.3, 1.2),
            noise=(5, 30),
            poisson=(0.3, 3),
            quality=(15, 60),
            directions=(0.2, 0.5, 0.3),
        ),
    )
)


def sample_blur(rng: np.random.Generator, sigma: Range) -> Blur:
    """Sample one of the six kinds of kernels."""
    size = choose(rng, KERNEL_SIZES_PX)
    shape, symmetry = choose(rng, SHAPES, SHAPE_SHARES)
    sigma_x = sigma_y = uniform(rng, sigma)
    angle = 0.0
    if symmetry == "anisotropic":
        sigma_y, angle = uniform(rng, sigma), uniform(rng, (-math.pi, math.pi))
    if shape == "gaussian":
        return Blur("gaussian", size, sigma_x, sigma_y, angle, 1.0)
    low, high = _PLATEAU_BETAS if shape == "plateau" else _GENERALISED_BETAS
    beta = uniform(rng, (low, 1.0) if happens(rng, 0.5) else (1.0, high))
    kind: Literal["gaussian", "plateau"] = "plateau" if shape == "plateau" else "gaussian"
    return Blur(kind, size, sigma_x, sigma_y, angle, beta)


def _sample_stage(rng: np.random.Generator, stage: Stage, *, is_first: bool) -> Iterator[Step]:
    """Sample blur, resizing and noise."""
    if happens(rng, stage.blur):
        if happens(rng, stage.sinc):
            size = choose(rng, KERNEL_SIZES_PX)
            lowest = math.pi / (3 if size < _LARGE_KERNEL_PX else 5)
            yield Sinc(size, uniform(rng, (lowest, math.pi)))
        else:
            yield sample_blur(rng, stage.sigma)
    direction = choose(rng, ("up", "down", "keep"), stage.directions)
    factor = 1.0
    if direction != "keep":
        low, high = stage.resize
        factor = uniform(rng, (1.0, high) if direction == "up" else (low, 1.0))
    yield Resize("picture" if is_first else "output", factor, choose(rng, METHODS))
    is_grey = happens(rng, stage.grey)
    if happens(rng, stage.gaussian):
        yield GaussianNoise(uniform(rng, stage.noise), is_grey)
    else:
        yield PoissonNoise(uniform(rng, stage.poisson), is_grey)


def _sample_end(rng: np.random.Generator, stage: Stage, final_sinc: float) -> list[Step]:
    """Sample the last compression, before or after the last resizing and its ringing."""
    reduction: list[Step] = [Resize("output", 1.0, choose(rng, METHODS))]
    if happens(rng, final_sinc):
        size, cutoff = choose(rng, KERNEL_SIZES_PX), uniform(rng, (math.pi / 3, math.pi))
        reduction.append(Sinc(size, cutoff))
    jpeg = Jpeg(integer(rng, stage.quality))
    return [*reduction, jpeg] if happens(rng, 0.5) else [jpeg, *reduction]
