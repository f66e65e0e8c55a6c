"""Flow: found at any size, resized, checked both ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scenes import texture, view

from kinoloom.errors import ArrayError
from kinoloom.motion.dense_flow import dense_flow
from kinoloom.motion.flow import (
    camera_flow,
    consistency,
    pixel_grid,
    resize_flow,
    sample,
    scale_homography,
)

TURN = np.array([[0.98, -0.17, 9.0], [0.17, 0.98, -4.0], [1e-4, 2e-4, 1.0]])
FLOWS = arrays(np.float32, (4, 5, 2), elements=st.floats(-9, 9, width=32))


def constant(x: float, y: float, height: int = 6, width: int = 8) -> np.ndarray:
    return np.full((height, width, 2), (x, y), np.float32)


def grey_view(x: float, y: float) -> np.ndarray:
    return np.ascontiguousarray(view(texture(3), x, y, (160, 120))[..., 1])


@pytest.mark.parametrize("shift", [(0, 0), (3, 0), (-2.5, 4), (11, -7)])
def test_dense_flow_of_a_shift(shift: tuple[float, float]) -> None:
    first, second = grey_view(60, 60), grey_view(60 - shift[0], 60 - shift[1])
    found = dense_flow(first, second, None)[20:-20, 20:-20]
    assert np.median(np.abs(found - np.float32(shift))) < 0.1


def test_initial_flow_finds_large_motion() -> None:
    first, second = grey_view(20, 60), grey_view(110, 60)
    start = constant(-88, 1, 120, 160)
    seen_in_both = np.s_[20:-20, 100:-10]
    assert np.median(np.abs(dense_flow(first, second, start)[seen_in_both] - [-90, 0])) < 0.1
    assert np.median(np.abs(dense_flow(first, second, None)[seen_in_both] - [-90, 0])) > 5


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (50, 3), (31, 33)])
def test_flow_of_small_pictures_has_their_size(size: tuple[int, int]) -> None:
    grey = np.zeros(size, np.uint8)
    for start in (None, np.zeros((*size, 2), np.float32)):
        np.testing.assert_array_equal(dense_flow(grey, grey, start), np.zeros((*size, 2)))


def test_opposite_flows_are_consistent() -> None:
    np.testing.assert_allclose(consistency(constant(2, -1), constant(-2, 1)), 1, rtol=1e-6)


def test_the_formula_of_consistency() -> None:
    found = consistency(constant(2, 0), constant(-1, 0))
    np.testing.assert_allclose(found, np.exp(-1 / (0.01 * 5 + 0.5)), rtol=1e-5)


def test_occluded_pixels_are_inconsistent() -> None:
    forward, backward = constant(0, 0), constant(0, 0)
    backward[:, 5:] = (30, 0)  # what is there in the second picture came from elsewhere
    found = consistency(forward, backward)
    assert found[:, :5].min() == 1
    assert found[:, 5:].max() < 1e-6


@given(FLOWS, FLOWS)
def test_consistency_is_between_0_and_1(forward: np.ndarray, backward: np.ndarray) -> None:
    found = consistency(forward, backward)
    assert found.shape == (4, 5)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("shapes", [((4, 5, 2), (5, 4, 2)), ((4, 5, 3),) * 2, ((4, 2),) * 2])
def test_consistency_rejects_other_shapes(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ArrayError, match=r"shape \(height, width, 2\)"):
        consistency(*(np.zeros(shape, np.float32) for shape in shapes))


def test_pixel_grid_counts_columns_and_rows() -> None:
    grid = pixel_grid(2, 3, top=5)
    np.testing.assert_array_equal(grid[..., 0], [[0, 1, 2]] * 2)
    np.testing.assert_array_equal(grid[..., 1], [[5] * 3, [6] * 3])


def test_sampling_is_bilinear_and_repeats_edges() -> None:
    field = np.array([[0, 10], [20, 30]], np.float32)
    at = np.array([[(0, 0), (0.5, 0), (0.5, 0.5), (-9, 0), (9, 9)]], np.float32)
    np.testing.assert_allclose(sample(field, at), [[0, 5, 15, 0, 30]])


def test_resized_flow_is_scaled_to_its_size() -> None:
    np.testing.assert_allclose(resize_flow(constant(2, 3, 4, 8), 12, 16), constant(4, 9, 12, 16))


@pytest.mark.parametrize("ratios", [(0.5, 0.5), (0.25, 0.7)])
def test_scaled_homography_maps_the_same_points(ratios: tuple[float, float]) -> None:
    def moved(motion: np.ndarray, point: np.ndarray) -> np.ndarray:
        x, y, w = motion @ [*point, 1]
        return np.array([x / w, y / w])

    def small(point: np.ndarray) -> np.ndarray:
        return (point + 0.5) * ratios - 0.5

    for point in np.array([(0, 0), (31, 7), (12.5, 90)]):
        found = moved(scale_homography(TURN, *ratios), small(point))
        np.testing.assert_allclose(found, small(moved(TURN, point)), atol=1e-9)


def test_camera_flow_follows_the_homography() -> None:
    flow = camera_flow(TURN, 20, 30)
    x, y, w = TURN @ [17, 5, 1]
    np.testing.assert_allclose(flow[5, 17], [x / w - 17, y / w - 5], atol=1e-4)
