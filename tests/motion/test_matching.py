"""Bringing photos together: camera motion, likeness of scenes, light, size."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinoloom.errors import ArrayError, UsageError
from kinoloom.motion import camera
from kinoloom.motion.camera import global_motion
from kinoloom.motion.exposure import Gain
from kinoloom.motion.matching import (
    align_pictures,
    apply_gain,
    common_size,
    convert,
    exposure_gain,
    fit,
    same_scene,
)

Array = NDArray[np.uint8]
WIDE, HIGH = 320, 240


def scene(seed: int) -> Array:
    """A picture of things large and small, larger than what a camera sees of it.

    Like in photos, contrast grows with size, and things have edges.
    """
    rng = np.random.default_rng(seed)
    picture = np.full((540, 720, 3), 128.0)
    for cell in (4, 8, 16, 32, 64, 128):
        coarse = rng.normal(0, 2 + cell / 4, (540 // cell + 2, 720 // cell + 2, 3))
        picture += cv2.resize(coarse, (720, 540), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        x, y, width, height = rng.integers(0, (720, 540, 90, 90))
        picture[y : y + height, x : x + width] += rng.normal(0, 35, 3)
    return np.clip(picture, 10, 245).astype(np.uint8)


def seen(picture: Array, motion: NDArray[np.float64]) -> Array:
    """What a camera sees whose pixels lie at `motion` of the picture's."""
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(picture, motion, (WIDE, HIGH), flags=flags)


def pose(
    x: float = 200, y: float = 150, degrees: float = 0, zoom: float = 1
) -> NDArray[np.float64]:
    """A camera whose middle is at (x + 160, y + 120), turned and zoomed about it."""
    turn = np.vstack([cv2.getRotationMatrix2D((WIDE / 2, HIGH / 2), degrees, zoom), [0, 0, 1]])
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]]) @ turn


def lit(image: Array, gain: float | list[float]) -> Array:
    """The picture in another light."""
    values = apply_gain((image / 255).astype(np.float32), np.float32(np.ones(3) * gain))
    return np.rint(255 * values).astype(np.uint8)


POSES = {
    "still": pose(),
    "shift of 30 %": pose(x=296, y=160),
    "turn and zoom": pose(x=210, degrees=12, zoom=0.85),
    "tilt": pose() @ np.array([[1, 0, 0], [0, 1, 0], [3e-4, 1e-4, 1]]),
}


@pytest.mark.parametrize("name", POSES)
def test_global_motion_of_a_camera(name: str) -> None:
    first, second = seen(scene(0), pose()), seen(scene(0), POSES[name])
    second = lit(second, 0.6)
    second[60:130, 200:270] = scene(5)[:70, :70]  # something else came in
    motion = global_motion(first, second)
    assert motion is not None
    truth = np.linalg.inv(POSES[name]) @ pose()
    corners = np.array([[[0, 0], [WIDE, 0], [WIDE, HIGH], [0, HIGH]]], np.float32)
    apart = cv2.perspectiveTransform(corners, motion) - cv2.perspectiveTransform(corners, truth)
    assert np.abs(apart).max() < 2.5


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_global_motion_of_any_kind_and_size(dtype: str) -> None:
    first, second = seen(scene(0), pose()), seen(scene(0), pose(x=230))
    if dtype == "float32":
        other = (second / 255).astype(np.float32)
    else:
        other = np.dstack([second.astype(np.uint16) * 257, np.full((HIGH, WIDE), 65535, np.uint16)])
    other = cv2.resize(other, (640, 480), interpolation=cv2.INTER_CUBIC).clip(0, None)
    other = np.minimum(other, 1) if dtype == "float32" else other
    motion = global_motion(first, other)
    x, y, w = motion @ [160, 120, 1]
    assert np.allclose([x / w, y / w], [2 * (160 - 30) + 0.5, 240.5], atol=1.5)


@pytest.mark.parametrize(
    "second",
    [seen(scene(9), pose()), np.full((HIGH, WIDE, 3), 90, np.uint8), np.zeros((1, 1, 3), np.uint8)],
    ids=["other scene", "plain", "one pixel"],
)
def test_no_global_motion(second: Array) -> None:
    first = seen(scene(0), pose())
    assert global_motion(first, second) is None
    assert global_motion(second, first) is None


