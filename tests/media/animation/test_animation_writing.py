"""Writing of animated pictures, checked with Pillow, which shares no code with the writer."""

import json
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import HDR, film, look, make_record
from make import read_number
from PIL import Image

from kinoloom.base import Clip, Frame
from kinoloom.errors import OutputExistsError, UsageError
from kinoloom.media.animation.end import set_duration
from kinoloom.media.files import write

NTSC = Fraction(30000, 1001)
VARIABLE = [Fraction(k, 100) for k in (0, 10, 25, 45, 50, 180)]


def read_animation(path: Path) -> tuple[list[Any], list[float], int]:
    """Return the pictures, their durations in milliseconds, and the loop count (0 is endless)."""
    pictures, lengths = [], []
    with Image.open(path) as image:
        loop = image.info.get("loop", 0)
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            pictures.append(np.asarray(image.convert("RGBA")))
            lengths.append(float(image.info["duration"]))
    return pictures, lengths, loop


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.apng", "a.avif"])
def test_frames_keep_a_constant_rate(tmp_path: Path, name: str) -> None:
    result = write(film(20, NTSC), tmp_path / name)
    pictures, lengths, loop = read_animation(tmp_path / name)
    assert [read_number(p[..., :3]) for p in pictures] == list(range(20))
    rounding_ms = {".gif": 5.0, ".avif": 1.0}.get(Path(name).suffix, 0.5)
    begins = np.cumsum([0.0, *lengths])
    assert np.abs(begins - np.arange(21) * 1001 / 30).max() <= rounding_ms * (
        20 if name == "a.avif" else 1  # Pillow rounds each to milliseconds
    )
    assert loop == 0
    assert (result["frames"], result["duration_s"]) == (20, float(20 / NTSC))
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
def test_every_duration_is_kept(tmp_path: Path, name: str) -> None:
    write(film(times=VARIABLE), tmp_path / name)
    assert read_animation(tmp_path / name)[1] == [100, 150, 200, 50, 1300]


def test_avif_has_exact_times(tmp_path: Path) -> None:
    write(film(20, NTSC), tmp_path / "a.avif")
    seen = look(tmp_path / "a.avif")
    assert seen.times == [k / NTSC for k in range(20)]


def test_animation_starts_with_its_first_frame(tmp_path: Path) -> None:
    write(film(4, Fraction(10), start=Fraction(5)), tmp_path / "a.webp")
    assert read_animation(tmp_path / "a.webp")[1] == [100] * 4


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_alpha_is_kept(tmp_path: Path, name: str) -> None:
    write(film(3, alpha=0.5), tmp_path / name)
    for picture in read_animation(tmp_path / name)[0]:
        assert abs(int(picture[24, 16, 3]) - 128) <= 1
        assert picture[24, 48, 3] == 255


@pytest.mark.parametrize("bits", [8, 16])
def test_apng_is_exact(tmp_path: Path, bits: int) -> None:
    clip = film(3, bits=bits)
    write(clip, tmp_path / "a.png")
    with av.open(str(tmp_path / "a.png")) as file:
        form = "rgb24" if bits == 8 else "rgb48le"
        for native, frame in zip(file.decode(video=0), clip, strict=True):
            assert np.array_equal(native.to_ndarray(format=form), frame.image)


@pytest.mark.parametrize("name", ["a.apng", "a.avif"])
def test_hdr_is_kept(tmp_path: Path, name: str) -> None:
    write(film(2, bits=10, color=HDR), tmp_path / name)
    color = look(tmp_path / name).color
    assert (color.primaries, color.transfer) == (9, 16)


def test_gif_palette_is_close(tmp_path: Path) -> None:
    ramp = np.zeros((64, 256, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(256), np.arange(255, -1, -1)
    frames = [Frame(np.roll(ramp, 8 * k, 1), Fraction(k, 10), Fraction(1, 10)) for k in range(5)]
    write(Clip.from_frames(frames, rate=Fraction(10)), tmp_path / "a.gif")
    for picture, frame in zip(read_animation(tmp_path / "a.gif")[0], frames, strict=True):
        error = picture[..., :3].astype(float) - frame.image
        assert np.sqrt((error**2).mean()) < 4  # a palette of 6x7x6 even steps is at 12


def test_gif_drops_frames_too_short_for_players(tmp_path: Path) -> None:
    clip = film(60, Fraction(60))
    result = write(clip, tmp_path / "a.gif")
    pictures, lengths, _ = read_animation(tmp_path / "a.gif")
    assert min(lengths) >= 20
    assert sum(lengths) == 1000
    assert result["frames"] == len(pictures) < 60
    assert "at most 50 frames per second" in next(iter(clip.notes)).message


def test_single_frame_is_written(tmp_path: Path) -> None:
    for name in ("a.gif", "a.webp", "a.png", "a.avif"):
        assert write(film(1, Fraction(2)), tmp_path / name)["frames"] == 1
        with Image.open(tmp_path / name) as image:
            assert image.size == (64, 48)


def test_record_is_written_next_to_the_file(tmp_path: Path) -> None:
    record = make_record(loop=True)
    result = write(film(2, provenance=record), tmp_path / "a.gif")
    beside = tmp_path / "a.gif.provenance.json"
    assert json.loads(beside.read_text()) == record.to_dict()
    assert result["bytes"] == (tmp_path / "a.gif").stat().st_size + beside.stat().st_size
    (tmp_path / "a.gif").unlink()
    with pytest.raises(OutputExistsError, match=r"provenance\.json"):
        write(film(2, provenance=record), tmp_path / "a.gif")
    assert not (tmp_path / "a.gif").exists()


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_error_leaves_no_files(tmp_path: Path, name: str) -> None:
    def broken(start: Fraction) -> Any:
        yield from film(3).read(start)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(film(3).with_(read=broken), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_resume_is_for_videos(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be resumed.*\.mp4"):
        write(film(2), tmp_path / "a.gif", resume=True)


@pytest.mark.parametrize("total", [Fraction(1, 3), Fraction(7, 2), Fraction(200000)])
def test_last_apng_duration_is_the_nearest_fraction(tmp_path: Path, total: Fraction) -> None:
    path = tmp_path / "a.png"
    write(film(2, Fraction(10)), path)
    set_duration(path, total)
    first, last = read_animation(path)[1]
    assert first == 100
    assert abs(last / 1000 - min(float(total) - 0.1, 65535)) < 1e-3


def test_apng_checksums_are_valid(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write(film(times=VARIABLE), path)
    data, place = path.read_bytes(), 8
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        end = place + 8 + size
        assert zlib.crc32(data[place + 4 : end]) == int.from_bytes(data[end : end + 4], "big")
        place = end + 4


def test_picture_without_times_is_not_changed(tmp_path: Path) -> None:
    for name in ("a.png", "a.webp"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
        before = (tmp_path / name).read_bytes()
        set_duration(tmp_path / name, Fraction(1))
        assert (tmp_path / name).read_bytes() == before
