"""Colours survive the way from the decoder through pictures to the encoder."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from make import make

import kinoloom
from kinoloom.base.clip import Color, Frame
from kinoloom.media.frames.exact import ExactPicture, read_exact
from kinoloom.media.frames.reformat import reformat_yuv
from kinoloom.media.video.color import to_exact, to_native, to_picture
from kinoloom.media.video.planes import find_layout, join_planes, split_planes

COLORS = [Color(matrix=matrix, full_range=full) for matrix in (1, 6, 9) for full in (False, True)]


def codes_of(native: av.VideoFrame) -> list[Any]:
    return split_planes(native, find_layout(native.format.name))


def yuv_cube(step: int, bits: int) -> av.VideoFrame:
    """Return a frame with every `step`th code of each component."""
    axis = np.append(np.arange(0, 1 << bits, step), (1 << bits) - 1)
    axis = axis.astype(np.uint8 if bits == 8 else np.uint16)
    planes = [plane.reshape(axis.size, -1) for plane in np.meshgrid(axis, axis, axis)]
    pix_fmt = "yuv444p" if bits == 8 else f"yuv444p{bits}le"
    return join_planes(planes, axis.size**2, axis.size, find_layout(pix_fmt))


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize(("bits", "step"), [(8, 2), (10, 21)])
def test_the_yuv_cube_comes_back_exactly(color: Color, bits: int, step: int) -> None:
    """Also codes that no RGB colour has."""
    native = yuv_cube(step, bits)
    back = to_native(to_exact(native, color), native.format.name, color)
    for before, after in zip(codes_of(native), codes_of(back), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("color", COLORS)
def test_exact_colours_are_those_of_the_picture(color: Color) -> None:
    native = yuv_cube(8, 8)
    exact = to_exact(native, color)
    assert exact.dtype == np.float32
    assert exact.min() < -0.3 < 1.3 < exact.max()
    rounded = np.rint(np.clip(exact, 0, 1) * 255)
    assert np.abs(rounded - to_picture(native, color)).max() <= 1  # at halves


@pytest.mark.parametrize("color", COLORS)
def test_the_rgb_cube_comes_back_within_a_level(color: Color) -> None:
    """Through codes of 10 bits; those of 8 are coarser than RGB."""
    axis = np.append(np.arange(0, 256, 3), 255).astype(np.uint8)
    planes = np.meshgrid(axis, axis, axis)
    image = np.stack(planes, -1).reshape(axis.size, -1, 3)
    native = to_native(image, "yuv444p10le", color)
    back = np.rint(np.clip(to_exact(native, color), 0, 1) * 255)
    assert np.abs(back - image).max() <= 1


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p"])
def test_deeper_codes_come_back(pix_fmt: str, *, full_range: bool) -> None:
    rng = np.random.default_rng(3)
    layout = find_layout(pix_fmt)
    empty = av.VideoFrame(35, 21, pix_fmt)
    planes = [rng.integers(0, 256, p.shape, np.uint8) for p in split_planes(empty, layout)]
    native = join_planes(planes, 35, 21, layout)
    deep = reformat_yuv(native, f"{pix_fmt}10le", (36, 22), full_range=full_range)
    assert deep is not None
    back = reformat_yuv(deep, pix_fmt, (36, 22), full_range=full_range)
    assert back is not None
    for before, after in zip(planes, codes_of(back), strict=True):
        height, width = before.shape
        assert np.array_equal(before, after[:height, :width])
        assert np.array_equal(after[-1, :width], before[-1])  # the edge is repeated


def dark_reds(number: int, width: int, height: int) -> Any:
    """Draw dark saturated colours, with noise that differs from frame to frame."""
    rng = np.random.default_rng(number)
    image = np.zeros((height, width, 3), np.int16)
    image[..., 0] = np.linspace(10, 90, width)
    image[: height // 2, :, 2] = np.linspace(60, 5, width)
    return np.clip(image + rng.integers(-6, 7, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("engine", ["deep", "fast"])
def test_new_frames_of_a_still_scene_keep_its_brightness(tmp_path: Path, engine: str) -> None:
    """The mean of luma and chroma is that of the neighbours, to 0.1 level."""
    options = {"crf": "14"}
    source = make(tmp_path / "a.mp4", frames=5, size=(96, 64), draw=dark_reds, options=options)
    film = kinoloom.interpolate(source, engine=engine)
    kinoloom.write(film, tmp_path / "b.mkv", codec="ffv1")
    with av.open(str(tmp_path / "b.mkv")) as file:
        means = np.array([[plane.mean() for plane in codes_of(f)] for f in file.decode(video=0)])
    assert len(means) == 10
    new, around = means[1:-1:2], (means[:-2:2] + means[2::2]) / 2
    assert np.abs(new - around).max() < 0.1


def test_frames_that_pass_through_are_copied(tmp_path: Path) -> None:
    video = {"frames": 4, "size": (48, 32), "draw": dark_reds}
    source = make(tmp_path / "a.mkv", codec="ffv1", pix_fmt="yuv420p", **video)
    kinoloom.write(kinoloom.interpolate(source, engine="fast"), tmp_path / "b.mkv", codec="ffv1")
    decoded = [[np.array(p) for p in codes_of(f)] for f in _decode(source)]
    made = [[np.array(p) for p in codes_of(f)] for f in _decode(tmp_path / "b.mkv")]
    for before, after in zip(decoded, made[::2], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def _decode(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as file:
        return list(file.decode(video=0))


def test_pictures_replaced_by_a_user_have_no_older_colours() -> None:
    native = yuv_cube(64, 8)
    frame = Frame(to_picture(native, Color()), Fraction(0), Fraction(1), native)
    assert read_exact(frame, Color()) is not None
    changed = Frame(255 - frame.image, Fraction(0), Fraction(1))
    assert read_exact(changed, Color()) is None
    exact = np.full((2, 2, 3), -0.1, np.float32)
    held = Frame(np.zeros((2, 2, 3), np.uint8), Fraction(0), native=ExactPicture(lambda: exact))
    assert read_exact(held, Color()) is exact
