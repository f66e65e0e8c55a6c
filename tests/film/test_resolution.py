"""Where the flow network runs at full size."""

import cv2
import numpy as np
import pytest

from kinoloom.film.synthesis.resolution import (
    find_fine_cells,
    measure_detail,
    plan_tiles,
    refine_motion,
)
from kinoloom.motion.flow import Field
from kinoloom.motion.flow_network import MidpointFlow


def noise(height: int, width: int) -> Field:
    return np.random.default_rng(0).uniform(0, 255, (height, width, 3)).astype(np.float32)


def moving(height: int, width: int, speed_px: float) -> MidpointFlow:
    """Return a motion at half size that is `speed_px` pixels at full size."""
    motion = np.full((height // 2, width // 2, 2), (speed_px / 2, 0), np.float32)
    return MidpointFlow(motion, motion.copy(), np.full((height // 2, width // 2), 0.5, np.float32))


def test_detail_is_what_half_the_size_loses() -> None:
    fine = noise(128, 128)
    assert measure_detail(fine).min() > 30
    assert measure_detail(cv2.GaussianBlur(fine, (0, 0), 4)).max() < 1


def test_fine_texture_that_moves_little_needs_full_size() -> None:
    picture = cv2.GaussianBlur(noise(256, 320), (0, 0), 4)
    picture[64:128, 128:192] = noise(64, 64)
    calm = find_fine_cells(picture, picture, moving(256, 320, 5))
    assert calm.shape == (4, 5)
    assert np.argwhere(calm).tolist() == [[1, 2]]
    assert not find_fine_cells(picture, picture, moving(256, 320, 30)).any()


def test_tiles_cover_the_fine_cells_and_are_bounded() -> None:
    is_fine = np.zeros((8, 30), bool)
    assert plan_tiles(is_fine, 500, 1900) == []
    is_fine[2:4, 3] = is_fine[7, 29] = True
    boxes = plan_tiles(is_fine, 500, 1900)
    assert boxes == [
        (slice(128, 256), slice(192, 256)),
        (slice(448, 500), slice(1856, 1900)),
    ]
    is_fine[...] = True
    covered = np.zeros((500, 1900), int)
    for box in plan_tiles(is_fine, 500, 1900):
        covered[box] += 1
        assert covered[box].shape[1] <= 640
    assert (covered == 1).all()


class Constant:
    """A flow network that reports one motion, and records the sizes it was run on."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def __call__(self, first: Field, second: Field) -> MidpointFlow:
        self.sizes.append(first.shape)
        motion = np.full((*first.shape[:2], 2), 9, np.float32)
        return MidpointFlow(motion, motion.copy(), np.ones(first.shape[:2], np.float32))


@pytest.mark.parametrize("shape", [(200, 300), (201, 333)])
def test_motion_is_refined_inside_the_boxes_only(shape: tuple[int, int]) -> None:
    network, picture = Constant(), noise(*shape)
    box = (slice(64, 128), slice(64, 192))
    coarse = moving(*shape, 4)
    result, presence = refine_motion(network, picture, picture, coarse, [box])  # type: ignore[arg-type]
    assert (presence[box] == 1).all()
    assert not presence[:30, :30].any()
    assert network.sizes == [(128, 192, 3)]
    assert result.before.shape == (*shape, 2)
    assert (result.before[box] == 9).all()
    assert (result.share[box] == 1).all()
    np.testing.assert_allclose(result.before[:30, :30, 0], 4, rtol=0.02)
    assert (np.abs(np.diff(result.before[..., 0], axis=0)) < 0.5).all()
