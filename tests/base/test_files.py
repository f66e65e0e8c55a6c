"""Clips, frames, sound and notes; and how a noun finds its files."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kinoloom import Audio, Clip, Frame, Report
from kinoloom.base import Color, Notes
from kinoloom.base.checks import check_extra
from kinoloom.base.files import files_of
from kinoloom.base.machine import default_budget_bytes, describe_machine
from kinoloom.base.report.files import REPORT_FILES
from kinoloom.errors import ArrayError, UsageError

BLACK = np.zeros((4, 6, 3), np.uint8)
F = Fraction


def frames(count: int, rate: int = 10) -> list[Frame]:
    return [Frame(BLACK, F(k, rate), F(1, rate)) for k in range(count)]


def test_from_frames_derives_size_duration_and_bits() -> None:
    clip = Clip.from_frames(frames(5), rate=F(10))
    assert (clip.width, clip.height, clip.bits) == (6, 4, 8)
    assert (clip.duration, clip.frame_count, clip.rate) == (F(1, 2), 5, 10)
    assert [f.time for f in clip] == [f.time for f in clip] == [F(k, 10) for k in range(5)]


def test_16_bit_frames_make_a_16_bit_clip() -> None:
    assert Clip.from_frames([Frame(BLACK.astype(np.uint16), F(0))]).bits == 16
    assert Clip.from_frames([Frame(BLACK.astype(np.float32), F(0))]).bits == 16


@pytest.mark.parametrize(
    ("start", "first"), [(0, 0), (F(1, 20), 0), (F(1, 10), 1), (F(19, 100), 1), (F(9, 20), 4)]
)
def test_reading_starts_at_the_frame_shown_at_the_time(start: Fraction, first: int) -> None:
    clip = Clip.from_frames(frames(5))
    assert next(clip.read(F(start))).time == F(first, 10)


def test_photo_without_duration_is_read_at_its_time() -> None:
    clip = Clip.from_frames([Frame(BLACK, F(0)), Frame(BLACK, F(1))])
    assert [f.time for f in clip.read(F(1))] == [1]
    assert list(clip.read(F(2))) == []


def test_with_does_not_modify_the_clip() -> None:
    clip = Clip.from_frames(frames(2))
    other = clip.with_(rate=F(25))
    assert (clip.rate, other.rate) == (None, 25)
    assert other.notes is clip.notes


@pytest.mark.parametrize(
    ("image", "time", "duration", "message"),
    [
        (BLACK[0], F(1), F(0), r"frame at 1\.000 s has shape"),
        (BLACK, 0.5, F(0), "Fraction, not float and Fraction"),
        (BLACK, F(0), 1, "Fraction, not Fraction and int"),
        (BLACK, F(0), F(-1, 2), "at least 0, not -1/2"),
    ],
)
def test_invalid_frame_is_rejected(
    image: object, time: object, duration: object, message: str
) -> None:
    with pytest.raises(ArrayError, match=message):
        Frame(image, time, duration)


@pytest.mark.parametrize(
    ("width", "rate", "message"),
    [
        (0, None, "at least 1x1 pixels, not 0x4"),
        (6, F(0), "above 0, not Fraction"),
        (6, F(-25), "above 0"),
        (6, 29.97, "fractions.Fraction above 0, not 29.97"),
    ],
)
def test_invalid_clip_is_rejected(width: int, rate: Fraction | None, message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        Clip(lambda start: iter(()), width, 4, rate=rate)


@pytest.mark.parametrize(
    ("times", "message"), [([], "at least one"), ([0, 0], "increase"), ([1, 0], "increase")]
)
def test_invalid_frame_sequences_are_rejected(times: list[int], message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        Clip.from_frames([Frame(BLACK, F(time)) for time in times])


@pytest.mark.parametrize(("transfer", "hdr"), [(1, False), (13, False), (16, True), (18, True)])
def test_pq_and_hlg_are_hdr(transfer: int, hdr: bool) -> None:
    assert Color(transfer=transfer).is_hdr == hdr


def blocks(*lengths: int) -> Audio:
    def read() -> Iterator[NDArray[np.float32]]:
        for k, length in enumerate(lengths):
            yield np.full((length, 2), k, np.float32)

    return Audio(read, 48000, 2, "stereo")


def test_samples_joins_blocks_in_order() -> None:
    assert blocks(3, 2).samples()[:, 1].tolist() == [0, 0, 0, 1, 1]
    assert blocks().samples().shape == (0, 2)


@pytest.mark.parametrize(("rate_hz", "channels"), [(0, 2), (48000, 0)])
def test_audio_without_rate_or_channels_is_rejected(rate_hz: int, channels: int) -> None:
    with pytest.raises(ArrayError, match=f"{rate_hz} Hz and {channels}"):
        Audio(lambda: iter(()), rate_hz, channels, "stereo")


def test_note_is_kept_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    notes = Notes()
    with caplog.at_level(logging.INFO, "kinoloom"):
        for _ in range(2):
            notes.add("cut", "scene cut at 1.00 s, 100 % sure", time=F(1))
        notes.add("damage", "3 frames are missing", "warning")
    assert [record.getMessage() for record in caplog.records] == [
        "scene cut at 1.00 s, 100 % sure",
        "3 frames are missing",
    ]
    assert caplog.records[1].levelno == logging.WARNING
    assert (notes.count("cut"), notes.count("damage"), notes.count("other")) == (1, 1, 0)
    assert next(note.to_dict() for note in notes) == {
        "kind": "cut",
        "level": "info",
        "time_s": 1.0,
        "message": "scene cut at 1.00 s, 100 % sure",
    }


@pytest.mark.parametrize(
    ("level", "failed"), [("info", False), ("warning", False), ("error", True)]
)
def test_only_error_notes_mean_missing_work(level: str, failed: bool) -> None:
    notes = Notes()
    notes.add("damage", "half is missing", level)
    assert notes.failed == failed


def test_notes_can_be_added_during_iteration() -> None:
    notes = Notes()
    notes.add("cut", "one")
    for note in notes:
        notes.add("cut", note.message + " more")
    assert notes.count("cut") == 2


def test_files_of_finds_the_files_object() -> None:
    assert files_of(Report) is REPORT_FILES
    with pytest.raises(UsageError, match="int cannot be read from or written to files"):
        files_of(int)


def test_extra_is_found_without_importing_it() -> None:
    here = check_extra("json", extra="train", needed_for="much")
    gone = check_extra("no_such_module", extra="train", needed_for="much")
    assert (here.present, here.remedy) == (True, "")
    assert (gone.present, gone.remedy) == (False, "pip install 'kinoloom[train]'")


MEMINFO = "MemTotal: 9 kB\nMemAvailable:      400 kB\n"


@pytest.mark.parametrize(
    ("meminfo", "limit", "used", "budget"),
    [
        (MEMINFO, None, None, 200 << 10),
        (MEMINFO, "max\n", "7\n", 200 << 10),
        (MEMINFO, "300000\n", "100000\n", 100_000),
        (MEMINFO, "5\n", "9\n", 1),
    ],
)
def test_budget_is_half_of_the_available_memory(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    meminfo: str,
    limit: str | None,
    used: str | None,
    budget: int,
) -> None:
    (tmp_path / "meminfo").write_text(meminfo)
    for name, text in (("memory.max", limit), ("memory.current", used)):
        if text is not None:
            (tmp_path / name).write_text(text)
    monkeypatch.setattr("kinoloom.base.machine._MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr("kinoloom.base.machine._CGROUP", tmp_path)
    assert default_budget_bytes() == budget


def test_budget_without_proc_uses_the_total_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinoloom.base.machine._MEMINFO", tmp_path / "absent")
    monkeypatch.setattr("kinoloom.base.machine._CGROUP", tmp_path)
    assert default_budget_bytes() > 64 << 20


def test_peak_memory_includes_freed_memory() -> None:
    script = (
        "import numpy as np; from kinoloom.base.machine import peak_memory_bytes as peak\n"
        "before = peak(); held = np.ones(before + (32 << 20), np.uint8); size = held.nbytes\n"
        "del held; print(size <= peak() < size + 2 * before)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_peak_memory_excludes_the_parent_process() -> None:
    """getrusage begins with the parent's, so a small engine seemed as large as its judge."""
    child = "from kinoloom.base.machine import peak_memory_bytes as peak; print(peak())"
    parent = (
        "import subprocess, sys; from kinoloom.base.machine import peak_memory_bytes as peak\n"
        "held = bytearray(b'1' * (400 << 20))\n"
        f"words = subprocess.run([sys.executable, '-c', {child!r}], capture_output=True).stdout\n"
        "print(int(words) < peak() - (300 << 20))"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_the_machine_is_described() -> None:
    machine = describe_machine()
    assert machine["cpu"]
    assert machine["cores"] >= 1


def test_clip_accepts_all_kinds_of_frames() -> None:
    for dtype, channels in product((np.uint8, np.uint16, np.float32), (3, 4)):
        image = np.zeros((2, 2, channels), dtype)
        assert next(iter(Clip.from_frames([Frame(image, F(0))]))).image is image
