"""Inputs that are replaced, truncated, appended to or modified while they are read."""

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from films import look
from make import Sound, make, picture
from PIL import Image

from kinoloom.base import Clip, Frame
from kinoloom.errors import InputChangedError, UsageError
from kinoloom.film.ops import interpolate
from kinoloom.media.files import read, write


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def modify(path: Path) -> None:
    """Change a byte and restore the modification time, as some tools do."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size - 1)
        file.write(b"!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = [
    (replace, "was replaced"),
    (truncate, "was truncated from [0-9]+ to [0-9]+ bytes"),
    (append, "grew from [0-9]+ to [0-9]+ bytes"),
    (modify, "was modified"),
    (Path.unlink, "was removed"),
]
changes = pytest.mark.parametrize(("change", "message"), CHANGES)


def change_at(clip: Clip, second: int, change: Callable[[], object]) -> Clip:
    """Return the clip; its input is changed when the frame at a time is read."""

    def read_frames(start: Fraction) -> Iterator[Frame]:
        for frame in clip.read(start):
            if frame.time == second:
                change()
            yield frame

    return clip.with_(read=read_frames)


def make_source(path: Path) -> Path:
    sound = Sound(seconds=Fraction(30), every=Fraction(1))
    return make(path, frames=30, rate=Fraction(1), sounds=(sound,))


@changes
def test_film_keeps_the_frames_before_the_change(
    tmp_path: Path, change: Callable[[Path], object], message: str
) -> None:
    source, film = make_source(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    original = source.read_bytes()
    clip = interpolate(read(source), fps="1")
    clip = change_at(clip, 27, lambda: change(source))
    with pytest.raises(InputChangedError, match=f"in.mp4 {message} while it was read") as caught:
        write(clip, film)
    kept = tmp_path / "out.partial.mp4"
    assert f"{kept} has the 20 frames finished before, without sound" in str(caught.value)
    assert not film.exists()
    assert look(kept).numbers == list(range(20))

    source.unlink(missing_ok=True)
    source.write_bytes(original)
    write(interpolate(read(source), fps="1"), film, resume=True)
    write(interpolate(read(source), fps="1"), tmp_path / "b.mp4")
    assert film.read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_changed_input_does_not_resume(tmp_path: Path) -> None:
    source, film = make_source(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    clip = change_at(read(source), 19, lambda: replace(source))
    with pytest.raises(InputChangedError, match="10 frames"):
        write(clip, film)
    append(source)
    with pytest.raises(UsageError, match="differs from this one in inputs and options"):
        write(read(source), film, resume=True)


def test_change_while_sound_is_copied_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, film = make_source(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    from kinoloom.media.video import writing

    real = writing.join

    def join(*arguments: object, **options: object) -> object:
        source.write_bytes(b"no longer a film")
        return real(*arguments, **options)

    monkeypatch.setattr(writing, "join", join)
    clip = read(source)
    with pytest.raises(InputChangedError, match=r"30 frames finished before"):
        write(clip, film)
    assert not film.exists()
    assert look(tmp_path / "out.partial.mp4").numbers == list(range(30))


@changes
@pytest.mark.parametrize("name", ["frames", "out.gif", "out.webp"])
def test_outputs_that_cannot_resume_do_not_appear(
    tmp_path: Path, name: str, change: Callable[[Path], object], message: str
) -> None:
    source = make(tmp_path / "in.mp4", frames=5, rate=Fraction(1))
    clip = change_at(read(source), 3, lambda: change(source))
    with pytest.raises(InputChangedError, match=f"in.mp4 {message}"):
        write(clip, tmp_path / name)
    assert {entry.name for entry in tmp_path.iterdir()} <= {"in.mp4"}


def test_new_links_and_modes_are_not_changes(tmp_path: Path) -> None:
    source, film = make_source(tmp_path / "in.mp4"), tmp_path / "out.mp4"

    def link() -> None:
        source.chmod(0o600)
        (tmp_path / "link").hardlink_to(source)

    write(change_at(interpolate(read(source), fps="1"), 12, link), film)
    assert look(film).numbers == list(range(30))


def test_changed_photo_is_reported(tmp_path: Path) -> None:
    photos = [tmp_path / f"{k}.png" for k in range(3)]
    for k, path in enumerate(photos):
        Image.fromarray(picture(k)).save(path)
    clip = interpolate(read(photos), seconds="1", fps="4")
    truncate(photos[1])
    with pytest.raises(InputChangedError, match=r"1\.png was truncated"):
        write(clip, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