def test_pixels_are_counted_at_their_centres() -> None:
    first = seen(scene(0), pose())
    motion = global_motion(first, cv2.resize(first, None, fx=4, fy=4))
    x, y, w = motion @ [160, 120, 1]
    assert np.allclose([x / w, y / w], [641.5, 481.5], atol=0.5)


@pytest.mark.parametrize(
    "motion",
    [
        np.diag([-1.0, 1, 1]),  # mirrored
        np.diag([6.0, 6, 1]),  # six times as near
        np.array([[1, 0, 0], [0, 1, 0], [-1 / WIDE, 0, 1]]),  # an edge of it beside the camera
        np.array([[1, 1, 0], [0, 0.01, 0], [0, 0, 1]]),  # nearly a line
    ],
)
def test_implausible_homographies_are_rejected(
    monkeypatch: pytest.MonkeyPatch, motion: NDArray[np.float64]
) -> None:
    first = seen(scene(0), pose())
    assert global_motion(first, first) is not None
    monkeypatch.setattr(camera, "_fit", lambda *_: motion)
    assert global_motion(first, first) is None


def with_subject(image: Array, x: int, seed: int = 40) -> Array:
    """The picture with a quarter of it covered by something at `x`."""
    image = image.copy()
    image[80:240, x : x + 110] = scene(seed)[100:260, 100:210]
    return image


BASE = seen(scene(1), pose())
SKY = (np.linspace(0, 1, HIGH)[:, None, None] * [60, 40, 20] + [100, 150, 220]).repeat(WIDE, 1)


def noisy(picture: NDArray[np.float64], seed: int) -> Array:
    noise = np.random.default_rng(seed).normal(0, 2, SKY.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def noisy_sky(seed: int) -> Array:
    return noisy(SKY, seed)


def wall(grey: int, seed: int) -> Array:
    return noisy(np.full(SKY.shape, grey), seed)


def barred(image: Array) -> Array:
    """The picture between the black bars of a film."""
    image = image.copy()
    image[:60], image[-60:] = 0, 0
    return image


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (BASE, BASE),
        (BASE, lit(BASE, 2.0)),
        (BASE, lit(BASE, [0.5, 0.4, 0.35])),
        (BASE, seen(scene(1), POSES["shift of 30 %"])),
        (BASE, seen(scene(1), POSES["turn and zoom"])),
        (with_subject(BASE, 20), with_subject(BASE, 150)),
        (cv2.GaussianBlur(BASE, (0, 0), 6), cv2.GaussianBlur(seen(scene(1), pose(204)), (0, 0), 6)),
        (noisy_sky(0), noisy_sky(1)),
        (noisy_sky(0), lit(noisy_sky(1), 0.8)),
        (wall(120, 0), wall(130, 1)),
        (barred(BASE), barred(seen(scene(1), POSES["turn and zoom"]))),
        (BASE, cv2.resize(BASE, (500, 300))),
    ],
)
def test_same_scene(first: Array, second: Array) -> None:
    match = same_scene(first, second)
    assert match.same
    assert 0.1 <= match.score <= 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (BASE, seen(scene(2), pose())),
        (lit(BASE, 0.5), lit(seen(scene(3), pose()), 1.5)),
        (barred(BASE), barred(seen(scene(5), pose()))),
        (BASE, noisy_sky(0)),
        (noisy_sky(0), np.full((HIGH, WIDE, 3), 20, np.uint8)),
        (wall(60, 0), wall(200, 1)),
        (BASE, np.ascontiguousarray(BASE[::-1])),
    ],
)
def test_different_scenes(first: Array, second: Array) -> None:
    match = same_scene(first, second)
    assert not match.same
    assert 0 <= match.score < 0.1


def estimate_gain(first: Array, second: Array) -> Gain:
    return exposure_gain(align_pictures(first, second))


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (15, 17), (401, 3)])
def test_small_and_odd_sizes_can_be_compared(size: tuple[int, int]) -> None:
    image = cv2.resize(BASE, size)
    assert same_scene(image, image).same
    assert np.allclose(estimate_gain(image, image), 1, atol=1e-3)


