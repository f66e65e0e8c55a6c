"""Regions of low quality."""

import numpy as np
import pytest

from kinoloom.film.quality.regions import find_poor_regions


def test_region_is_named_although_the_mean_is_good() -> None:
    error = np.full((60, 120), 0.01, np.float32)
    error[40:50, 10:20] = 0.3
    (region,) = find_poor_regions(error, 1200, 600)
    assert str(region) == "lower left (x 100-200, y 400-500)"


def test_thin_object_is_named() -> None:
    error = np.zeros((200, 320), np.float32)
    error[50:150, 100:200] = 0.3
    error[52:148, 102:198] = 0.0  # a frame around nothing
    (region,) = find_poor_regions(error, 640, 400)
    assert str(region) == "centre (x 200-400, y 100-300)"


@pytest.mark.parametrize("size", [(1200, 600), (600, 1200), (30, 1000)])
def test_uniform_error_is_one_region_or_none(size: tuple[int, int]) -> None:
    width, height = size
    assert find_poor_regions(np.full((5, 7), 0.05, np.float32), width, height) == []
    (region,) = find_poor_regions(np.full((5, 7), 0.5, np.float32), width, height)
    assert (region.left, region.top, region.right, region.bottom) == (0, 0, width, height)
    assert region.place == "centre"


def test_worst_regions_come_first() -> None:
    error = np.zeros((120, 120), np.float32)
    for k, value in enumerate((0.2, 0.6, 0.4, 0.3)):
        error[10 + 30 * k : 20 + 30 * k, 10:20] = value
    found = find_poor_regions(error, 120, 120)
    assert [region.top for region in found] == [40, 70, 100, 10]


def test_region_shows_a_mask_of_another_size() -> None:
    error = np.zeros((60, 120), np.float32)
    error[40:50, 10:20] = 0.3
    (region,) = find_poor_regions(error, 1200, 600)
    mask = np.zeros((30, 60), bool)
    mask[20:25, 5:7] = True
    assert region.shows(mask, 1200, 600)
    assert not region.shows(np.roll(mask, 20, axis=1), 1200, 600)
