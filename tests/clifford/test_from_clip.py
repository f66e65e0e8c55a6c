"""Tests of the conversion of clips to fields."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import kinoloom
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.files import NoOptions
from kinoloom.clifford.fields.files import FIELDS_FILES
from kinoloom.clifford.fields.from_clip import build_multivectors, choose_grid_size
from kinoloom.clifford.ops import from_clip
from kinoloom.errors import InputChangedError, UnreadableMediaError, UsageError

SIDE = 128
RATE = Fraction(10)


def create_texture() -> np.ndarray:
    noise = np.random.default_rng(2).uniform(0, 255, (4 * SIDE, 4 * SIDE)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    low, high = np.percentile(smooth, [1, 99])
    return np.clip((smooth - low) / (high - low), 0, 1).astype(np.float32)


def create_moving_clip(
    motion: np.ndarray, count: int = 5, width: int = SIDE, height: int = SIDE
) -> Clip:
    """Return a clip of a texture, moved about the centre by a 2 x 3 matrix per frame, y down."""
    source, frames = create_texture(), []
    to_middle = np.eye(3)
    to_middle[:2, 2] = (width / 2, height / 2)
    step = np.eye(3)
    step[:2] = motion
    for k in range(count):
        at = to_middle @ np.linalg.matrix_power(step, k) @ np.linalg.inv(to_middle)
        middle = np.eye(3)
        middle[:2, 2] = -1.5 * SIDE
        drawn = cv2.warpAffine(source, (at @ middle)[:2], (width, height))
        image = np.rint(255 * drawn).astype(np.uint8)[..., None].repeat(3, axis=2)
        frames.append(Frame(image, k / RATE, 1 / RATE))
    return Clip.from_frames(frames, rate=RATE)


def crop_interior(plane: np.ndarray) -> np.ndarray:
    return plane[..., 8:-8, 8:-8]


def test_translation_becomes_velocity() -> None:
    """3 px right and 2 px up in 0.1 s, with cells of 4 px."""
    fields = from_clip(create_moving_clip(np.array([[1, 0, 3.0], [0, 1, -2.0]])), cells=32, steps=4)
    assert (fields.count, fields.shape, fields.step_s) == (1, (4, 4, 32, 32), 0.1)
    assert fields.blades == ("1", "e1", "e2", "e12")
    _, u1, u2, curl = np.moveaxis(crop_interior(fields[0]), 1, 0)
    assert np.median(u1) == pytest.approx(3 / 4 * 10, rel=0.05)
    assert np.median(u2) == pytest.approx(2 / 4 * 10, rel=0.05)
    assert np.median(np.abs(curl)) < 0.3


def test_curl_of_rotation_is_twice_the_angular_velocity() -> None:
    angle = 0.04  # anticlockwise, per frame
    cos, sin = np.cos(angle), np.sin(angle)
    fields = from_clip(
        create_moving_clip(np.array([[cos, sin, 0], [-sin, cos, 0]])), cells=64, steps=2
    )
    assert fields.count == 2
    for trajectory in fields:
        assert np.median(crop_interior(trajectory[:, 3])) == pytest.approx(2 * angle * 10, rel=0.08)


def test_brightness_is_oriented_right_and_up() -> None:
    grey = np.zeros((40, 80), np.uint8)
    grey[:20, 60:] = 255  # upper right corner
    field = build_multivectors(grey, np.zeros((40, 80, 2), np.float32), 16, 8)
    assert field.shape == (4, 16, 8)
    assert field[0, 12:, 4:].min() == 1
    assert field[0].sum() == 16
    assert not field[1:].any()


def test_trajectories_are_consecutive_and_lazy() -> None:
    clip = create_moving_clip(np.array([[1, 0, 1.0], [0, 1, 0.0]]), count=8)
    starts: list[Fraction] = []

    def read(start: Fraction) -> object:
        starts.append(start)
        return clip.read(start)

    fields = from_clip(clip.with_(read=read), cells=32, steps=3)
    assert fields.count == 2
    assert starts == []
    one = from_clip(clip, cells=32, steps=6)[0]
    np.testing.assert_array_equal(np.concatenate([fields[0], fields[1]]), one)
    assert starts == [Fraction(1, 20), Fraction(7, 20)]
    assert from_clip(clip.with_(frame_count=None), cells=32, steps=3).count == 2


@pytest.mark.parametrize(
    ("size", "cells", "expected"),
    [((1920, 1080), 64, (64, 36)), ((100, 400), 32, (8, 32)), ((50, 50), 64, (64, 64))],
)
def test_grid_size_keeps_the_aspect_ratio(
    size: tuple[int, int], cells: int, expected: tuple[int, int]
) -> None:
    assert choose_grid_size(*size, cells) == expected


def test_unsuitable_clips_are_refused() -> None:
    clip = create_moving_clip(np.eye(3)[:2], count=3)
    with pytest.raises(UsageError, match="constant frame rate"):
        from_clip(clip.with_(rate=None))
    with pytest.raises(UsageError, match="constant frame rate"):
        from_clip(clip.with_(stills=True))
    with pytest.raises(UsageError, match="3 frames: a trajectory of 3 time steps needs 4"):
        from_clip(clip, steps=3)
    short = from_clip(clip.with_(frame_count=9), steps=4)
    with pytest.raises(UnreadableMediaError, match="ends before frame 5"):
        short[0]


def test_command_converts_a_video(tmp_path: Path) -> None:
    video, path = tmp_path / "in.mp4", tmp_path / "field.npz"
    kinoloom.write(create_moving_clip(np.array([[1, 0, 2.0], [0, 1, 0.0]])), video)
    line = [sys.executable, "-m", "kinoloom", "fields", "from-clip", str(video), "-o", str(path)]
    done = subprocess.run(
        [*line, "--cells", "32", "--steps", "2", "--json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["provenance"]["op"] == "fields.from-clip"
    assert record["provenance"]["inputs"][0]["name"] == "in.mp4"
    fields = FIELDS_FILES.read([path], NoOptions())
    assert fields.shape == (2, 4, 32, 32)
    assert np.median(crop_interior(fields[0])[:, 1]) == pytest.approx(5.0, rel=0.1)


def test_fields_of_a_video_that_changes_do_not_appear(tmp_path: Path) -> None:
    source, output = tmp_path / "in.mkv", tmp_path / "out.npz"
    kinoloom.write(create_moving_clip(np.eye(2, 3), count=9), source)
    fields = from_clip(kinoloom.read(source), steps=4, cells=16)

    def append(done: int, total: int | None) -> None:
        with source.open("ab") as file:
            file.write(b"more")

    with pytest.raises(InputChangedError, match=r"in\.mkv grew from [0-9]+ to [0-9]+ bytes"):
        FIELDS_FILES.write(fields, output, FIELDS_FILES.write_options(), append)
    assert not output.exists()
