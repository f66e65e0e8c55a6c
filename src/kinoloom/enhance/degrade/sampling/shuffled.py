"""The shuffled degradation of BSRGAN: two blurs, two reductions and three kinds of noise.

Source: Zhang, Liang, Van Gool and Timofte, "Designing a practical degradation model for deep blind
image super-resolution", ICCV 2021, and its published settings. Deviations: kernels have the paper's
sizes, 7 to 21; camera noise is `steps.camera`, with the noise of Brooks et al.; and a video may
follow.
"""

from __future__ import annotations

import math

import numpy as np

from kinoloom.enhance.degrade.sampling.draw import (
    Range,
    choose,
    happens,
    integer,
    log_uniform,
    uniform,
)
from kinoloom.enhance.degrade.sampling.second_order import KERNEL_SIZES_PX
from kinoloom.enhance.degrade.steps.blur import Blur
from kinoloom.enhance.degrade.steps.camera import CameraNoise
from kinoloom.enhance.degrade.steps.jpeg import Jpeg
from kinoloom.enhance.degrade.steps.noise import CorrelatedNoise, GaussianNoise
from kinoloom.enhance.degrade.steps.resize import METHODS, Decimate, Reduce, Resize
from kinoloom.enhance.degrade.steps.step import Step

QUALITY = (30, 95)
NOISE = (1, 25)
"""Range of Gaussian noise, in levels of 255."""
_FIRST_HALVING, _PLAIN_REDUCTION = 0.25, 0.75
_JPEG, _CAMERA = 0.9, 0.25
_GREY, _COLOUR, _CORRELATED = 0.4, 0.4, 0.2
_MIN_AXIS = 0.1
SHOT: Range = (1e-4, 0.012)
"""Range of `CameraNoise.shot`."""
_OPERATIONS = ("blur", "blur", "reduce", "fit", "noise", "jpeg", "camera")


def sample_shuffled(rng: np.random.Generator, scale: int) -> tuple[Step, ...]:
    """Sample the steps for a final reduction by `scale`."""
    steps: list[Step] = []
    remaining = scale
    if scale == 4 and happens(rng, _FIRST_HALVING):
        is_plain = happens(rng, 0.5)
        steps.append(Resize("picture", 0.5, choose(rng, METHODS)) if is_plain else Reduce(2))
        remaining = 2
    for operation in _shuffle(rng):
        steps += _sample_operation(rng, operation, remaining)
    return (*steps, Jpeg(integer(rng, QUALITY)))


def sample_camera(rng: np.random.Generator, shot: Range = SHOT) -> CameraNoise:
    """Sample the noise of a camera's sensor (Brooks et al., CVPR 2019).

    Args:
        rng: decides.
        shot: range of the shot noise; the read noise depends on it.
    """
    variance = log_uniform(rng, shot)
    spread = rng.normal(0, 0.26)
    read = min(0.05, float(f"{math.exp(2.18 * math.log(variance) + 1.20 + spread):.5g}"))
    return CameraNoise(variance, read, uniform(rng, (1.9, 2.4)), uniform(rng, (1.5, 1.9)))


def _shuffle(rng: np.random.Generator) -> list[str]:
    """Return the operations in random order, "fit" after "reduce"."""
    order = [_OPERATIONS[k] for k in rng.permutation(len(_OPERATIONS))]
    first, second = order.index("reduce"), order.index("fit")
    if first > second:
        order[first], order[second] = order[second], order[first]
    return order


def _sample_operation(rng: np.random.Generator, operation: str, scale: int) -> list[Step]:
    if operation == "blur":
        return [_sample_blur(rng, scale)]
    if operation == "reduce":
        return [_sample_reduction(rng, scale)]
    if operation == "fit":
        return [Resize("output", 1.0, choose(rng, METHODS))]
    if operation == "noise":
        return [_sample_noise(rng)]
    if operation == "jpeg":
        return [Jpeg(integer(rng, QUALITY))] if happens(rng, _JPEG) else []
    return [sample_camera(rng)] if happens(rng, _CAMERA) else []


def _sample_blur(rng: np.random.Generator, scale: int) -> Blur:
    """Sample an isotropic or an anisotropic Gaussian; the axes of the latter are variances."""
    size = choose(rng, KERNEL_SIZES_PX)
    if happens(rng, 0.5):
        variances = (0.5, 4.0 + scale)
        sigma_x, sigma_y = (math.sqrt(uniform(rng, variances)) for _ in range(2))
        return Blur("gaussian", size, sigma_x, sigma_y, uniform(rng, (0, math.pi)), 1.0)
    sigma = uniform(rng, (_MIN_AXIS, 2.0 + 0.2 * scale))
    return Blur("gaussian", size, sigma, sigma, 0.0, 1.0)


def _sample_reduction(rng: np.random.Generator, scale: int) -> Step:
    if happens(rng, _PLAIN_REDUCTION):
        factor = uniform(rng, (1 / (2 * scale), 1.0))
        return Resize("picture", factor, choose(rng, METHODS))
    return Decimate(scale, uniform(rng, (_MIN_AXIS, 0.6 * scale)))


def _sample_noise(rng: np.random.Generator) -> Step:
    """Sample grey, coloured or correlated Gaussian noise."""
    kind = choose(rng, ("grey", "colour", "correlated"), (_GREY, _COLOUR, _CORRELATED))
    if kind != "correlated":
        return GaussianNoise(float(integer(rng, NOISE)), kind == "grey")
    axes = np.linalg.qr(rng.random((3, 3)))[0]
    covariance = np.abs(axes.T @ np.diag(rng.random(3)) @ axes) * NOISE[1] ** 2
    values, vectors = np.linalg.eigh(covariance)
    mixing = vectors * np.sqrt(np.maximum(values, 0))
    return CorrelatedNoise(tuple(float(f"{each:.5g}") for each in mixing.ravel()))
