"""Splatting: flows arrive where they lead, trusted ones count more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kinoloom.motion.splat import project

ROWS, COLUMNS = 5, 9
SPEEDS = st.floats(-99, 99, width=32, allow_subnormal=False)
FLOWS = arrays(np.float32, (ROWS, COLUMNS, 2), elements=SPEEDS)
WEIGHTS = arrays(np.float32, (ROWS, COLUMNS), elements=st.floats(0.125, 8, width=32))


def still() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((ROWS, COLUMNS, 2), np.float32), np.ones((ROWS, COLUMNS), np.float32)


@given(FLOWS, WEIGHTS)
def test_projection_at_time_0_is_the_identity(flow: np.ndarray, weight: np.ndarray) -> None:
    found, arrived = project(flow, 0, weight)
    np.testing.assert_allclose(found, flow, rtol=1e-6)
    np.testing.assert_allclose(arrived, weight)


@given(FLOWS, WEIGHTS, st.floats(0, 1))
def test_projection_preserves_weight(flow: np.ndarray, weight: np.ndarray, time: float) -> None:
    found, arrived = project(flow, time, weight)
    assert found.dtype == arrived.dtype == np.float32
    assert arrived.min() >= 0
    assert arrived.sum() <= weight.sum() * (1 + 1e-5)
    assert np.abs(found).max() <= np.abs(flow).max() * (1 + 1e-5)


@pytest.mark.parametrize(("time", "columns"), [(1.0, 4), (0.5, 2), (0.25, 1)])
def test_whole_pixel_shift_leaves_a_hole(time: float, columns: int) -> None:
    flow, weight = still()
    flow[..., 0] = 4
    found, arrived = project(flow, time, weight)
    assert not arrived[:, :columns].any()
    assert not found[:, :columns].any()
    np.testing.assert_array_equal(arrived[:, columns:], 1)
    np.testing.assert_array_equal(found[:, columns:], flow[:, columns:])


def test_half_a_step_spreads_over_both_pixels() -> None:
    flow, weight = still()
    flow[2, 4] = (1, 0)
    weight[:] = 1e-6
    weight[2, 4] = 1
    _, arrived = project(flow, 0.5, weight)
    np.testing.assert_allclose(arrived[2, 4:6], 0.5, atol=1e-5)


def test_rows_and_columns_are_not_mixed_up() -> None:
    flow, weight = still()
    flow[1, 2] = (3, 2)
    weight[1, 2] = 1000
    found, _ = project(flow, 1, weight)
    np.testing.assert_allclose(found[3, 5], (3, 2), rtol=2e-3)


def test_better_matched_pixel_wins() -> None:
    flow, weight = still()
    flow[2, 1] = (3, 0)  # arrives at column 4, whose own flow is 0
    weight[2, 1], weight[2, 4] = 9, 1
    found, arrived = project(flow, 1, weight)
    np.testing.assert_allclose(found[2, 4], (2.7, 0))
    assert arrived[2, 4] == 10


@pytest.mark.parametrize("direction", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_pixels_that_leave_the_frame_are_dropped(direction: tuple[int, int]) -> None:
    flow, weight = still()
    flow[:] = np.float32(direction) * 50
    assert not project(flow, 1, weight)[1].any()
