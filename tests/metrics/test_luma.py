"""PSNR and SSIM of luma: values worked out by hand, and the published bicubic rows."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from kinoloom.errors import ArrayError
from kinoloom.metrics import crop_border, psnr_y, resize_bicubic, ssim, ssim_y, to_luma


def fill(color: tuple[int, ...], size: tuple[int, int] = (12, 16)) -> NDArray[np.uint8]:
    return np.full((*size, len(color)), color, np.uint8)


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((0, 0, 0), 16),
        ((255, 255, 255), 235),
        ((255, 0, 0), 16 + 65.481),
        ((0, 255, 0), 16 + 128.553),
        ((0, 0, 255), 16 + 24.966),
        ((255, 255, 255, 0), 235),
    ],
)
def test_luma_of_colors(color: tuple[int, ...], expected: float) -> None:
    luma = to_luma(fill(color))
    assert luma.shape == (12, 16)
    assert luma == pytest.approx(expected, abs=1e-4)


@given(value=st.integers(0, 255))
def test_luma_is_equal_for_all_dtypes(value: int) -> None:
    eight = fill((value, 255 - value, 7))
    sixteen = eight.astype(np.uint16) * 257
    real = eight.astype(np.float32) / np.float32(255)
    assert to_luma(sixteen) == pytest.approx(to_luma(eight), abs=1e-4)
    assert to_luma(real) == pytest.approx(to_luma(eight), abs=1e-4)


def test_psnr_has_a_peak_of_255_on_studio_range() -> None:
    black, white = fill((0, 0, 0)), fill((255, 255, 255))
    assert psnr_y(black, white) == pytest.approx(20 * math.log10(255 / 219), abs=1e-4)
    assert psnr_y(white, white) == math.inf


def test_the_border_does_not_count() -> None:
    truth = fill((90, 90, 90), (40, 30))
    wrong = truth.copy()
    wrong[:3] = wrong[-3:] = wrong[:, :3] = wrong[:, -3:] = 0
    assert psnr_y(wrong, truth, 3) == math.inf
    assert ssim_y(wrong, truth, 3) == pytest.approx(1)
    assert psnr_y(wrong, truth, 2) < 30
    assert ssim_y(wrong, truth, 2) < 0.99


def test_chroma_does_not_count() -> None:
    first, second = fill((255, 0, 0)), fill((0, 0, 0))
    second[..., 1] = round(255 * 65.481 / 128.553)
    assert psnr_y(first, second) > 50


def test_ssim_of_luma_is_ssim_of_a_grey_picture_of_that_luma() -> None:
    rng = np.random.default_rng(3)
    first, second = (rng.integers(0, 256, (20, 24, 3), np.uint8) for _ in range(2))
    greys = [np.repeat(to_luma(each)[..., None] / 255, 3, 2) for each in (first, second)]
    expected = ssim(*(grey.astype(np.float32) for grey in greys))
    assert ssim_y(first, second) == pytest.approx(expected, abs=1e-6)


def test_crop_border_keeps_the_inside() -> None:
    image = np.arange(30).reshape(5, 6)
    assert crop_border(image, 0).shape == (5, 6)
    assert crop_border(image, 2).tolist() == [[14, 15]]


@pytest.mark.parametrize("border", [-1, 3])
def test_borders_that_cannot_be_cropped_are_rejected(border: int) -> None:
    with pytest.raises(ArrayError, match=f"A border of {border} pixels .* from 6x5 pixels"):
        crop_border(np.zeros((5, 6)), border)


@pytest.mark.parametrize("measure", [psnr_y, ssim_y])
def test_pictures_of_different_size_are_rejected(measure: Any) -> None:
    with pytest.raises(ArrayError, match="differ in size: 16x12 and 17x12"):
        measure(fill((1, 1, 1)), fill((1, 1, 1), (12, 17)))


@pytest.mark.parametrize(("scale", "db", "similarity"), [(2, 33.68, 0.9304), (4, 28.43, 0.8113)])
def test_published_rows_of_bicubic(
    shared_data: Path, scale: int, db: float, similarity: float
) -> None:
    folder, scores = shared_data / "enhance" / "set5", []
    for number in range(1, 6):
        truth = np.asarray(Image.open(folder / f"HR/img_{number:03}.png").convert("RGB"))
        name = f"LR_x{scale}/img_{number:03}_SRF_{scale}_LR.png"
        large = resize_bicubic(np.asarray(Image.open(folder / name).convert("RGB")), scale)
        truth = truth[: large.shape[0], : large.shape[1]]
        scores.append((psnr_y(large, truth, scale), ssim_y(large, truth, scale)))
    assert np.mean(scores, axis=0) == pytest.approx([db, similarity], abs=0.02)
    assert np.mean(scores, axis=0)[1] == pytest.approx(similarity, abs=2e-4)
