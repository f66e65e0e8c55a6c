"""Debanding and its dither."""

import cv2
import numpy as np
import pytest
from filter_pictures import build_scene

from kinoloom.enhance.filters.deband import Deband
from kinoloom.enhance.filters.dither import tile_dither
from kinoloom.enhance.filters.filter import Context, apply

SIZE = (192, 256)


def build_gradient() -> np.ndarray:
    """A gradient of 12 levels of 8 bits."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    plane = (90 + 8 * columns / SIZE[1] + 4 * rows / SIZE[0]) / 255
    return np.repeat(plane[..., None], 3, axis=2).astype(np.float32)


def quantize(picture: np.ndarray, step: int) -> np.ndarray:
    return (np.rint(picture * (255 / step)) * step).astype(np.uint8)


def low_frequency_error(picture: np.ndarray, truth: np.ndarray) -> float:
    """What remains visible from some distance: the error after a blur, in 8-bit levels."""
    blurred = cv2.GaussianBlur(picture.astype(np.float32) / 255 - truth, (0, 0), 4)
    return float(np.sqrt((blurred**2).mean()) * 255)


@pytest.mark.parametrize("step", [1, 2])
def test_steps_of_a_gradient_disappear(step: int) -> None:
    truth = build_gradient()
    banded = quantize(truth, step)
    result = apply(banded, [Deband(threshold=1.5 * step, radius=16 * step)])
    assert low_frequency_error(result, truth) < 0.4 * low_frequency_error(banded, truth)


def test_more_bits_need_no_dither() -> None:
    truth = build_gradient()
    banded = quantize(truth, 1).astype(np.uint16) * 257
    smooth = apply(banded, [Deband(dither=False)]).astype(np.float64) / 65535
    assert np.abs(smooth - truth)[16:-16, 16:-16].max() * 255 < 0.3
    dithered = apply(banded, [Deband()], Context(bits=10)).astype(np.float64) / 65535
    assert 0.2 < np.abs(dithered - smooth).max() * 1023 < 0.52


def test_steep_gradients_keep_their_slope() -> None:
    columns = np.arange(256, dtype=np.float32)[None, :, None]
    steep = np.broadcast_to(0.1 + 0.003 * columns, (96, 256, 3)).astype(np.float32)
    result = Deband(dither=False)(steep)
    np.testing.assert_allclose(result[:, 20:-20], steep[:, 20:-20], atol=1e-4)


def test_edges_and_texture_are_not_touched() -> None:
    scene = build_gradient()
    scene[60:130, 80:90] = 0.9
    rng = np.random.default_rng(1)
    scene[:40, :40] += rng.uniform(-0.03, 0.03, (40, 40, 3)).astype(np.float32)
    result = Deband(dither=False)(scene)
    assert (result[62:128, 82:88] == scene[62:128, 82:88]).all()
    assert (result[4:32, 4:32] == scene[4:32, 4:32]).all()


def test_without_a_number_of_bits_there_is_no_dither() -> None:
    banded = quantize(build_gradient(), 1) / np.float32(255)
    one = Deband()
    assert (one(banded, Context(bits=None)) == Deband(dither=False)(banded)).all()
    assert (one(banded, Context(bits=8)) != one(banded, Context(bits=None))).any()


def test_dither_depends_on_position_and_seed_only() -> None:
    banded = quantize(build_gradient(), 1)
    results = [
        apply(banded, [Deband()], Context(frame=frame, seed=seed))
        for frame, seed in ((0, 1), (5, 1), (0, 2))
    ]
    assert (results[0] == results[1]).all()
    assert (results[0] != results[2]).any()


def test_dither_is_uniform_and_has_no_low_frequencies() -> None:
    pattern = tile_dither((128, 128), (0, 0), 3)
    counts, _ = np.histogram(pattern[..., 0], bins=10, range=(-0.5, 0.5))
    assert np.abs(counts / counts.mean() - 1).max() < 0.02
    power = np.abs(np.fft.fft2(pattern[..., 0])) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    low, high = power[(frequency > 0) & (frequency < 0.1)], power[frequency > 0.3]
    assert low.mean() < 0.05 * high.mean()
    assert abs(np.corrcoef(pattern[..., 0].ravel(), pattern[..., 1].ravel())[0, 1]) < 0.05


def test_dither_continues_from_tile_to_tile() -> None:
    whole = tile_dither((300, 300), (0, 0), 3)
    assert (tile_dither((60, 50), (200, 130), 3) == whole[200:260, 130:180]).all()


def test_noisy_scenes_are_left_alone() -> None:
    scene = build_scene()
    assert (Deband()(scene) == scene).all()
