"""Training regions of the fusion network, from real frames."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from kinoloom.film.synthesis.fusion import COARSE_SOURCES, SOURCES
from kinoloom.film.train.samples.regions import REGION_PX, extract_regions
from kinoloom.learn.data.source import FrameTriplet

STEP_PX = 5
"""Motion from each frame to the next."""


def draw_pan(height: int, width: int, step: int) -> FrameTriplet:
    photo = data.astronaut()  # type: ignore[no-untyped-call]
    noise = np.random.default_rng(0).normal(0, 4, (3, height, width, 3))
    frames = [
        np.clip(photo[:height, k * step : k * step + width] + noise[k], 0, 255) for k in range(3)
    ]
    first, middle, last = (np.asarray(np.rint(frame), np.uint8) for frame in frames)
    return FrameTriplet((first, middle, last), 0.5, "pan")


def find_offset(part: NDArray[np.uint8], whole: NDArray[np.uint8]) -> tuple[int, int]:
    places = np.argwhere((whole[..., :] == part[0, 0]).all(axis=-1))
    fitting = [
        (int(top), int(left))
        for top, left in places
        if np.array_equal(whole[top : top + len(part), left : left + part.shape[1]], part)
    ]
    assert len(fitting) == 1
    return fitting[0]


def test_regions_of_large_frames_show_their_motion() -> None:
    triplet = draw_pan(400, 480, STEP_PX)
    regions = list(extract_regions(triplet, np.random.default_rng(1)))
    assert len(regions) == 2
    places = [find_offset(region.truth, triplet.frames[1]) for region in regions]
    assert all(top % 2 == left % 2 == 0 for top, left in places)
    for region in regions:
        assert region.truth.shape == (REGION_PX, REGION_PX, 3)
        assert len(region.before) == (SOURCES if region.is_fine else COARSE_SOURCES)
        assert np.median(region.speeds[0]) == pytest.approx(2 * STEP_PX, rel=0.1)
        assert np.abs(region.before[0] * 255 - region.truth).mean() < 12


@pytest.mark.parametrize(("height", "width", "step"), [(254, 400, STEP_PX), (300, 400, 0)])
def test_small_or_still_frames_give_no_region(height: int, width: int, step: int) -> None:
    triplet = draw_pan(height, width, step)
    if step == 0:
        triplet = FrameTriplet((triplet.frames[0],) * 3, 0.5, "still")
    assert list(extract_regions(triplet, np.random.default_rng(1))) == []
