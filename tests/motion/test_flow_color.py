"""Motion in colour: hue is direction, saturation is speed."""

import colorsys

import numpy as np
import pytest

from kinoloom.motion.flow_color import draw_color_wheel, draw_flow, typical_speed_px


def drawn(x: float, y: float, full_px: float = 10.0) -> tuple[int, ...]:
    """The colour of one motion."""
    flow = np.full((2, 3, 2), (x, y), np.float32)
    image = draw_flow(flow, full_px)
    assert image.shape == (2, 3, 3)
    assert image.dtype == np.uint8
    assert (image == image[0, 0]).all()
    return tuple(int(value) for value in image[0, 0])


@pytest.mark.parametrize(
    ("x", "y", "hue"),
    [(10, 0, 0), (10, 10, 45), (0, 10, 90), (-10, 0, 180), (0, -10, 270), (10, -10, 315)],
)
def test_direction_is_the_hue(x: float, y: float, hue: float) -> None:
    red, green, blue = (value / 255 for value in drawn(x, y))
    made, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    assert made * 360 == pytest.approx(hue, abs=0.5)
    assert (saturation, value) == (1, 1)


def test_hues_match_the_documentation() -> None:
    assert drawn(10, 0) == (255, 0, 0)  # right: red
    assert drawn(-10, 0) == (0, 255, 255)  # left: cyan
    down, up = drawn(0, 10), drawn(0, -10)
    half = pytest.approx(127.5, abs=1)
    assert down == (half, 255, 0)  # yellow-green
    assert up == (half, 0, 255)  # violet


@pytest.mark.parametrize(("speed", "white"), [(0, 255), (2.5, 191), (5, 128), (10, 0), (500, 0)])
def test_speed_is_the_saturation(speed: float, white: int) -> None:
    assert drawn(speed, 0) == (255, pytest.approx(white, abs=1), pytest.approx(white, abs=1))


def test_tiny_motion_is_drawn_white() -> None:
    assert drawn(-1e-30, 1e-30) == (255, 255, 255)


def test_typical_speed_is_the_99th_percentile() -> None:
    flow = np.zeros((10, 100, 2), np.float32)
    flow[..., 0], flow[..., 1] = 3, -4
    flow[0, :9] = 1000
    assert typical_speed_px(flow) == pytest.approx(5)
    assert typical_speed_px(np.full((4, 4, 2), 0.01, np.float32)) == 1


def test_color_wheel_shows_each_direction() -> None:
    key = draw_color_wheel(65)
    assert key.shape == (65, 65, 3)
    assert tuple(key[32, 32]) == (255, 255, 255)
    for row, column, (x, y) in [(32, 63, (1, 0)), (63, 32, (0, 1)), (32, 1, (-1, 0))]:
        expected = np.array(drawn(10 * x * 31 / 32, 10 * y * 31 / 32))
        assert np.abs(key[row, column].astype(int) - expected).max() <= 1
    for corner in (key[0, 0], key[0, -1], key[-1, 0], key[-1, -1]):
        assert tuple(corner) == (255, 255, 255)