def test_only_pictures_are_compared() -> None:
    for compare in (same_scene, estimate_gain, global_motion):
        with pytest.raises(ArrayError, match="second picture"):
            compare(BASE, BASE[..., 0])


@pytest.mark.parametrize("gain", [[1, 1, 1], [1.5, 1.5, 1.5], [0.5, 0.55, 0.6], [1.3, 1, 0.8]])
@pytest.mark.parametrize("motion", ["still", "shift of 30 %", "turn and zoom"])
def test_exposure_gain(gain: list[float], motion: str) -> None:
    second = lit(with_subject(seen(scene(1), POSES[motion]), 150), gain)
    found = estimate_gain(with_subject(BASE, 20), second)
    assert found.shape == (3,)
    assert found.dtype == np.float32
    assert np.abs(np.log(found) - np.log(gain)).max() < 0.05


def test_exposure_gain_needs_evidence_and_has_bounds() -> None:
    other = lit(seen(scene(2), pose()), 2)
    assert np.array_equal(estimate_gain(BASE, other), np.ones(3))
    black = np.zeros_like(BASE)
    assert np.array_equal(estimate_gain(BASE, black), np.ones(3))
    glimpse = np.zeros_like(BASE)
    glimpse[100:140, 100:140] = BASE[100:140, 100:140]
    assert np.array_equal(estimate_gain(glimpse, lit(glimpse, 2)), np.ones(3))
    dim = (BASE * 0.5).astype(np.uint8)
    assert estimate_gain(dim, lit(dim, 8)).max() <= 4


def test_clipped_highlights_do_not_count() -> None:
    burnt = np.clip(BASE.astype(float) * 2, 0, 255).astype(np.uint8)
    gain = estimate_gain(burnt, BASE)
    assert (gain > 0.2).all()
    assert (gain < 0.6).all()


COLOURS = st.floats(0, 1, width=32)
GAINS = st.floats(0.25, 4)


@given(COLOURS, GAINS, st.floats(-2, 2), st.floats(-2, 2))
@settings(max_examples=200, deadline=None)
def test_gains_add_up(value: float, gain: float, one: float, two: float) -> None:
    image = np.full((1, 1, 3), value, np.float32)
    gains = np.float32([gain, 1, 1 / gain])
    twice = apply_gain(apply_gain(image, gains, one), gains, two)
    once = apply_gain(image, gains, one + two)
    assert once.dtype == np.float32
    assert once.min() >= 0
    assert once.max() <= 1
    # What was lit to within rounding of white cannot be told apart again.
    loss = 2e-7 * max(gain, 1 / gain) ** (2 * abs(one) + 2 * abs(two) + 2)
    assert np.abs(twice - once).max() <= 1e-5 + loss


def test_gain_keeps_black_white_alpha_and_order() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    image = np.stack([ramp, ramp, ramp, ramp[::-1]], axis=1)[None]
    for power in (-1, 0, 0.5, 1):
        result = apply_gain(image, np.float32([4, 1, 0.25]), power)
        assert np.array_equal(result[..., 3], image[..., 3])
        assert np.array_equal(result[0, 0, :3], [0, 0, 0])
        assert np.allclose(result[0, -1, :3], 1, atol=1e-6)
        assert (np.diff(result[0, :, :3], axis=0) > 0).all()
    assert np.array_equal(apply_gain(image, np.float32([4, 1, 0.25]), 0), image)
    white = np.ones((1, 1, 3), np.float32)
    assert all(apply_gain(white, np.full(3, g)).max() <= 1 for g in np.linspace(0.25, 4, 500))


@pytest.mark.parametrize(
    ("sizes", "limit", "expected"),
    [
        ([(640, 480)], None, (640, 480)),
        ([(641, 481)], None, (641, 481)),
        ([(641, 481), (641, 482)], None, (640, 480)),
        ([(4000, 3000), (2000, 1500)], None, (2000, 1500)),
        ([(2000, 1500), (4000, 3000)], 1000, (1000, 750)),
        ([(2000, 1500), (1500, 2000)], None, (1500, 1124)),
        ([(1500, 2000), (2000, 1500)], None, (1124, 1500)),
        ([(16000, 4000)], 3840, (3840, 960)),
        ([(100, 100)], 58, (58, 58)),
        ([(1, 1)], None, (1, 1)),
        ([(1, 900)], None, (1, 900)),
        ([(300, 3)], 30, (30, 1)),
    ],
)
def test_common_size(
    sizes: list[tuple[int, int]], limit: int | None, expected: tuple[int, int]
) -> None:
    assert common_size(sizes, limit) == expected


