"""JPEG quality from files and pixels, and blockiness."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from natural_scenes import add_gaussian, compress, decode, draw_natural, to_bytes
from PIL import Image

from kinoloom.enhance.estimate.blocks import estimate_blockiness, find_grid
from kinoloom.enhance.estimate.jpeg import (
    build_luma_table,
    estimate_jpeg_quality,
    read_jpeg_quality,
)
from kinoloom.enhance.estimate.levels import to_grey_levels
from kinoloom.errors import UnreadableMediaError


@settings(max_examples=15, deadline=None)
@given(quality=st.integers(20, 95), seed=st.integers(0, 20))
def test_quality_is_found_in_pixels(quality: int, seed: int) -> None:
    picture = decode(compress(to_bytes(draw_natural(seed)), quality))
    assert estimate_jpeg_quality(picture) == pytest.approx(quality, abs=2)


def test_clipped_blocks_do_not_mislead() -> None:
    vivid = to_bytes(draw_natural(1, low=-200, high=400))
    assert estimate_jpeg_quality(decode(compress(vivid, 40))) == 40


def test_grid_of_a_cropped_picture_is_found() -> None:
    picture = decode(compress(to_bytes(draw_natural(2)), 50))[3:, 6:]
    assert find_grid(to_grey_levels(picture)) == (5, 2)
    assert estimate_jpeg_quality(picture) == 50


@pytest.mark.parametrize("kind", ["clean", "noisy", "resized", "flat", "tiny"])
def test_no_trace_of_compression(kind: str) -> None:
    picture = to_bytes(draw_natural(3))
    once = decode(compress(picture, 60))
    pictures = {
        "clean": picture,
        "noisy": add_gaussian(once.astype(np.float64), 8),
        "resized": np.asarray(Image.fromarray(once).resize((251, 190), Image.Resampling.BICUBIC)),
        "flat": np.full((64, 64, 3), 90, np.uint8),
        "tiny": np.zeros((5, 300, 3), np.uint8),
    }
    assert estimate_jpeg_quality(pictures[kind]) is None


@pytest.mark.parametrize("quality", [1, 20, 50, 75, 95, 100])
def test_quality_of_a_file_is_that_of_its_tables(tmp_path: Path, quality: int) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(compress(to_bytes(draw_natural(4, 48, 64)), quality))
    assert read_jpeg_quality(file) == quality
    with Image.open(file) as image:
        assert image.quantization[0] == build_luma_table(quality).tolist()  # type: ignore[attr-defined]


def test_other_files_have_no_quality(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    assert read_jpeg_quality(tmp_path / "a.png") is None
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    with pytest.raises(UnreadableMediaError, match=r"b\.jpg cannot be read"):
        read_jpeg_quality(tmp_path / "b.jpg")


def test_blockiness_rises_with_compression() -> None:
    picture = to_bytes(draw_natural(5))
    found = [estimate_blockiness(decode(compress(picture, q))) for q in (95, 60, 30, 10)]
    assert abs(estimate_blockiness(picture)) < 0.3
    assert found == sorted(found)
    assert found[-1] > 2
    assert np.isnan(estimate_blockiness(np.zeros((23, 300, 3), np.uint8)))
