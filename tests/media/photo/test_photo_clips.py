"""Photos as a clip: folders are read, edited one by one, and written in their own formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import photo_files as make
import pytest
from PIL import Image

from kinoloom.base.clip import Clip
from kinoloom.base.files import no_progress
from kinoloom.base.provenance import Provenance
from kinoloom.errors import (
    InputNotFoundError,
    OutputExistsError,
    UnreadableMediaError,
    UsageError,
)
from kinoloom.media.files import CLIP_FILES, ReadEachOptions
from kinoloom.media.photo.editing import (
    EditablePhoto,
    EditedPhoto,
    edit_photos,
    open_each_photo,
    open_photo,
)
from kinoloom.media.write_options import WriteOptions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four photos in two folders; one is damaged."""
    root = tmp_path / "photos"
    (root / "old").mkdir(parents=True)
    make.save(root / "a.jpg", make.picture())
    make.save(root / "old" / "b.png", make.picture())
    make.save(root / "old" / "c.webp", make.picture())
    (root / "bad.jpg").write_bytes((root / "a.jpg").read_bytes()[:300])
    (root / "notes.txt").write_text("no photo")
    return root


def invert(photo: EditablePhoto) -> EditedPhoto:
    return EditedPhoto(photo, 255 - photo.samples, photo.alpha)


def edit(*places: Path) -> Clip:
    clip = edit_photos(open_each_photo(places), invert)
    return replace(clip, provenance=Provenance("enhance", {}, clip.files))


def write(clip: Clip, path: Path, **options: object) -> dict[str, object]:
    return dict(CLIP_FILES.write(clip, path, WriteOptions(**options), no_progress).data)  # type: ignore[arg-type]


def test_folder_is_mirrored_and_a_bad_photo_is_noted(folder: Path, tmp_path: Path) -> None:
    clip = edit(folder)
    data = write(clip, tmp_path / "out")
    assert (data["photos"], data["finished"]) == (3, 0)
    failed = data["failed"]
    assert isinstance(failed, list)
    assert [Path(one["file"]).name for one in failed] == ["bad.jpg"]
    assert clip.notes.failed
    assert "bad.jpg" in next(note.message for note in clip.notes if note.level == "error")
    found = sorted(
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")
    )
    assert found == ["a.jpg", "old/b.png", "old/c.webp"]
    before, after = (open_photo(root / "old" / "b.png") for root in (folder, tmp_path / "out"))
    np.testing.assert_array_equal(after.samples, 255 - before.samples)


def test_resuming_writes_only_what_is_missing(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.jpg").unlink()
    out = tmp_path / "out"
    write(edit(folder), out)
    (out / "a.jpg").unlink()
    written = (out / "old" / "b.png").stat().st_mtime_ns
    data = write(edit(folder), out, resume=True)
    assert (data["photos"], data["finished"]) == (1, 2)
    assert (out / "old" / "b.png").stat().st_mtime_ns == written
    with pytest.raises(OutputExistsError, match="3 of 3 outputs"):
        write(edit(folder), out)


def test_one_photo_has_the_format_of_its_suffix(folder: Path, tmp_path: Path) -> None:
    data = write(edit(folder / "a.jpg"), tmp_path / "b.png")
    assert (data["photos"], data["width"]) == (1, make.picture().shape[1])
    assert open_photo(tmp_path / "b.png").kind == "PNG"
    with pytest.raises(UsageError, match=r"2 photos cannot be written as the one file"):
        write(edit(folder / "a.jpg", folder / "old" / "b.png"), tmp_path / "c.png")
    with pytest.raises(UsageError, match="the name of a video"):
        write(edit(folder / "a.jpg"), tmp_path / "e.mp4")
    with pytest.raises(UsageError, match="no --codec"):
        write(edit(folder / "a.jpg"), tmp_path / "d.png", codec="h264")


def test_if_no_photo_can_be_written_the_error_is_raised(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableMediaError, match=r"bad\.jpg"):
        edit(folder / "bad.jpg")
    clip = edit(folder / "a.jpg", folder / "old")
    for path in clip.files:
        path.write_bytes(b"text")
    with pytest.raises(UnreadableMediaError, match=r"a\.jpg"):
        write(clip, tmp_path / "out")


def test_inputs_of_ops_on_single_photos(folder: Path, tmp_path: Path) -> None:
    options = ReadEachOptions()
    assert CLIP_FILES.read_each([folder], options, None).frame_count == 4
    assert CLIP_FILES.read_each([folder / "a.jpg"], options, None).stills
    with pytest.raises(UsageError, match="No photos found"):
        (tmp_path / "empty").mkdir()
        CLIP_FILES.read_each([tmp_path / "empty"], options, None)
    with pytest.raises(InputNotFoundError, match="nowhere"):
        CLIP_FILES.read_each([folder / "a.jpg", tmp_path / "nowhere"], options, None)


def test_outputs_below_the_input_folder_are_no_inputs(folder: Path) -> None:
    write(edit(folder), folder / "better")
    data = write(edit(folder), folder / "better", resume=True)
    assert (data["photos"], data["finished"]) == (0, 3)
    with pytest.raises(UsageError, match="is the input folder"):
        write(edit(folder), folder)


def test_grey_and_alpha_photos_show_as_pictures(tmp_path: Path) -> None:
    Image.fromarray(make.picture()).convert("L").save(tmp_path / "a.png")
    Image.fromarray(make.picture()).convert("RGBA").save(tmp_path / "b.png")
    clip = edit(tmp_path)
    assert [frame.image.shape[2] for frame in clip] == [3, 4]
    write(clip, tmp_path / "out")
    grey, transparent = (open_photo(tmp_path / "out" / name) for name in ("a.png", "b.png"))
    assert grey.is_grey
    assert transparent.alpha is not None
