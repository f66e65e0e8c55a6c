"""Interrupted runs (by a signal, an error, a full disk), and resuming."""

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
from films import decode_pictures, film, look, make_record, sound

from kinoloom.base import Clip, Frame
from kinoloom.errors import (
    OutputError,
    OutputExistsError,
    UnreadableMediaError,
    UsageError,
)
from kinoloom.media.files import write
from kinoloom.media.video import segments
from kinoloom.media.video.encoding import Encoder

SLOW = Fraction(1)  # at one frame per second, a segment has ten frames
HERE = Path(__file__).parents[1]


def parts(path: Path) -> Path:
    return path.with_name(f".{path.name}.parts")


def interrupt(clip: Clip, after: int, error: BaseException) -> Clip:
    """Return the clip with an error instead of its frame number `after`."""

    def read(start: Fraction) -> Iterator[Frame]:
        for frame in clip.read(start):
            if frame.time >= after:
                raise error
            yield frame

    return clip.with_(read=read)


def record_reads(clip: Clip, read_times: list[Fraction]) -> Clip:
    """Return the clip, recording the time of each frame that is read."""

    def read(start: Fraction) -> Iterator[Frame]:
        for frame in clip.read(start):
            read_times.append(frame.time)
            yield frame

    return clip.with_(read=read)


def same_pictures(one: Path, other: Path) -> bool:
    pairs = zip(decode_pictures(one), decode_pictures(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_killed_run_resumes_to_an_identical_film(tmp_path: Path, codec: str) -> None:
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
    write(record_reads(film(36, SLOW), made), path, codec=codec, resume=True)
    assert min(made[1:]) == 19  # the first frame is inspected once
    write(film(36, SLOW), tmp_path / "b.mp4", codec=codec)
    assert look(path).numbers == list(range(36))
    assert look(path).times == look(tmp_path / "b.mp4").times
    assert same_pictures(path, tmp_path / "b.mp4")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UnreadableMediaError("Cut off.")])
