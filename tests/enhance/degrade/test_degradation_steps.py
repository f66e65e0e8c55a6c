"""Single steps of degradations, each on pictures that show what it does."""

import math

import cv2
import numpy as np
import pytest
from degraded_pictures import draw_scene
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.base.arrays import to_float
from kinoloom.enhance.degrade.steps.blur import Blur, Sharpen, Sinc, Smooth
from kinoloom.enhance.degrade.steps.camera import CameraNoise
from kinoloom.enhance.degrade.steps.jpeg import Jpeg
from kinoloom.enhance.degrade.steps.noise import CorrelatedNoise, GaussianNoise, PoissonNoise
from kinoloom.enhance.degrade.steps.resize import Decimate, Reduce, Resize
from kinoloom.enhance.degrade.steps.step import Floats, Step, Surroundings
from kinoloom.enhance.degrade.steps.tape import Tape

QUIET_TAPE = Tape(
    luma_lines=240,
    chroma_lines=40,
    chroma_shift=0.0,
    peaking=0.0,
    luma_noise=0.0,
    chroma_noise=0.0,
    jitter=0.0,
    switching_rows=0,
    dropouts=0.0,
)
STEPS: tuple[Step, ...] = (
    Blur("gaussian", 7, 1.2, 0.6, 0.3, 1.0),
    Blur("plateau", 21, 2.0, 2.0, 0.0, 1.5),
    Sinc(13, 1.5),
    Smooth(1.5, 0.05),
    Sharpen(1.0, 1.0),
    Resize("picture", 0.7, "area"),
    Resize("output", 1.0, "bicubic"),
    Reduce(2),
    Decimate(2, 0.8),
    GaussianNoise(12.0),
    CorrelatedNoise((9.0, 3.0, 1.0, 3.0, 8.0, 2.0, 1.0, 2.0, 7.0)),
    PoissonNoise(1.5),
    CameraNoise(0.004, 1e-5, 2.1, 1.7),
    Jpeg(40),
    Tape(230, 35, 0.004, 0.8, 6.0, 9.0, 8e-4, 7, 0.5),
)


def surround(height: int = 36, width: int = 48, seed: int = 3) -> Surroundings:
    return Surroundings((height, width), np.random.default_rng(seed))


def grey_field(level: float, side: int = 96) -> Floats:
    return np.full((side, side, 3), level, np.float32)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_step_repeats_itself_and_keeps_its_input(step: Step) -> None:
    image = to_float(draw_scene())
    before = image.copy()
    first, second = step.apply(image, surround()), step.apply(image, surround())
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(image, before)
    assert first.dtype == np.float32
    assert first.shape[2] == 3
    assert not (first.shape == image.shape and np.array_equal(first, image))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (5, 3)])
def test_a_step_takes_the_smallest_pictures(step: Step, shape: tuple[int, int]) -> None:
    image = to_float(draw_scene(*shape))
    result = step.apply(image, surround(*shape))
    assert min(result.shape) >= 1
    assert np.isfinite(result).all()


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 3))
def test_resizing_rounds_down_to_at_least_one_pixel(height: int, width: int, factor: float) -> None:
    image = to_float(draw_scene(height, width))
    result = Resize("picture", factor, "bilinear").apply(image, surround())
    assert result.shape == (max(1, int(height * factor)), max(1, int(width * factor)), 3)


def test_resizing_to_the_output_ignores_the_size_of_the_picture() -> None:
    image = to_float(draw_scene(31, 57))
    assert Resize("output", 1.0, "area").apply(image, surround(20, 10)).shape[:2] == (20, 10)


def test_decimation_keeps_the_picture_in_place() -> None:
    ramp = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None, :, None], 64, axis=0)
    image = np.repeat(ramp, 3, axis=2)
    reduced = Decimate(4, 1.5).apply(image, surround())
    expected = cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(reduced[2:-3, 2:-3], expected[2:-3, 2:-3], atol=2e-3)


def test_gaussian_noise_has_its_sigma_and_is_grey_on_request() -> None:
    noise = GaussianNoise(10.0).apply(grey_field(0.5), surround()) - 0.5
    assert noise.std() * 255 == pytest.approx(10, rel=0.02)
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.05
    grey = GaussianNoise(10.0, is_grey=True).apply(grey_field(0.5), surround()) - 0.5
    assert grey.std() * 255 == pytest.approx(10, rel=0.03)
    np.testing.assert_allclose(grey[..., 0], grey[..., 1])


