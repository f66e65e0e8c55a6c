"""Flicker of clips with known motion."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kinoloom.errors import ArrayError
from kinoloom.metrics import measure_flicker

STEP_PX = 3


def pan(count: int, seed: int = 4) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.float32]]]:
    """A pan to the right over a smooth scene, and its flow."""
    rng = np.random.default_rng(seed)
    waves = rng.uniform(0.05, 0.2, (3, 2))
    y, x = np.mgrid[:40, : 60 + STEP_PX * count]
    wide = np.stack([120 + 90 * np.sin(a * x + b * y) for a, b in waves], axis=2)
    frames = [
        wide[:, STEP_PX * k : STEP_PX * k + 60].round().astype(np.uint8) for k in range(count)
    ]
    flow = np.zeros((40, 60, 2), np.float32)
    flow[..., 0] = -STEP_PX
    return frames, [flow] * (count - 1)


def add_offsets(frames: list[NDArray[np.uint8]], offsets: list[int]) -> list[NDArray[np.uint8]]:
    return [
        (frame + offset).astype(np.uint8) for frame, offset in zip(frames, offsets, strict=True)
    ]


def test_pure_motion_does_not_flicker() -> None:
    frames, flows = pan(4)
    assert measure_flicker(frames, frames, flows) < 0.4  # the edge that leaves the picture
    still = [np.zeros_like(flow) for flow in flows]
    assert measure_flicker([frames[0]] * 4, frames, still) == 0


def test_flicker_is_the_change_of_brightness() -> None:
    frames, flows = pan(4)
    plain = measure_flicker(frames, frames, flows)
    for change in (2, 8):
        unsteady = add_offsets(frames, [0, change, 0, change])
        assert measure_flicker(unsteady, frames, flows) == pytest.approx(change, abs=plain + 0.1)
    steady = add_offsets(frames, [9, 9, 9, 9])
    assert measure_flicker(steady, frames, flows) == pytest.approx(plain, abs=1e-4)


def test_noise_raises_flicker() -> None:
    frames, flows = pan(3)
    rng = np.random.default_rng(1)
    found = []
    for sigma in (0, 3, 10):
        noisy = [
            np.clip(np.rint(frame + rng.normal(0, sigma, frame.shape)), 0, 255).astype(np.uint8)
            for frame in frames
        ]
        found.append(measure_flicker(noisy, frames, flows))
    assert found[0] + 2 < found[1] < found[2] - 5


def test_pixels_where_the_truth_changes_do_not_count() -> None:
    truth = [np.full((8, 10, 3), 100, np.uint8) for _ in range(2)]
    truth[1][:, 5:] = 107
    frames = [each.copy() for each in truth]
    frames[1][:, :5] = 104
    flow = np.zeros((8, 10, 2), np.float32)
    assert measure_flicker(frames, truth, [flow]) == pytest.approx(4, abs=1e-4)
    truth[1][:] = 200
    assert np.isnan(measure_flicker(frames, truth, [flow]))


FLAT = [np.zeros((8, 10, 3), np.uint8)] * 2


@pytest.mark.parametrize(
    ("frames", "truth", "flows", "message"),
    [
        (FLAT[:1], FLAT[:1], [], "1 frames, 1 of ground truth and 0 flows"),
        (FLAT, FLAT[:1], [np.zeros((8, 10, 2))], "2 frames, 1 of ground truth and 1 flows"),
        (FLAT, FLAT, [], "and 0 flows"),
        (FLAT, FLAT, [np.zeros((10, 8, 2), np.float32)], "frames and the flow differ in size"),
    ],
)
def test_mismatches_are_rejected(frames: Any, truth: Any, flows: Any, message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        measure_flicker(frames, truth, flows)
