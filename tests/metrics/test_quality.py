"""PSNR and SSIM against values worked out by hand and against scikit-image."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from kinoloom.errors import ArrayError
from kinoloom.metrics import psnr, ssim

MARGIN = 5
"""Half of SSIM's window: scikit-image also scores windows that hang over the edge."""


def flat(value: float, dtype: Any = np.uint8, size: tuple[int, int] = (12, 16)) -> NDArray[Any]:
    return np.full((*size, 3), value, dtype)


def pair(dtype: Any, channels: int = 3) -> tuple[NDArray[Any], NDArray[Any]]:
    """A noisy ramp and the same with more noise."""
    rng = np.random.default_rng(5)
    ramp = np.linspace(0.1, 0.9, 47)[:, None, None] * np.ones((1, 31, channels))
    first, second = (np.clip(ramp + rng.normal(0, s, ramp.shape), 0, 1) for s in (0.03, 0.1))
    if dtype == np.float32:
        return first.astype(dtype), second.astype(dtype)
    top = np.iinfo(dtype).max
    return np.rint(first * top).astype(dtype), np.rint(second * top).astype(dtype)


@pytest.mark.parametrize(
    ("first", "second", "expected_db"),
    [
        (flat(10), flat(20), 20 * math.log10(255 / 10)),
        (flat(0), flat(255), 0.0),
        (flat(0, np.uint16), flat(6553.5, np.uint16), 20 * math.log10(65535 / 6553)),
        (flat(0.25, np.float32), flat(0.75, np.float32), 20 * math.log10(2)),
    ],
)
def test_psnr_of_flat_pictures(
    first: NDArray[Any], second: NDArray[Any], expected_db: float
) -> None:
    assert psnr(first, second) == pytest.approx(expected_db, abs=1e-4)


def test_psnr_of_one_wrong_pixel() -> None:
    wrong = flat(100)
    wrong[3, 7, 1] = 151  # one sample of 12 * 16 * 3 is off by 51/255 = 1/5
    assert psnr(wrong, flat(100)) == pytest.approx(10 * math.log10(12 * 16 * 3 * 25), abs=1e-4)


def test_equal_pictures() -> None:
    first, _ = pair(np.uint8)
    assert psnr(first, first) == math.inf
    assert ssim(first, first) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_psnr_matches_scikit_image(dtype: Any) -> None:
    first, second = pair(dtype)
    top = 1.0 if dtype == np.float32 else float(np.iinfo(dtype).max)
    expected = peak_signal_noise_ratio(
        second.astype(np.float64), first.astype(np.float64), data_range=top
    )
    assert psnr(first, second) == pytest.approx(expected, abs=1e-4)


def test_ssim_of_flat_pictures_is_the_luminance_term() -> None:
    dark, bright, steady = 51 / 255, 102 / 255, 0.01**2
    expected = (2 * dark * bright + steady) / (dark**2 + bright**2 + steady)
    assert ssim(flat(51), flat(102)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_ssim_matches_scikit_image_on_full_windows(dtype: Any, channels: int) -> None:
    first, second = pair(dtype, channels)
    top = 1.0 if dtype == np.float32 else float(np.iinfo(dtype).max)
    _, every = structural_similarity(
        first.astype(np.float64) / top,
        second.astype(np.float64) / top,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        win_size=11,
        channel_axis=2,
        full=True,
    )
    inside = every[MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert ssim(first, second) == pytest.approx(inside.mean(), abs=1e-5)


def test_ssim_is_symmetric() -> None:
    first, second = pair(np.uint8)
    assert ssim(first, second) == pytest.approx(ssim(second, first), abs=1e-12)
    assert psnr(first, second) == pytest.approx(psnr(second, first), abs=1e-9)


def test_the_smallest_picture_has_one_window() -> None:
    assert ssim(flat(0, size=(11, 11)), flat(0, size=(11, 11))) == pytest.approx(1)
    for size in ((10, 40), (40, 10)):
        with pytest.raises(ArrayError, match=rf"at least 11x11 pixels, not {size[1]}x{size[0]}"):
            ssim(flat(0, size=size), flat(0, size=size))


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize(
    ("picture", "truth", "message"),
    [
        (flat(1), flat(1, size=(12, 17)), r"differ .*: \(12, 16, 3\) uint8 and \(12, 17, 3\)"),
        (flat(1), flat(1, np.uint16), "uint8 and .* uint16"),
        (flat(1)[..., 0], flat(1), r"The picture has shape \(12, 16\)"),
        (flat(1), flat(1, np.float64), "The truth has dtype float64"),
        (flat(np.nan, np.float32), flat(1, np.float32), "The picture has NaN"),
    ],
)
def test_pictures_that_cannot_be_compared_are_rejected(
    measure: Any, picture: NDArray[Any], truth: NDArray[Any], message: str
) -> None:
    with pytest.raises(ArrayError, match=message):
        measure(picture, truth)
