"""Choice of the reader by content, and of the writer by suffix."""

import subprocess
import sys
from pathlib import Path

import make
import pytest
from films import film
from PIL import Image

import kinoloom
from kinoloom.base.files import files_of
from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.media.files import CLIP_FILES, read, write


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 6), "red").save(path)
    return path


def test_clips_find_their_files_through_the_registry() -> None:
    assert files_of(kinoloom.Clip) is CLIP_FILES


def test_reads_one_video_as_clip(tmp_path: Path) -> None:
    clip = read(make.make(tmp_path / "a.mp4", frames=4))
    assert not clip.stills
    assert [make.read_number(frame.image) for frame in clip] == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [1, 3])
def test_reads_photos_as_stills(photo: Path, count: int) -> None:
    clip = read([photo] * count)
    assert clip.stills
    assert clip.frame_count == count


def test_reads_animated_picture_as_video(tmp_path: Path) -> None:
    write(film(5), tmp_path / "a.gif")
    clip = read(str(tmp_path / "a.gif"))
    assert not clip.stills
    assert len(list(clip)) == 5


@pytest.mark.parametrize("both", [True, False])
def test_mixed_photos_and_videos_are_rejected(tmp_path: Path, photo: Path, both: bool) -> None:
    video = make.make(tmp_path / "b.mp4", frames=2)
    with pytest.raises(UsageError, match=r"b\.mp4 is .*Pass a single video"):
        read([photo, video] if both else [video, video])


def test_empty_input_is_rejected() -> None:
    with pytest.raises(UsageError, match="No input files"):
        read([])


def test_folder_as_input_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMediaError, match=r"is a folder.*Pass the files in it"):
        read(tmp_path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"none\.mp4"):
        read(tmp_path / "none.mp4")


def test_unknown_option_is_named(photo: Path) -> None:
    with pytest.raises(UsageError, match="Unknown option 'sort'"):
        read(photo, sort="time")
    with pytest.raises(UsageError, match="--quality must be from 0 to 100"):
        write(film(1), photo.with_name("b.mp4"), quality=101)


@pytest.mark.parametrize("name", ["a.avi", "a.jpg", "a.v2"])
def test_unknown_suffix_is_rejected_with_alternatives(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.mp4, .*\.webm, \.gif, .*folder"):
        write(film(1), tmp_path / name)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
def test_photos_cannot_be_written_as_video(tmp_path: Path, photo: Path, name: str) -> None:
    with pytest.raises(UsageError, match="interpolate"):
        write(read([photo, photo]), tmp_path / name)


def test_suffixes_are_case_insensitive(tmp_path: Path) -> None:
    assert write(film(2), tmp_path / "A.MP4")["codec"] == "h264"


def test_importing_files_loads_no_media_library() -> None:
    """The command line reads the options of files without loading a media library."""
    code = (
        "import sys, kinoloom.media.files; "
        "print([m for m in ('av', 'cv2', 'PIL', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
