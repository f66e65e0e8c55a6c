"""What the command line prints about hostile names, and inputs that are no files."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.media.make import make, truncate

from kinoloom import Clip, Frame, write

ESCAPE = "\x1b]0;owned\x07"


def kinoloom(*arguments: bytes | str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line, with a limit for one that waits for a pipe."""
    line = [os.fsencode(each) for each in (sys.executable, "-m", "kinoloom", *arguments)]
    return subprocess.run(line, capture_output=True, timeout=60, check=False)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Four frames."""
    frames = [
        Frame(np.full((32, 48, 3), 60 * k, np.uint8), Fraction(k, 10), Fraction(1, 10))
        for k in range(4)
    ]
    write(Clip.from_frames(frames, rate=Fraction(10)), tmp_path / "in.mkv", codec="ffv1")
    return tmp_path / "in.mkv"


def test_error_shows_control_characters(tmp_path: Path) -> None:
    for bad in (f"{ESCAPE}.mp4", "\x9b31m.mp4", "a\u202egpj.mp4"):
        done = kinoloom("interpolate", str(tmp_path / bad), "-o", str(tmp_path / "out.mp4"))
        assert done.returncode == 4
        assert rb"\x" in done.stderr or rb"\u202e" in done.stderr
        text = done.stderr.decode()
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)


def test_usage_error_and_traceback_show_control_characters(tmp_path: Path) -> None:
    for arguments in ((f"film{ESCAPE}",), ("interpolate", "--debug", f"{ESCAPE}", "-o", "a.mp4")):
        done = kinoloom(*arguments)
        assert done.returncode in (2, 4)
        assert b"\x1b" not in done.stderr
        assert rb"\x1b]0;owned\x07" in done.stderr


FAKE = "a\nkinoloom: done"


def assert_no_fake_line(done: subprocess.CompletedProcess[bytes]) -> None:
    """Check that a name with a line feed is shown escaped."""
    assert rb"a\x0akinoloom: done" in done.stderr
    assert b"\nkinoloom: done" not in done.stdout + done.stderr


def test_line_feed_in_a_name_does_not_start_a_line(film: Path, tmp_path: Path) -> None:
    out = tmp_path / f"{FAKE}.mkv"
    assert_no_fake_line(kinoloom("interpolate", str(film), "-o", str(out), "--engine", "fast"))
    damaged = truncate(make(tmp_path / f"damaged {FAKE}.mkv", frames=20), 0.7)
    to_file = ("-o", str(tmp_path / "2.mkv"), "--engine", "fast")
    for arguments in (
        ("interpolate", str(tmp_path / f"{FAKE}.jpg"), *to_file),
        ("interpolate", str(damaged), *to_file),
        (FAKE,),
    ):
        done = kinoloom(*arguments)
        assert done.returncode > 0
        assert_no_fake_line(done)


@pytest.mark.parametrize("name", [b"a\xff\xfe.mkv", b"\x1b[31mred.mkv"])
def test_strange_names_are_read_and_give_valid_json(
    film: Path, tmp_path: Path, name: bytes
) -> None:
    text = os.fsdecode(name)
    odd, out, page = tmp_path / text, tmp_path / f"out-{text}", tmp_path / f"{text}.html"
    film.rename(odd)
    done = kinoloom(
        "interpolate", str(odd), "-o", str(out), "--engine", "fast", "--json",
        "--report", str(page),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout.decode("utf-8", "strict"))
    json.dumps(data, ensure_ascii=False).encode()
    assert b"\x1b" not in done.stdout + done.stderr
    assert out.exists()
    assert "\x1b" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("place", ["alone", "among photos"])
def test_named_pipe_is_rejected(tmp_path: Path, place: str) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    more = [str(tmp_path / "absent.jpg")] if place == "among photos" else []
    done = kinoloom("interpolate", str(pipe), *more, "-o", str(tmp_path / "out.mp4"))
    assert done.returncode == 4
    assert b"is a named pipe, not a file" in done.stderr


def test_device_is_rejected(tmp_path: Path) -> None:
    for arguments in (("interpolate", "/dev/zero"), ("tiny", "compile", "/dev/zero")):
        more = ["-o", str(tmp_path / "out.mp4")] if arguments[0] == "interpolate" else []
        done = kinoloom(*arguments, *more)
        assert done.returncode in (3, 4)
        assert b"/dev/zero is a device or socket" in done.stderr or done.returncode == 3


def test_python_functions_reject_pipes_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    code = "import sys, kinoloom; kinoloom.read(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "pipe.jpg")],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"is a named pipe" in done.stderr
