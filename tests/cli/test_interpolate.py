"""`kinoloom interpolate`: outputs, invalid inputs, interruption and resume."""

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import kinoloom
from kinoloom.cli.main import main
from kinoloom.errors import EXIT_INCOMPLETE

RATE = Fraction(25)


def draw_picture(seed: int, shift: int = 0, size: tuple[int, int] = (96, 64)) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(20, 236, (40, 60, 3), np.uint8)
    large = np.roll(cv2.resize(coarse, (480, 320), interpolation=cv2.INTER_CUBIC), -shift, 1)
    return np.ascontiguousarray(large[20 : 20 + size[1], 20 : 20 + size[0]])


def write_photos(folder: Path, size: tuple[int, int] = (96, 64)) -> list[str]:
    paths = [folder / "one.png", folder / "two.png"]
    for k, path in enumerate(paths):
        cv2.imwrite(str(path), draw_picture(0, 4 * k, size))
    return [str(path) for path in paths]


def write_video(path: Path, count: int = 10, size: tuple[int, int] = (96, 64)) -> str:
    frames = [
        kinoloom.Frame(draw_picture(0, 2 * k, size), k / RATE, 1 / RATE) for k in range(count)
    ]
    kinoloom.write(kinoloom.Clip.from_frames(frames, rate=RATE), path)
    return str(path)


