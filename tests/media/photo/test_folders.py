"""Writing of folders of numbered PNG files."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from films import HDR, film, make_record
from make import picture

from kinoloom.base import Clip, Frame
from kinoloom.errors import OutputError, OutputExistsError, UsageError
from kinoloom.media.files import write


def read_png(path: Path) -> Any:
    """Return the picture in a PNG file, RGB or RGBA."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image[..., [2, 1, 0, 3][: image.shape[2]]]


@pytest.mark.parametrize("fields", [{}, {"bits": 16}, {"alpha": 0.5}])
def test_frames_are_written_as_exact_png(tmp_path: Path, fields: dict[str, Any]) -> None:
    clip = film(12, provenance=make_record(), **fields)
    result = write(clip, tmp_path / "frames")
    names = sorted(entry.name for entry in (tmp_path / "frames").iterdir())
    assert names == [*(f"{k:06d}.png" for k in range(1, 13)), "provenance.json"]
    for name, frame in zip(names, clip, strict=False):
        assert np.array_equal(read_png(tmp_path / "frames" / name), frame.image)
    record = json.loads((tmp_path / "frames" / "provenance.json").read_text())
    assert record == make_record().to_dict()
    assert (result["frames"], result["duration_s"], result["codec"]) == (12, 0.48, "png")
    assert result["bytes"] == sum(f.stat().st_size for f in (tmp_path / "frames").iterdir())


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_float_pictures_get_the_depth_of_the_clip(tmp_path: Path, bits: int, dtype: type) -> None:
    frames = [replace(f, image=f.image.astype(np.float32) / 255) for f in film(2)]
    write(Clip.from_frames(frames, bits=bits), tmp_path / "frames")
    image = read_png(tmp_path / "frames" / "000002.png")
    assert image.dtype == dtype
    assert np.array_equal(image // (1 if bits == 8 else 257), picture(1))


def test_more_than_a_million_frames_get_more_digits(tmp_path: Path) -> None:
    clip = film(1).with_(frame_count=1_000_000)
    write(clip, tmp_path / "frames")
    assert (tmp_path / "frames" / "0000001.png").exists()


def test_photos_without_times_are_written(tmp_path: Path) -> None:
    sizes = [(64, 48), (40, 56)]
    frames = [Frame(picture(k, *size), Fraction(k)) for k, size in enumerate(sizes)]
    result = write(Clip.from_frames(frames, stills=True), tmp_path / "frames")
    assert read_png(tmp_path / "frames" / "000002.png").shape == (56, 40, 3)
    assert result["duration_s"] is None


def test_own_folder_is_replaced_only_with_overwrite(tmp_path: Path) -> None:
    write(film(5, provenance=make_record()), tmp_path / "frames")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write(film(2), tmp_path / "frames")
    write(film(2), tmp_path / "frames", overwrite=True)
    assert len(list((tmp_path / "frames").iterdir())) == 2


@pytest.mark.parametrize("name", ["letter.txt", "1.png", "000001.png.txt"])
def test_folder_with_foreign_files_is_never_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / name).write_text("mine")
    with pytest.raises(OutputExistsError, match=f"has files that kinoloom did not write.*{name}"):
        write(film(2), tmp_path / "home", overwrite=True)
    assert (tmp_path / "home" / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["frames", "frames.v2"])
def test_empty_folder_is_filled(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    write(film(2), tmp_path / name)
    assert len(list((tmp_path / name).iterdir())) == 2


def test_existing_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "frames").write_text("mine")
    with pytest.raises(OutputExistsError, match="is a file"):
        write(film(2), tmp_path / "frames", overwrite=True)


@pytest.mark.parametrize("option", [{"codec": "h264"}, {"quality": 50}, {"resume": True}])
def test_unsupported_options_are_rejected(tmp_path: Path, option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="folder of PNG files has no"):
        write(film(2), tmp_path / "frames", **option)


def test_hdr_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="HDR"):
        write(film(2, bits=10, color=HDR), tmp_path / "frames")


def test_error_leaves_no_files(tmp_path: Path) -> None:
    def broken(start: Fraction) -> Any:
        yield from film(3).read(start)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(film(3).with_(read=broken), tmp_path / "frames")
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="frames cannot be written: the disk is full"):
        write(film(3), tmp_path / "frames")
    assert list(tmp_path.iterdir()) == []
