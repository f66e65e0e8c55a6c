"""Reading of animations with Pillow: WebP, and AVIF with alpha."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make import picture, read_number, truncate
from PIL import Image

from kinoloom.base.clip import Color
from kinoloom.errors import UnreadableMediaError
from kinoloom.media.video.reading import open_video


def save(path: Path, durations_ms: list[int], *, alpha: bool = False, **options: Any) -> Path:
    images = [Image.fromarray(picture(k)) for k in range(len(durations_ms))]
    if alpha:
        upper_half = np.where(np.arange(48)[:, None] < 24, 255, 0) + np.zeros((1, 64))
        for image in images:
            image.putalpha(Image.fromarray(upper_half.astype(np.uint8)))
    first, *rest = images
    first.save(path, save_all=True, append_images=rest, duration=durations_ms, **options)
    return path


@pytest.mark.parametrize("lossless", [False, True])
def test_reads_webp(tmp_path: Path, *, lossless: bool) -> None:
    clip = open_video(save(tmp_path / "a.webp", [100, 150, 100, 300], lossless=lossless))
    frames = list(clip)
    assert [read_number(frame.image) for frame in frames] == [0, 1, 2, 3]
    assert [frame.time for frame in frames] == [0, Fraction(1, 10), Fraction(1, 4), Fraction(7, 20)]
    assert [frame.duration * 1000 for frame in frames] == [100, 150, 100, 300]
    assert (clip.rate, clip.duration, clip.frame_count) == (None, Fraction(13, 20), 4)
    assert (clip.width, clip.height, clip.bits) == (64, 48, 8)
    assert clip.color == Color(1, 13, 0, full_range=True)
    assert frames[0].image.shape == (48, 64, 3)
    if lossless:
        assert all(np.array_equal(frame.image, picture(k)) for k, frame in enumerate(frames))


def test_frames_without_duration_last_as_in_browsers(tmp_path: Path) -> None:
    clip = open_video(save(tmp_path / "a.webp", [0, 0, 0]))
    assert [frame.time for frame in clip] == [0, Fraction(1, 10), Fraction(1, 5)]


def test_constant_rate_is_detected(tmp_path: Path) -> None:
    assert open_video(save(tmp_path / "a.webp", [40] * 5)).rate == 25


@pytest.mark.parametrize("name", ["a.webp", "a.avif"])
def test_reads_alpha(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / name, [100] * 3, alpha=True, lossless=name == "a.webp")
    clip = open_video(path)
    frames = list(clip)
    assert clip.frame_count == len(frames) == 3
    assert clip.rate == 10
    for frame in frames:
        assert frame.image.shape == (48, 64, 4)
        assert frame.image[:20, :, 3].min() > 245
        assert frame.image[28:, :, 3].max() < 10


def test_reading_starts_at_any_time(tmp_path: Path) -> None:
    clip = open_video(save(tmp_path / "a.webp", [100, 150, 100]))
    assert [read_number(f.image) for f in clip.read(Fraction(1, 10))] == [1, 2]
    assert [read_number(f.image) for f in clip.read(Fraction(3, 10))] == [2]
    assert list(clip.read(Fraction(35, 100))) == []


def test_readable_part_of_damaged_animation_is_used(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), np.uint8)
    first, *rest = (Image.fromarray(each) for each in noise)
    first.save(path, save_all=True, append_images=rest, duration=100, lossless=True)
    data = bytearray(path.read_bytes())
    begin = [at for at in range(len(data)) if data[at : at + 4] == b"ANMF"][8]
    data[begin + 100 : begin + 160] = bytes(60)
    path.write_bytes(data)
    clip = open_video(path)
    frames = list(clip)
    assert len(frames) == clip.frame_count == 8
    assert all(np.array_equal(f.image, each) for f, each in zip(frames, noise, strict=False))
    (note,) = clip.notes
    assert (note.kind, note.level) == ("damage", "error")
    assert "after 8 frames" in note.message


def test_truncated_webp_is_rejected(tmp_path: Path) -> None:
    path = truncate(save(tmp_path / "a.webp", [100] * 12), 0.02)
    with pytest.raises(UnreadableMediaError, match=r"a\.webp has no frame that can be decoded"):
        open_video(path)
