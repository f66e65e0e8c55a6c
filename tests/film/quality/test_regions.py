"""Regions of low quality."""

import numpy as np

from kinoloom.film.quality.regions import find_poor_regions, may_be_poor

WIDTH, HEIGHT = 1200, 600


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Return a mask (60, 120) of boxes (top, bottom, left, right)."""
    made = np.zeros((60, 120), bool)
    for top, bottom, left, right in boxes:
        made[top:bottom, left:right] = True
    return made


def test_region_is_named_although_the_mean_is_good() -> None:
    error = np.full((60, 120), 0.01, np.float32)
    error[40:50, 10:20] = 0.3
    assert may_be_poor(error)
    (region,) = find_poor_regions(mask((40, 50, 10, 20)), error, WIDTH, HEIGHT)
    assert str(region) == "lower left (x 100-200, y 400-500)"


def test_thin_object_is_named() -> None:
    frame = mask((10, 50, 40, 80)) & ~mask((12, 48, 42, 78))
    error = np.where(frame, 0.15, 0.01).astype(np.float32)
    (region,) = find_poor_regions(frame, error, WIDTH, HEIGHT)
    assert str(region) == "centre (x 400-800, y 100-500)"


def test_large_error_that_the_motion_explains_is_no_region() -> None:
    error = np.full((60, 120), 0.3, np.float32)
    assert find_poor_regions(mask(), error, WIDTH, HEIGHT) == []


def test_change_without_an_error_is_no_region() -> None:
    error = np.full((30, 60), 0.05, np.float32)
    assert not may_be_poor(error)
    assert find_poor_regions(mask((0, 60, 0, 120)), error, WIDTH, HEIGHT) == []


def test_small_change_is_no_region() -> None:
    error = np.full((60, 120), 0.3, np.float32)
    assert find_poor_regions(mask((10, 15, 10, 16)), error, WIDTH, HEIGHT) == []


def test_worst_regions_come_first() -> None:
    boxes = [(5 + 15 * k, 13 + 15 * k, 10, 20) for k in range(3)]
    error = np.zeros((60, 120), np.float32)
    for box, value in zip(boxes, (0.2, 0.6, 0.4), strict=True):
        error[mask(box)] = value
    found = find_poor_regions(mask(*boxes), error, WIDTH, HEIGHT)
    assert [region.top for region in found] == [200, 350, 50]
