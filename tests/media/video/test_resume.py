"""Work that is stopped: by a signal, an error, a full disk; and work that goes on."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from textwrap import dedent
from typing import Any
from unittest.mock import Mock

import av
import numpy as np
import pytest
from films import film, look, pictures_of, recorded, sound

from kinoloom.base import Clip, Frame
from kinoloom.errors import OutputError, UnreadableMediaError, UsageError
from kinoloom.media.files import write
from kinoloom.media.video import segments
from kinoloom.media.video.encoding import Encoder

SLOW = Fraction(1)  # at one frame a second a segment has ten frames
HERE = Path(__file__).parents[1]


def parts(path: Path) -> Path:
    return path.with_name(f".{path.name}.parts")


def stopping(clip: Clip, after: int, error: BaseException) -> Clip:
    """The clip, with an error instead of its frame number `after`."""

    def read(start: Fraction) -> Iterator[Frame]:
        for frame in clip.read(start):
            if frame.time >= after:
                raise error
            yield frame

    return clip.with_(read=read)


def counted(clip: Clip, read_times: list[Fraction]) -> Clip:
    """The clip, noting the time of each frame that is made."""

    def read(start: Fraction) -> Iterator[Frame]:
        for frame in clip.read(start):
            read_times.append(frame.time)
            yield frame

    return clip.with_(read=read)


def same_pictures(one: Path, other: Path) -> bool:
    pairs = zip(pictures_of(one), pictures_of(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_work_that_was_killed_goes_on_to_the_same_film(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a.mp4"
    script = dedent(f"""
        import sys, time
        from fractions import Fraction
        from pathlib import Path
        sys.path.insert(0, {str(HERE)!r})
        from films import film
        from kinoloom.media.files import write
        def slowly(start, clip=film(36, Fraction(1))):
            for frame in clip.read(start):
                time.sleep(0.02)
                yield frame
        write(film(36, Fraction(1)).with_(read=slowly), {str(path)!r}, codec={codec!r})
    """)
    process = subprocess.Popen([sys.executable, "-c", script])
    while not (parts(path) / "000001.json").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not path.exists()
    assert look(parts(path) / "000001.mkv").numbers == list(range(10, 20))

    made: list[Fraction] = []
    write(counted(film(36, SLOW), made), path, codec=codec, resume=True)
    assert min(made[1:]) == 19  # the first frame is looked at once, then it goes on
    write(film(36, SLOW), tmp_path / "b.mp4", codec=codec)
    assert look(path).numbers == list(range(36))
    assert look(path).times == look(tmp_path / "b.mp4").times
    assert same_pictures(path, tmp_path / "b.mp4")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UnreadableMediaError("Cut off.")])
def test_a_stop_leaves_a_playable_film_of_what_is_done(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "a.mp4"
    clip = film(40, SLOW, audio=(sound(40, 8000),), provenance=recorded())
    with pytest.raises(type(error)):
        write(stopping(clip, 24, error), path)
    assert not path.exists()
    seen = look(tmp_path / "a.partial.mp4")
    assert seen.numbers == list(range(24))
    assert abs(seen.duration - 24) < Fraction(1, 10)  # the sound ends with the pictures
    assert clip.notes.count("stopped") == 1

    write(clip, path, resume=True)
    write(clip, tmp_path / "b.mp4")
    assert look(path).numbers == list(range(40))
    assert same_pictures(path, tmp_path / "b.mp4")
    assert not parts(path).exists()


@pytest.mark.parametrize("done", [10, 20, 30])
def test_a_stop_between_two_segments_loses_and_repeats_nothing(tmp_path: Path, done: int) -> None:
    path = tmp_path / "a.mkv"
    clip = film(30, SLOW)
    with pytest.raises(KeyboardInterrupt):
        write(stopping(film(31, SLOW), done, KeyboardInterrupt()), path)
    assert len(list(parts(path).glob("*.json"))) - 1 == done // 10  # and the job
    write(clip, path, resume=True)
    assert look(path).numbers == list(range(30))


def test_variable_times_survive_a_stop(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    times = [Fraction(0), Fraction(1)]
    times += [1 + Fraction(k * k, 7) for k in range(1, 30)]
    clip = film(times=times)
    with pytest.raises(KeyboardInterrupt):
        write(stopping(clip, 40, KeyboardInterrupt()), path)
    write(clip, path, resume=True)
    assert look(path).times == times[:-1]


def test_a_stop_before_the_first_frame_leaves_nothing(tmp_path: Path) -> None:
    clip = film(5)
    reads = iter([clip.read, stopping(clip, 0, KeyboardInterrupt()).read])
    with pytest.raises(KeyboardInterrupt):
        write(clip.with_(read=lambda start: next(reads)(start)), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fields", "options", "differs"),
    [
        ({"provenance": recorded(times=3)}, {}, "inputs and options"),
        ({"size": (80, 48)}, {}, "size"),
        ({"bits": 10}, {}, "codec, pixel format"),
        ({}, {"quality": 10}, "quality"),
        ({}, {"codec": "h265"}, "codec"),
    ],
)
def test_other_work_is_not_continued(
    tmp_path: Path, fields: dict[str, Any], options: dict[str, Any], differs: str
) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(KeyboardInterrupt):
        clip = film(15, SLOW, provenance=recorded(times=2))
        write(stopping(clip, 12, KeyboardInterrupt()), path)
    other = film(15, SLOW, **({"provenance": recorded(times=2)} | fields))
    with pytest.raises(UsageError, match=rf"differs from this in {differs}.*without --resume"):
        write(other, path, resume=True, **options)
    assert parts(path).exists()


def test_without_resume_old_segments_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(KeyboardInterrupt):
        write(stopping(film(30, SLOW), 25, KeyboardInterrupt()), path)
    made: list[Fraction] = []
    write(counted(film(12, SLOW), made), path)
    assert look(path).numbers == list(range(12))
    assert 0 in made[1:]


def test_resume_without_anything_to_go_on_from_begins(tmp_path: Path) -> None:
    clip = film(3)
    write(clip, tmp_path / "a.mp4", resume=True)
    assert look(tmp_path / "a.mp4").numbers == [0, 1, 2]
    assert "Nothing to resume." in [note.message for note in clip.notes]


def test_two_processes_do_not_write_one_film(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with (
        segments.Parts(path, {}, resume=False),
        pytest.raises(OutputError, match="Another process is writing"),
    ):
        write(film(3), path)
    write(film(3), path)


def test_a_segment_that_is_not_whole_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(KeyboardInterrupt):
        write(stopping(film(30, SLOW), 25, KeyboardInterrupt()), path)
    whole = parts(path) / "000001.mkv"
    whole.write_bytes(whole.read_bytes()[:500])
    whole.with_suffix(".json").unlink()
    write(film(30, SLOW), path, resume=True)
    assert look(path).numbers == list(range(30))


def test_the_job_is_plain_json(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(stopping(film(15, SLOW), 12, KeyboardInterrupt()), tmp_path / "a.mp4")
    job = json.loads((parts(tmp_path / "a.mp4") / "job.json").read_text())
    assert (job["codec"], job["size"], job["rate"]) == ("h264", [64, 48], "1")


@pytest.mark.parametrize("resume", [False, True])
def test_a_full_disk_is_said_and_leaves_no_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool
) -> None:
    path = tmp_path / "a.mp4"
    real = Encoder.add

    def full(self: Encoder, native: av.VideoFrame, pts: int, duration: int = 1) -> None:
        if self.path.name == "000001.mkv":
            raise av.error.OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, native, pts, duration)

    monkeypatch.setattr(Encoder, "add", full)
    with pytest.raises(OutputError, match=r"a\.mp4 cannot be written: the disk is full"):
        write(film(15, SLOW), path, resume=resume)
    assert [entry.name for entry in tmp_path.iterdir()] == ([".a.mp4.parts"] if resume else [])


def test_frames_are_not_lost_when_the_rest_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    with monkeypatch.context() as broken:
        refused = av.error.ArgumentError(22, "Invalid argument")
        broken.setattr("kinoloom.media.container.join.add_tracks", Mock(side_effect=refused))
        with pytest.raises(OutputError, match="FFmpeg says 'Invalid argument'"):
            write(film(15, SLOW), path)
    made: list[Fraction] = []
    write(counted(film(15, SLOW), made), path, resume=True)
    assert made[1:] == [14]
    assert look(path).numbers == list(range(15))


def test_frames_are_not_lost_when_a_stop_finds_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    clip = film(30, SLOW)
    with monkeypatch.context() as full:
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        full.setattr("kinoloom.media.video.writing.join", Mock(side_effect=error))
        with pytest.raises(KeyboardInterrupt):
            write(stopping(clip, 24, KeyboardInterrupt()), path)
    assert "disk is full" in list(clip.notes)[-1].message
    write(clip, path, resume=True)
    assert look(path).numbers == list(range(30))


def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments.Parts, "next_video", lambda _self: Path("/dev/full"))
    with pytest.raises(OutputError, match="the disk is full"):
        write(film(15, SLOW), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