def run(*words: str) -> int:
    """Run the command in this process and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main(["interpolate", *words])
    return int(end.value.code or 0)


def start_process(*words: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "kinoloom", "interpolate", *words]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_photos_become_a_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "film.mp4"
    assert run(*write_photos(tmp_path), "-o", str(out), "--seconds", "0.5", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["frames"], summary["width"], summary["height"]) == (15, 96, 64)
    assert summary["provenance"]["op"] == "interpolate"
    assert [item["name"] for item in summary["provenance"]["inputs"]] == ["one.png", "two.png"]
    assert len(list(kinoloom.read(out))) == 15


def test_summary_is_printed_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write_video(tmp_path / "in.mp4"), "-o", str(tmp_path / "out.mp4")) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "20 frames" in err


def test_report_is_one_self_contained_file(tmp_path: Path) -> None:
    page = tmp_path / "film.html"
    words = [*write_photos(tmp_path), "-o", str(tmp_path / "f.mp4"), "--seconds", "0.3"]
    assert run(*words, "--report", str(page)) == 0
    text = page.read_text()
    assert text.count("<img") >= 4
    assert "optical flow to the next source frame" in text
    assert '"op": "interpolate"' in text.replace("&quot;", '"')
    assert 'src="http' not in text


@pytest.mark.parametrize("suffix", ["mkv", "mov", "webm", "gif", "png", "avif"])
def test_each_format_contains_every_frame(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"film.{suffix}"
    assert run(*write_photos(tmp_path), "-o", str(out), "--seconds", "0.4", "--fps", "10") == 0
    assert len(list(kinoloom.read(out))) == 4


def test_animated_webp_contains_every_frame(tmp_path: Path) -> None:
    out = tmp_path / "film.webp"  # read with Pillow, as FFmpeg reads no animated WebP
    assert run(*write_photos(tmp_path), "-o", str(out), "--seconds", "0.4", "--fps", "10") == 0
    with Image.open(out) as animation:
        assert (animation.n_frames, animation.size) == (4, (96, 64))


def test_folder_contains_numbered_frames_and_provenance(tmp_path: Path) -> None:
    out = tmp_path / "frames"
    assert run(*write_photos(tmp_path), "-o", str(out), "--seconds", "0.4", "--fps", "10") == 0
    assert len(list(out.glob("*.png"))) == 4
    assert json.loads((out / "provenance.json").read_text())["op"] == "interpolate"


def missing(folder: Path) -> list[str]:
    return [str(folder / "none.jpg"), str(folder / "nor.jpg")]


def directory(folder: Path) -> list[str]:
    (folder / "album").mkdir()
    return [str(folder / "album")]


def empty(folder: Path) -> list[str]:
    (folder / "a.jpg").touch()
    return [str(folder / "a.jpg"), *write_photos(folder)]


def text(folder: Path) -> list[str]:
    (folder / "a.jpg").write_text("This is not a photo. " * 40)
    return [str(folder / "a.jpg"), *write_photos(folder)]


def one_photo(folder: Path) -> list[str]:
    return write_photos(folder)[:1]


def two_videos(folder: Path) -> list[str]:
    return [write_video(folder / "a.mp4", 2), write_video(folder / "b.mp4", 2)]


def mixed(folder: Path) -> list[str]:
    return [write_video(folder / "a.mp4", 2), *write_photos(folder)]


def audio_only(folder: Path) -> list[str]:
    import av

    path = folder / "a.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    return [str(path)]


def truncated_to_its_header(folder: Path) -> list[str]:
    path = Path(write_video(folder / "a.mkv", 3))
    path.write_bytes(path.read_bytes()[:400])
    return [str(path)]


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (missing, 4, ["none.jpg", "does not exist"]),
        (directory, 4, ["album", "folder"]),
        (empty, 4, ["a.jpg", "empty"]),
        (text, 4, ["a.jpg"]),
        (one_photo, 2, ["at least two photos"]),
        (two_videos, 2, ["a.mp4", "a single video"]),
        (mixed, 2, ["video"]),
        (audio_only, 4, ["a.m4a", "picture"]),
        (truncated_to_its_header, 4, ["a.mkv"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_invalid_inputs_are_rejected_without_an_output(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: object,
    code: int,
    words: list[str],
) -> None:
    out = tmp_path / "out.mp4"
    assert run(*make(tmp_path), "-o", str(out)) == code
    err = capsys.readouterr().err
    assert not out.exists()
    for word in words:
        assert word in err
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 3


def test_truncated_video_yields_its_frames_and_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Path(write_video(tmp_path / "in.mkv", 60))
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    out = tmp_path / "out.mp4"
    assert run(str(whole), "-o", str(out)) == EXIT_INCOMPLETE == 5
    assert "damage" in capsys.readouterr().err.lower()
    assert 10 <= len(list(kinoloom.read(out))) < 120


def test_outputs_are_not_overwritten_by_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    out.write_text("precious")
    words = [*write_photos(tmp_path), "-o", str(out), "--seconds", "0.2"]
    assert run(*words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert run(*words, "--overwrite") == 0
    assert len(list(kinoloom.read(out))) == 6


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["-o", "film.xyz"], "xyz"),
        (["-o", "nowhere/film.mp4"], "nowhere"),
        (["-o", "film.webm", "--codec", "h264"], "h264"),
        (["-o", "film.mp4", "--fps", "fast"], "--fps"),
        (["-o", "film.mp4", "--engine", "magic"], "magic"),
        (["-o", "film.mp4", "--flow-scale", "2"], "--flow-scale"),
        (["-o", "film.mp4", "--memory", "much"], "--memory"),
        ([], "output"),
    ],
)
def test_wrong_usage_is_rejected_without_an_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], part: str
) -> None:
    words = [str(tmp_path / w) if "." in w or "/" in w else w for w in words]
    before = {*write_photos(tmp_path)}
    code = run(*write_photos(tmp_path), *words)
    assert code in (1, 2)
    assert part in capsys.readouterr().err
    assert {str(p) for p in tmp_path.iterdir()} == before


def test_missing_weights_report_how_to_get_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOLOOM_WEIGHTS", str(tmp_path))
    assert run(*write_photos(tmp_path), "-o", str(tmp_path / "f.mp4"), "--engine", "film") == 3
    assert "--weights" in capsys.readouterr().err


@pytest.mark.parametrize("size", [(1, 1), (33, 17), (2, 64)])
def test_tiny_and_odd_sizes_are_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    out = tmp_path / "out.mkv"
    words = [*write_photos(tmp_path, size), "-o", str(out), "--codec", "ffv1", "--seconds", "0.2"]
    assert run(*words) == 0
    first = next(iter(kinoloom.read(out)))
    assert first.image.shape == (size[1], size[0], 3)


def test_wide_panorama_fits_in_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wide = cv2.resize(rng.integers(0, 256, (40, 640, 3), np.uint8), (16384, 512))
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for k, path in enumerate(paths):
        cv2.imwrite(str(path), np.roll(wide, 8 * k, 1), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    out = tmp_path / "out"
    words = ["--size", "16384", "--seconds", "0.3", "--fps", "10", "--memory", "2GB"]
    assert run(*map(str, paths), "-o", str(out), *words) == 0
    assert len(list(out.glob("*.png"))) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupted_video_is_playable_and_resumes(tmp_path: Path, number: signal.Signals) -> None:
    source = write_video(tmp_path / "in.mp4", 500)
    words = [source, "-o", str(tmp_path / "out.mp4"), "--times", "4", "--engine", "fast"]
    child = start_process(*words)
    wait_for(tmp_path / ".out.mp4.parts", child, segments=1)
    child.send_signal(number)
    _, err = child.communicate(timeout=300)
    assert child.returncode == 130, err
    assert "Traceback" not in err
    assert not (tmp_path / "out.mp4").exists()
    part = tmp_path / "out.partial.mp4"
    assert 0 < len(list(kinoloom.read(part))) < 2000


def test_resume_after_kill_gives_the_same_frames(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", 400)
    options = ["--times", "4", "--engine", "fast", "--codec", "ffv1"]
    whole, broken = tmp_path / "whole.mkv", tmp_path / "broken.mkv"
    assert run(source, "-o", str(whole), *options) == 0
    child = start_process(source, "-o", str(broken), *options)
    wait_for(tmp_path / ".broken.mkv.parts", child, segments=2)
    child.kill()
    child.communicate()
    assert not broken.exists()
    assert run(source, "-o", str(broken), *options, "--resume") == 0
    for one, other in zip(kinoloom.read(whole), kinoloom.read(broken), strict=True):
        assert one.time == other.time
        assert np.array_equal(one.image, other.image)
    assert not (tmp_path / ".broken.mkv.parts").exists()
    content = broken.read_bytes()
    assert run(source, "-o", str(broken), *options, "--resume") == 0
    assert broken.read_bytes() == content


def wait_for(folder: Path, child: subprocess.Popen[str], segments: int = 0) -> None:
    """Wait until a job's work folder exists and has a number of complete segments."""
    for _ in range(600):
        done = [p for p in folder.glob("[0-9]*") if not p.name.startswith(".")]
        if folder.is_dir() and len(done) >= segments:
            return
        assert child.poll() is None, child.communicate()
        time.sleep(0.05)
    raise TimeoutError(f"{folder} has fewer than {segments} segments")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tmpfs requires root")
def test_full_disk_leaves_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        source = write_video(tmp_path / "in.mp4", 100)
        assert run(source, "-o", str(disk / "out.mkv"), "--codec", "ffv1") == 1
        assert "disk is full" in capsys.readouterr().err
        assert [p.name for p in disk.iterdir()] == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_debug_prints_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = [str(tmp_path / "none.mp4"), "-o", str(tmp_path / "o.mp4")]
    assert run(*line) == 4
    assert "Traceback" not in capsys.readouterr().err
    assert run(*line, "--debug") == 4
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "InputNotFoundError: The file" in err
