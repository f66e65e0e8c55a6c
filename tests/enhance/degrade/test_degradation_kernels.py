"""Blur kernels: sums, symmetry, shapes, and the sinc filter against SciPy's Bessel function."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import j1

from kinoloom.enhance.degrade.kernels import (
    build_gaussian,
    build_plateau,
    build_shifted_gaussian,
    build_sinc,
)

SIZES = st.sampled_from(range(7, 22, 2))
SIGMAS = st.floats(0.2, 4)
ANGLES = st.floats(-math.pi, math.pi)


@given(SIZES, SIGMAS, SIGMAS, ANGLES, st.floats(0.5, 4))
def test_blur_kernels_are_non_negative_and_sum_to_1(
    size: int, sigma_x: float, sigma_y: float, angle: float, beta: float
) -> None:
    for build in (build_gaussian, build_plateau):
        kernel = build(size, sigma_x, sigma_y, angle, beta)
        assert kernel.shape == (size, size)
        assert kernel.sum() == pytest.approx(1, abs=1e-5)
        assert kernel.min() >= 0
        np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)


@given(SIZES, st.floats(math.pi / 5, math.pi))
def test_sinc_kernels_sum_to_1_and_match_the_bessel_function(size: int, cutoff: float) -> None:
    kernel = build_sinc(size, cutoff)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    line = np.arange(size) - size // 2
    radius = np.hypot(*np.meshgrid(line, line))
    radius[radius == 0] = 1e-9
    expected = cutoff * j1(cutoff * radius) / (2 * math.pi * radius)
    np.testing.assert_allclose(kernel, expected / expected.sum(), atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 0.5, math.pi / 2, -2.0])
def test_gaussian_has_its_covariance(angle: float) -> None:
    """The first axis turns from right to down."""
    kernel = build_gaussian(31, 3.0, 1.0, angle).astype(float)
    x, y = np.meshgrid(np.arange(31) - 15, np.arange(31) - 15)
    found = [[(kernel * a * b).sum() for a in (x, y)] for b in (x, y)]
    axes = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    np.testing.assert_allclose(found, axes @ np.diag([9.0, 1.0]) @ axes.T, atol=0.05)


def test_beta_changes_the_tails() -> None:
    tails = [build_gaussian(21, 2.0, 2.0, 0.0, beta)[10, 20] for beta in (0.5, 1.0, 4.0)]
    assert tails[0] > 100 * tails[1]
    assert tails[1] > 100 * tails[2]


def test_plateau_is_flatter_than_a_gaussian() -> None:
    plateau, gaussian = build_plateau(21, 3, 3, 0, 2), build_gaussian(21, 3, 3)
    assert plateau[10, 12] / plateau[10, 10] > gaussian[10, 12] / gaussian[10, 10]


def test_shifted_gaussian_has_its_centre_between_pixels() -> None:
    kernel = build_shifted_gaussian(25, 2.0, 1.5).astype(float)
    line = np.arange(25) - 12
    assert (kernel.sum(axis=0) * line).sum() == pytest.approx(1.5, abs=1e-3)
    assert (kernel.sum(axis=1) * line).sum() == pytest.approx(1.5, abs=1e-3)
