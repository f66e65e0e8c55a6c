"""Tests of diagnostics, energy spectra and rollout videos."""

from fractions import Fraction

import numpy as np
import pytest

from kinoloom.clifford.training.diagnostics import (
    compute_diagnostics,
    divergence,
    energy_spectrum,
    index_blades,
)
from kinoloom.clifford.training.video import render_field, render_rollout

SIDE, CELL = 16, 0.5
X, Y = np.meshgrid(np.arange(SIDE) * CELL, np.arange(SIDE) * CELL, indexing="ij")
K = 2 * np.pi / (SIDE * CELL)


def test_index_blades_counts_along_the_blade_axis() -> None:
    assert index_blades((1, 1), (0, 1)) == {0: [0], 1: [1, 2]}
    assert index_blades((1, 1, 1), (1, 2)) == {1: [0, 1, 2], 2: [3, 4, 5]}


def test_diagnostics_of_waves_match_exact_values() -> None:
    """s = 3 + sin x, u = (cos 2x, 0): energies (9 + 1/2) / 2 and 1/4, divergence -2k sin 2x."""
    zero = 0 * X
    state = np.stack([3 + np.sin(K * X), np.cos(2 * K * X), zero])
    quantities = compute_diagnostics(np.stack([state, 2 * state]), (1, 1), (0, 1), CELL)
    np.testing.assert_allclose(quantities["mean of the scalar"], [3, 6])
    np.testing.assert_allclose(quantities["energy of grade 0"], [4.75, 19])
    np.testing.assert_allclose(quantities["energy of grade 1"], [0.25, 1])
    np.testing.assert_allclose(quantities["divergence"], [2 * K / 2**0.5, 4 * K / 2**0.5])
    slope = divergence(np.stack([np.sin(K * X), np.sin(3 * K * Y)])[None], CELL)[0]
    np.testing.assert_allclose(slope, K * np.cos(K * X) + 3 * K * np.cos(3 * K * Y), atol=1e-12)
    turning = divergence(np.stack([np.sin(K * Y), np.sin(K * X)])[None], CELL)
    np.testing.assert_allclose(turning, 0, atol=1e-12)


def test_energy_spectrum_has_peaks_at_wave_numbers() -> None:
    field = np.stack([2 * np.sin(3 * K * X), np.cos(4 * K * Y), np.cos(3 * K * X + 4 * K * Y)])
    one, other = energy_spectrum(field[None], [0]), energy_spectrum(field[None], [1, 2])
    assert one.shape == (SIDE // 2 + 1,)
    np.testing.assert_allclose(one, [0, 0, 0, 1, 0, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(other, [0, 0, 0, 0, 0.25, 0.25, 0, 0, 0], atol=1e-12)
    total = energy_spectrum(field[None], [0, 1, 2]).sum()
    assert total == pytest.approx((field**2).sum(0).mean() / 2)


def test_colours_encode_sign_and_direction() -> None:
    scalar = np.zeros((1, 4, 3), np.float32)
    scalar[0, 3, 2], scalar[0, 0, 0] = 1, -1
    drawn = render_field(scalar, 1.0)
    assert drawn.shape == (3, 4, 3)
    red, blue = drawn[0, 3].astype(int), drawn[2, 0].astype(int)  # axis 0 right, axis 1 up
    assert red[0] > red[2] + 100
    assert blue[2] > blue[0] + 100
    assert (drawn[1, 1] == 255).all()
    vectors = np.zeros((2, 2, 2), np.float32)
    vectors[0, 0, 0] = 1  # right: red
    vectors[0, 1, 0] = -1  # left: cyan
    drawn = render_field(vectors, 1.0)
    assert drawn[1, 0].tolist() == [255, 0, 0]
    assert drawn[1, 1].tolist() == [0, 255, 255]
    assert (drawn[0] == 255).all()
    cube = np.zeros((3, 4, 4, 4), np.float32)
    cube[:, :, :, 2] = 1  # only the middle slice is shown
    assert (render_field(cube, 3**0.5) == 0).all()
    assert (render_field(cube[..., ::-1].copy(), 3**0.5) == 255).all()


@pytest.mark.parametrize(
    ("signature", "grades", "shape"),
    [((1, 1), (0, 1), (3, 3, 8, 10)), ((1, 1, 1), (1, 2), (2, 6, 6, 6, 6))],
)
def test_video_shows_truth_prediction_and_difference(
    signature: tuple[int, ...], grades: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    truth = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    clip = render_rollout(truth, truth.copy(), signature, grades, Fraction(5))
    frames = list(clip)
    assert len(frames) == shape[0]
    assert frames[1].time == Fraction(1, 5)
    assert clip.width % 2 == clip.height % 2 == 0
    rows, third = len(grades), clip.width // 3

    def without_words(image: np.ndarray) -> np.ndarray:
        return np.concatenate([row[24:] for row in np.split(image, rows)])

    body = without_words(frames[-1].image)
    np.testing.assert_array_equal(body[:, :third], body[:, third : 2 * third])
    difference = body[:, 2 * third : 3 * third]
    assert (difference == 255).all(), "nothing is wrong, so nothing is drawn"
    other = without_words(list(render_rollout(truth, -truth, signature, grades))[-1].image)
    assert (other[:, 2 * third : 3 * third] != 255).any()
