"""Luma networks on the decoder's samples: the picture is that of the way over RGB."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from kinoloom import read, write
from kinoloom.base.clip import Clip
from kinoloom.enhance.ops import enhance

SIZE = (64, 48)


def make_film(path: Path, pix_fmt: str = "yuv420p", *, full: bool = False, count: int = 6) -> Path:
    """Write a lossless film in which a square moves over a gradient."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height = SIZE
        stream.pix_fmt = pix_fmt
        if full:
            stream.codec_context.color_range = 2
        for k in range(count):
            picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
            picture[..., 0] = np.linspace(20, 220, SIZE[0]).astype(np.uint8)
            picture[..., 2] = np.linspace(200, 60, SIZE[1]).astype(np.uint8)[:, None]
            picture[16:28, 8 + 4 * k : 20 + 4 * k] = (230, 200, 40)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            container.mux(
                stream.encode(frame.reformat(format=pix_fmt, dst_color_range=2 if full else 1))
            )
        container.mux(stream.encode(None))
    return path


def enlarge(clip: Clip, **options: object) -> list[np.ndarray]:
    return [frame.image for frame in enhance(clip, scale=2, tier="live", **options)]


def without_samples(clip: Clip) -> Clip:
    """Return the clip without the decoder's frames, so that the way over RGB is taken."""
    from dataclasses import replace

    return clip.with_(
        read=lambda start: (replace(frame, native=None) for frame in clip.read(start))
    )


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("full", [False, True])
def test_samples_and_rgb_give_nearly_the_same(tmp_path: Path, pix_fmt: str, full: bool) -> None:
    clip = read(make_film(tmp_path / "in.mkv", pix_fmt, full=full))
    top = 255 if clip.bits == 8 else 65535
    pairs = zip(enlarge(clip), enlarge(without_samples(clip)), strict=True)
    for samples, rgb in pairs:
        assert samples.shape == (2 * SIZE[1], 2 * SIZE[0], 3)
        difference = np.abs(samples.astype(float) - rgb) / top * 255
        assert np.median(difference) < 1.5
        assert difference.mean() < 2.5


def test_reading_from_the_middle_gives_the_same_frames(tmp_path: Path) -> None:
    clip = enhance(read(make_film(tmp_path / "in.mkv")), scale=2, tier="live")
    whole = list(clip)
    later = list(clip.read(whole[3].time))
    assert [frame.time for frame in later] == [frame.time for frame in whole[3:]]
    for one, other in zip(later, whole[3:], strict=True):
        np.testing.assert_array_equal(one.image, other.image)


def test_unchanged_parts_are_reported_and_the_film_is_written(tmp_path: Path) -> None:
    clip = enhance(read(make_film(tmp_path / "in.mkv", count=8)), scale=2, tier="live")
    facts = write(clip, tmp_path / "out.mkv", codec="ffv1")
    assert (facts["frames"], facts["width"], facts["height"]) == (8, 128, 96)
    assert any("did not change and was kept" in note.message for note in clip.notes)
    written = list(read(tmp_path / "out.mkv"))
    assert [frame.time for frame in written] == [Fraction(k, 25) for k in range(8)]
    for one, other in zip(written, clip, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