sides = st.integers(1, 5000)


@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=4), st.integers(2, 6000))
def test_common_size_enlarges_no_photo(sizes: list[tuple[int, int]], limit: int) -> None:
    width, height = common_size(sizes, limit)
    assert max(width, height) <= limit
    assert all(width <= w and height <= h for w, h in sizes)
    if len(set(sizes)) > 1:
        assert all(side % 2 == 0 or side == 1 for side in (width, height))
    wide, high = sizes[0]
    if min(width, height) > 20:
        assert abs(Fraction(width, height) / Fraction(wide, high) - 1) < 0.11


@pytest.mark.parametrize(("sizes", "limit"), [([], 100), ([(0, 5)], 100), ([(5, 5)], 1)])
def test_no_common_size(sizes: list[tuple[int, int]], limit: int) -> None:
    with pytest.raises(UsageError):
        common_size(sizes, limit)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", [(320, 240), (100, 75), (640, 480), (50, 150), (1, 1), (319, 239)])
def test_fit(size: tuple[int, int], channels: int, dtype: str) -> None:
    image = convert(BASE, channels, np.dtype(dtype))
    fitted = fit(image, *size)
    assert fitted.shape == (size[1], size[0], channels)
    assert fitted.dtype == dtype
    middle = fitted.astype(float).mean(axis=(0, 1)) / {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    if size[0] > 100:
        assert np.abs(middle[:3] - BASE.mean(axis=(0, 1)) / 255).max() < 0.01


def test_fit_crops_about_the_middle() -> None:
    image = np.zeros((60, 100, 3), np.uint8)
    image[10:50, 30:70] = 200
    assert fit(image, 40, 60)[30, 20, 0] == 200
    half = fit(image, 20, 30)  # the middle 40 columns, halved
    assert np.array_equal(half[:, :, 0], fit(image, 40, 60)[::2, ::2, 0])
    assert np.array_equal(fit(BASE, 319, 239), BASE[:239, :319])
    assert np.array_equal(fit(BASE, 320, 240), BASE)


def test_shrinking_averages() -> None:
    board = np.zeros((80, 80, 3), np.uint8)
    board[::2, ::2], board[1::2, 1::2] = 200, 200
    assert np.array_equal(fit(board, 20, 20), np.full((20, 20, 3), 100))


def test_enlarging_stays_in_range() -> None:
    board = np.zeros((8, 8, 3), np.float32)
    board[:, 4:] = 1
    enlarged = fit(board, 32, 32)
    assert enlarged.min() == 0
    assert enlarged.max() == 1


def test_transparent_pixels_do_not_bleed() -> None:
    image = np.zeros((40, 40, 4), np.uint8)
    image[:, :20] = [255, 0, 0, 0]
    image[:, 20:] = [0, 0, 255, 255]
    fitted = fit(image, 7, 7)
    shown = fitted[fitted[..., 3] > 0]
    assert shown[:, 0].max() == 0
    assert shown[:, 2].min() == 255


def test_fit_and_convert_refuse() -> None:
    with pytest.raises(UsageError, match="0x10"):
        fit(BASE, 0, 10)
    with pytest.raises(ArrayError, match="shape"):
        fit(BASE[..., :2], 10, 10)
    with pytest.raises(UsageError, match="3 or 4 channels"):
        convert(BASE, 1, np.dtype(np.uint8))


def test_convert() -> None:
    image = np.array([[[10, 20, 30, 255], [200, 100, 50, 51]]], np.uint8)
    assert convert(image, 4, image.dtype) is image
    assert convert(image, 3, image.dtype).tolist() == [[[10, 20, 30], [40, 20, 10]]]
    deep = convert(image[..., :3], 4, np.dtype(np.uint16))
    assert deep[0, 0].tolist() == [2570, 5140, 7710, 65535]
