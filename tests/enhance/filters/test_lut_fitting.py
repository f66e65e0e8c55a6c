"""LUTs derived from a picture before and after an edit."""

import numpy as np
import pytest
from filter_pictures import build_scene, to_dtype

from kinoloom.enhance.filters.lut.fitting import fit_lut
from kinoloom.enhance.filters.lut.interpolation import apply_lut
from kinoloom.enhance.filters.lut.tables import ColorLut, identity_lut
from kinoloom.errors import ArrayError


def grade(picture: np.ndarray) -> np.ndarray:
    """A gamma, a mix of channels and a tint."""
    bent = picture**1.3
    mixed = bent @ np.array([[0.8, 0.2, 0], [0.1, 0.75, 0], [0, 0.05, 0.75]])
    return np.asarray(mixed + np.array([0.03, 0, 0.02]), np.float32)


def build_colors(seed: int) -> np.ndarray:
    """Smoothly changing colours that fill most of the cube."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:160, :160] / 160
    waves = [
        0.5 + 0.48 * np.sin(2 * np.pi * (a * rows + b * columns + c))
        for a, b, c in rng.uniform(-3, 3, (3, 3))
    ]
    return np.stack(waves, axis=2).astype(np.float32)


def test_a_smooth_edit_is_found() -> None:
    before, other = build_colors(1), build_colors(2)
    lut = ColorLut(lattice=fit_lut(before, grade(before)))
    error = np.abs(apply_lut(before, lut) - grade(before))
    assert error.mean() < 1.5 / 255
    transferred = np.abs(apply_lut(other, lut) - grade(other))
    assert transferred.mean() < 3 / 255
    assert np.abs(other - grade(other)).mean() > 20 / 255


def test_noise_in_the_pictures_is_averaged() -> None:
    before = build_colors(1)
    noisy = grade(before) + np.random.default_rng(5).normal(0, 0.03, before.shape)
    lut = fit_lut(before, np.clip(noisy, 0, 1).astype(np.float32))
    error = apply_lut(before, ColorLut(lattice=lut)) - grade(before)
    assert np.sqrt((error**2).mean()) < 0.012


def test_equal_pictures_give_the_identity() -> None:
    scene = to_dtype(build_scene(), np.uint8)
    assert np.abs(fit_lut(scene, scene).table - identity_lut(17).table).max() == 0


def test_colors_without_data_keep_close_to_the_identity() -> None:
    dark = build_scene() * np.float32(0.15)
    lut = fit_lut(dark, dark * np.float32(1.5))
    change = np.abs(lut.table - identity_lut(17).table)
    assert change[0:3, 0:3, 0:3].max() > 0.02
    assert change[-1, -1, -1].max() < change[0:3, 0:3, 0:3].max()
    assert np.isfinite(lut.table).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_dtypes_agree(dtype: type) -> None:
    before = build_colors(3)
    after = np.clip(grade(before), 0, 1)
    exact = fit_lut(before, after).table
    rounded = fit_lut(to_dtype(before, dtype), to_dtype(after, dtype)).table
    np.testing.assert_allclose(rounded, exact, atol=0.02)


def test_one_color_is_enough() -> None:
    before = np.full((4, 4, 3), 0.5, np.float32)
    lut = ColorLut(lattice=fit_lut(before, before * np.float32(1.2)))
    assert np.isfinite(lut.lattice.table).all() if lut.lattice else False
    assert 0.5 < apply_lut(before, lut)[0, 0, 0] <= 0.6


def test_wrong_arguments_are_rejected() -> None:
    scene = build_scene()
    with pytest.raises(ArrayError, match=r"same size, not \(96, 128\) and \(96, 127\)"):
        fit_lut(scene, scene[:, 1:])
    with pytest.raises(ArrayError, match="size must be from 2 to 65"):
        fit_lut(scene, scene, size=1)
    with pytest.raises(ArrayError, match="smoothness above 0"):
        fit_lut(scene, scene, smoothness=0)