def test_poisson_noise_follows_its_formula() -> None:
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    image = np.repeat(np.repeat(levels[None, :, None], 400, axis=0), 3, axis=2)
    noise = PoissonNoise(1.0).apply(image, surround()) - image
    spread = noise.std(axis=(0, 2))
    for level in (32, 64, 128):
        expected = math.sqrt(level / 255 / 256)  # 256 different levels
        assert spread[level] == pytest.approx(expected, rel=0.05)


def test_poisson_noise_is_stronger_with_fewer_levels() -> None:
    flat = PoissonNoise(0.2).apply(grey_field(0.5), surround()) - np.rint(0.5 * 255) / 255
    assert flat.std() == pytest.approx(0.2 * math.sqrt(0.5), rel=0.05)


def test_correlated_noise_has_the_covariance_of_its_matrix() -> None:
    step = CorrelatedNoise((9.0, 0.0, 0.0, 6.0, 3.0, 0.0, 1.0, 2.0, 5.0))
    noise = (step.apply(grey_field(0.5, 256), surround()) - 0.5).reshape(-1, 3) * 255
    mixing = np.reshape(step.mixing, (3, 3))
    np.testing.assert_allclose(np.cov(noise.T), mixing @ mixing.T, atol=2)


@given(st.floats(0.1, 0.9), st.floats(1, 3), st.floats(1, 3))
def test_a_noiseless_sensor_keeps_even_colours(level: float, red: float, blue: float) -> None:
    image = np.broadcast_to(np.float32([level, level / 2, 0.8]), (17, 23, 3))
    result = CameraNoise(0.0, 0.0, red, blue).apply(image, surround())
    assert result.shape == image.shape
    np.testing.assert_allclose(result, image, atol=2e-3)


def test_sensor_noise_is_coarser_in_red_and_blue_than_in_green() -> None:
    noise = CameraNoise(0.002, 1e-5, 2.2, 1.8).apply(grey_field(0.5), surround()) - 0.5
    spread = noise.std(axis=(0, 1))
    assert spread[0] > 1.15 * spread[1]
    red, green = (
        np.corrcoef(noise[:, 1:, k].ravel(), noise[:, :-1, k].ravel())[0, 1] for k in (0, 1)
    )
    assert red > green + 0.1


def test_jpeg_is_that_of_libjpeg_with_half_chroma() -> None:
    image = to_float(draw_scene())
    result = Jpeg(50).apply(image, surround())
    bgr = draw_scene()[..., ::-1]
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    expected = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]
    np.testing.assert_array_equal(np.rint(result * 255), expected)


def test_tape_blurs_only_along_the_lines() -> None:
    image = np.zeros((96, 256, 3), np.float32)
    image[48:, :] = 1.0
    np.testing.assert_allclose(QUIET_TAPE.apply(image, surround()), image, atol=0.01)


def test_tape_blurs_chroma_more_than_luma() -> None:
    bars = np.where(np.arange(256) % 8 < 4, 1, -1)[None, :, None] * np.ones((96, 1, 1))
    luma = (0.5 + 0.2 * bars * np.ones(3)).astype(np.float32)
    chroma = (0.5 + 0.2 * bars * np.array([1.14, -0.581, 0.0])).astype(np.float32)

    def find_contrast(image: Floats, *, in_red: bool) -> float:
        row = image[48, 64:192]
        return float(np.ptp(row[:, 0] - row[:, 2] if in_red else row[:, 2]))

    played_luma, played = (QUIET_TAPE.apply(image, surround()) for image in (luma, chroma))
    assert find_contrast(played_luma, in_red=False) > 0.9 * find_contrast(luma, in_red=False)
    assert find_contrast(played, in_red=True) < 0.6 * find_contrast(chroma, in_red=True)


def test_tape_delays_chroma() -> None:
    image = np.full((96, 256, 3), 0.3, np.float32)
    image[:, 128:, 0] = 0.7

    def find_edge(shift: float) -> float:
        tape = Tape(**{**vars(QUIET_TAPE), "chroma_shift": shift})
        played = tape.apply(image, surround())[48]
        difference = played[:, 0] - played[:, 1]
        return float(np.interp(difference.mean(), difference, np.arange(256)))

    assert find_edge(0.02) - find_edge(0.0) == pytest.approx(0.02 * 256, abs=2)


def test_tape_skews_only_the_last_lines() -> None:
    image = np.zeros((480, 128, 3), np.float32)
    image[:, 64:] = 1.0
    still = QUIET_TAPE.apply(image, surround())
    skewed = Tape(**{**vars(QUIET_TAPE), "switching_rows": 8}).apply(image, surround())
    moved = np.abs(skewed - still).max(axis=(1, 2)) > 0.01
    assert not moved[:472].any()
    assert moved[-4:].all()