def test_interruption_leaves_a_playable_partial_film(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.mp4"
    clip = film(40, SLOW, audio=(sound(40, 8000),), provenance=make_record())
    with pytest.raises(type(error)):
        write(interrupt(clip, 24, error), path)
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
def test_interruption_between_segments_loses_nothing(tmp_path: Path, done: int) -> None:
    path = tmp_path / "a.mkv"
    clip = film(30, SLOW)
    with pytest.raises(KeyboardInterrupt):
        write(interrupt(film(31, SLOW), done, KeyboardInterrupt()), path)
    assert len(list(parts(path).glob("*.json"))) - 1 == done // 10  # minus job.json
    write(clip, path, resume=True)
    assert look(path).numbers == list(range(30))


def test_resumed_film_keeps_variable_times(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    times = [Fraction(0), Fraction(1)]
    times += [1 + Fraction(k * k, 7) for k in range(1, 30)]
    clip = film(times=times)
    with pytest.raises(KeyboardInterrupt):
        write(interrupt(clip, 40, KeyboardInterrupt()), path)
    write(clip, path, resume=True)
    assert look(path).times == times[:-1]


def test_interruption_before_the_first_frame_leaves_no_files(tmp_path: Path) -> None:
    clip = film(5)
    reads = iter([clip.read, interrupt(clip, 0, KeyboardInterrupt()).read])
    with pytest.raises(KeyboardInterrupt):
        write(clip.with_(read=lambda start: next(reads)(start)), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fields", "options", "differs"),
    [
        ({"provenance": make_record(times=3)}, {}, "inputs and options"),
        ({"size": (80, 48)}, {}, "size"),
        ({"bits": 10}, {}, "codec, pixel format"),
        ({}, {"quality": 10}, "quality"),
        ({}, {"codec": "h265"}, "codec"),
    ],
)
def test_different_job_is_not_resumed(
    tmp_path: Path, fields: dict[str, Any], options: dict[str, Any], differs: str
) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(KeyboardInterrupt):
        clip = film(15, SLOW, provenance=make_record(times=2))
        write(interrupt(clip, 12, KeyboardInterrupt()), path)
    other = film(15, SLOW, **({"provenance": make_record(times=2)} | fields))
    with pytest.raises(UsageError, match=rf"differs from this one in {differs}.*without --resume"):
        write(other, path, resume=True, **options)
    assert parts(path).exists()


def test_segments_are_replaced_without_resume(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(KeyboardInterrupt):
        write(interrupt(film(30, SLOW), 25, KeyboardInterrupt()), path)
    made: list[Fraction] = []
    write(record_reads(film(12, SLOW), made), path)
    assert look(path).numbers == list(range(12))
    assert 0 in made[1:]


def test_resume_without_segments_starts_from_scratch(tmp_path: Path) -> None:
    clip = film(3)
    write(clip, tmp_path / "a.mp4", resume=True)
    assert look(tmp_path / "a.mp4").numbers == [0, 1, 2]
    assert "Nothing to resume." in [note.message for note in clip.notes]


def test_concurrent_writer_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with (
        segments.SegmentFolder(path, {}, resume=False),
        pytest.raises(OutputError, match="Another process is writing"),
    ):
        write(film(3), path)
    write(film(3), path)


def test_incomplete_segment_is_encoded_again(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(KeyboardInterrupt):
        write(interrupt(film(30, SLOW), 25, KeyboardInterrupt()), path)
    whole = parts(path) / "000001.mkv"
    whole.write_bytes(whole.read_bytes()[:500])
    whole.with_suffix(".json").unlink()
    write(film(30, SLOW), path, resume=True)
    assert look(path).numbers == list(range(30))


def test_job_is_plain_json(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(interrupt(film(15, SLOW), 12, KeyboardInterrupt()), tmp_path / "a.mp4")
    job = json.loads((parts(tmp_path / "a.mp4") / "job.json").read_text())
    assert (job["codec"], job["size"], job["rate"]) == ("h264", [64, 48], "1")


@pytest.mark.parametrize("resume", [False, True])
def test_full_disk_is_reported_and_leaves_no_film(
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


def test_frames_are_kept_if_joining_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mp4"
    with monkeypatch.context() as broken:
        refused = av.error.ArgumentError(22, "Invalid argument")
        broken.setattr("kinoloom.media.container.join.add_tracks", Mock(side_effect=refused))
        with pytest.raises(OutputError, match="FFmpeg reports 'Invalid argument'"):
            write(film(15, SLOW), path)
    made: list[Fraction] = []
    write(record_reads(film(15, SLOW), made), path, resume=True)
    assert made[1:] == [14]
    assert look(path).numbers == list(range(15))


@pytest.mark.parametrize("plant", ["link", "foreign", "link inside", "lock link", "pipe"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_planted_work_folder_is_not_used(tmp_path: Path, plant: str, resume: bool) -> None:
    path, home = tmp_path / "a.mp4", tmp_path / "home"
    home.mkdir()
    (home / "letter").write_bytes(b"dear")
    if plant == "link":
        (home / "lock").touch()
        parts(path).symlink_to(home)
    else:
        parts(path).mkdir()
        planted = {"foreign": "letter", "link inside": "job.json", "lock link": "lock"}.get(
            plant, "job.json"
        )
        if plant == "foreign":
            (parts(path) / planted).write_bytes(b"dear")
        elif plant == "pipe":
            (parts(path) / "lock").touch()
            os.mkfifo(parts(path) / planted)
        else:
            (parts(path) / "lock").touch()
            (parts(path) / planted).unlink(missing_ok=True)
            (parts(path) / planted).symlink_to(home / "letter")
    with pytest.raises(OutputError, match=r"work folder .* is not used\. Remove or rename it"):
        write(film(3), path, resume=resume)
    assert (home / "letter").read_bytes() == b"dear"
    if plant == "foreign":
        assert (parts(path) / "letter").read_bytes() == b"dear"
    assert not path.exists()


def test_lock_and_segments_do_not_write_through_hard_links(tmp_path: Path) -> None:
    path, dear = tmp_path / "a.mp4", tmp_path / "dear"
    dear.write_bytes(b"dear")
    parts(path).mkdir()
    for name in ("lock", "000000.mkv", "000000.json.part"):
        (parts(path) / name).hardlink_to(dear)
    write(film(3), path, resume=True)
    assert dear.read_bytes() == b"dear"
    assert look(path).numbers == [0, 1, 2]


def test_a_partial_film_replaces_only_its_own_earlier_version(tmp_path: Path) -> None:
    path, mine = tmp_path / "a.mp4", tmp_path / "a.partial.mp4"
    mine.write_bytes(b"a film of the user")
    for resume, frames in ((False, 14), (True, 24), (False, 12)):
        with pytest.raises(KeyboardInterrupt):
            write(interrupt(film(40, SLOW), frames, KeyboardInterrupt()), path, resume=resume)
        assert len(look(tmp_path / "a.partial-2.mp4").numbers) == frames
    assert mine.read_bytes() == b"a film of the user"
    with (tmp_path / "a.partial-2.mp4").open("ab") as edited:
        edited.write(b"an edit of the user")
    with pytest.raises(KeyboardInterrupt):
        write(interrupt(film(40, SLOW), 11, KeyboardInterrupt()), path, overwrite=True)
    assert (tmp_path / "a.partial-2.mp4").read_bytes().endswith(b"an edit of the user")
    assert len(look(tmp_path / "a.partial-3.mp4").numbers) == 11


def test_frames_are_kept_if_the_partial_film_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    clip = film(30, SLOW)
    with monkeypatch.context() as full:
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        full.setattr("kinoloom.media.video.writing.join", Mock(side_effect=error))
        with pytest.raises(KeyboardInterrupt):
            write(interrupt(clip, 24, KeyboardInterrupt()), path)
    assert "disk is full" in list(clip.notes)[-1].message
    write(clip, path, resume=True)
    assert look(path).numbers == list(range(30))


def test_real_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments.SegmentFolder, "next_video", lambda _self: Path("/dev/full"))
    with pytest.raises(OutputError, match="the disk is full"):
        write(film(15, SLOW), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
@pytest.mark.parametrize("killed_at_the_end", [False, True])
def test_resume_of_a_complete_film_succeeds(
    tmp_path: Path, name: str, killed_at_the_end: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    clip = film(12, SLOW, provenance=make_record())
    with monkeypatch.context() as killed:
        if killed_at_the_end:
            killed.setattr(segments.SegmentFolder, "remove", Mock())
        before = write(clip, path)
    content, read_times = path.read_bytes(), list[Fraction]()
    again = record_reads(film(12, SLOW, provenance=make_record()), read_times)
    after = write(again, path, resume=True)
    varying = {"seconds"}
    assert {k: v for k, v in after.items() if k not in varying} == {
        k: v for k, v in before.items() if k not in varying
    }
    assert path.read_bytes() == content
    assert len(read_times) == 1
    assert [note.message for note in again.notes] == [f"{name} is complete already."]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_resume_does_not_take_another_film_for_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(film(12, SLOW, provenance=make_record(times=2)), path)
    other = film(12, SLOW, provenance=make_record(times=3))
    for clip, options in ((other, {}), (film(12, SLOW, provenance=make_record(times=2)), "h265")):
        more = {"codec": options} if options else {}
        with pytest.raises(OutputExistsError, match="already exists"):
            write(clip, path, resume=True, **more)
    write(other, path, resume=True, overwrite=True)
    assert look(path).record["options"] == {"times": 3}


def test_resume_does_not_take_a_partial_film_for_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    clip = film(40, SLOW, provenance=make_record())
    with pytest.raises(KeyboardInterrupt):
        write(interrupt(clip, 24, KeyboardInterrupt()), path)
    (tmp_path / "a.partial.mp4").rename(path)
    with pytest.raises(OutputExistsError):
        write(clip, path, resume=True)
