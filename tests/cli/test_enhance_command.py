"""`kinoloom enhance`: outputs, invalid inputs, resuming, full disks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import photo_files as make
import pytest
from films import HDR, film
from onnx_networks import save_denoiser, save_upscaler
from PIL import Image

import kinoloom
from kinoloom.cli.main import main

LIVE = ["--scale", "2", "--tier", "live"]


def run(*words: object) -> int:
    """Run the command in this process and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main(["enhance", *map(str, words)])
    return int(end.value.code or 0)


def start_process(*words: object) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "kinoloom", "enhance", *map(str, words)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return make.save(tmp_path / "in.png", make.picture(40, 44))


@pytest.fixture
def video(tmp_path: Path) -> Path:
    kinoloom.write(film(10), tmp_path / "in.mp4")
    return tmp_path / "in.mp4"


def test_a_photo(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo, "-o", tmp_path / "out.png", *LIVE, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["photos"], summary["width"], summary["height"]) == (1, 88, 80)
    record = summary["provenance"]
    assert (record["op"], record["options"]["scale"]) == ("enhance", 2.0)
    assert "live-x2" in json.dumps(record)


def test_one_pass_enlarges_and_adds_frames(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(video, "-o", tmp_path / "out.mp4", *LIVE, "--fps", "50", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["frames"], summary["width"], summary["height"]) == (20, 128, 96)
    notes = [note["message"] for note in summary["notes"] if note["kind"] == "order"]
    assert len(notes) == 1
    out = kinoloom.read(tmp_path / "out.mp4")
    assert out.rate == Fraction(50)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_with_a_bad_photo_is_reported(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    shutil.copy(photo, folder / "below" / "a.png")
    (folder / "bad.png").write_bytes(photo.read_bytes()[:100])
    code = run(folder, "-o", tmp_path / "better", *LIVE)
    err = capsys.readouterr().err
    assert code == 5
    assert "bad.png" in err
    assert "1 failed" in err
    assert (tmp_path / "better" / "below" / "a.png").is_file()


SIDE = "each side must be from 1 to 32766"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--scale", "0"], 2, "--scale must be from 0.01 to 64"),
        (["--scale", "-2"], 2, "--scale must be from 0.01 to 64"),
        (["--scale", "nan"], 2, "--scale"),
        (["--size", "0x20"], 2, SIDE),
        (["--size", "32767x20"], 2, SIDE),
        (["--size", "big"], 2, "--size must be like 1920x1080"),
        (["--scale", "2", "--size", "5x5"], 2, "exclude each other"),
        (["--denoise", "101"], 2, "--denoise must be auto, off, or a number from 0 to 100"),
        (["--preset", "best"], 2, "Unknown preset 'best'"),
        (["--preset", "none.toml"], 2, "none.toml cannot be read: No such file"),
        (["--without", "size"], 2, "'size' is not a correction"),
        (["--fps", "30"], 2, "--fps applies to videos"),
        (["--curves", "r=0/0 x"], 2, "curves"),
        (["--lut", "none.cube"], 4, "none.cube"),
        (["--lut", "damaged.cube"], 4, "line 4"),
        ([*LIVE, "--weights", "none.onnx"], 3, "none.onnx"),
        ([*LIVE, "--weights", "text.onnx"], 3, "text.onnx"),
        ([*LIVE, "--weights", "other.pth"], 3, "other.pth"),
        ([*LIVE, "--weights", "denoiser.onnx"], 3, "has 2 inputs; an upscaler has one"),
        ([*LIVE, "--weights", "same.onnx"], 2, "does not enlarge"),
        ([*LIVE, "--weights", "nan.onnx"], 3, "NaN"),
        ([*LIVE, "--look", "real"], 2, "no network with the look 'real'"),
        ([*LIVE, "--memory", "1000"], 1, "memory"),
        ([*LIVE, "--codec", "h264"], 2, "no --codec"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_options_exit_with_one_sentence(
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    cube = "LUT_3D_SIZE 2\n" + "0 0 0\n" * 2 + "0 zero 0\n" + "0 0 0\n" * 5
    Path("damaged.cube").write_text(cube)
    Path("text.onnx").write_text("no network")
    Path("other.pth").write_bytes(b"PK\x03\x04 something else")
    save_denoiser(Path("denoiser.onnx"))
    save_upscaler(Path("same.onnx"), scale=1)
    save_upscaler(Path("nan.onnx"), gain=float("nan"))
    found = run(photo, "-o", "out.png", *words)
    err = capsys.readouterr().err
    assert (found, message in err) == (code, True), err
    assert "Traceback" not in err
    assert "This is a bug" not in err
    assert not Path("out.png").exists()


def save_cmyk(path: Path) -> None:
    Image.fromarray(make.picture()).convert("CMYK").save(path)


def save_truncated(path: Path) -> None:
    make.save(path, make.picture(200, 300))
    path.write_bytes(path.read_bytes()[:1500])


def save_text(path: Path) -> None:
    path.write_text("no picture")


@pytest.mark.parametrize("save", [save_cmyk, save_truncated, save_text, Path.touch])
def test_unreadable_photos_exit_with_code_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], save: object
) -> None:
    path = tmp_path / "in.jpg"
    save(path)  # type: ignore[operator]
    assert run(path, "-o", tmp_path / "out.jpg", *LIVE) == 4
    err = capsys.readouterr().err
    assert "in.jpg" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out.jpg").exists()


def test_hdr_exits_with_code_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinoloom.write(film(5, bits=10, color=HDR), tmp_path / "in.mkv", codec="h265")
    assert run(tmp_path / "in.mkv", "-o", tmp_path / "out.mkv", *LIVE) == 4
    assert "The video is HDR; networks and filters are for SDR." in capsys.readouterr().err
    assert run(tmp_path / "in.mkv", "-o", tmp_path / "out.mkv", "--times", "2") == 0
    assert kinoloom.read(tmp_path / "out.mkv").color.transfer == HDR.transfer


@pytest.mark.parametrize("name", ["in.png", "in.mp4"])
def test_an_output_equal_to_the_input_is_rejected(
    photo: Path, video: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = photo.with_name(name)
    before = path.read_bytes()
    for words in ([], ["--overwrite"]):
        assert run(path, "-o", path, *LIVE, *words) == 2
        assert name in capsys.readouterr().err
        assert path.read_bytes() == before


def test_an_existing_output_is_kept(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "out.png").write_bytes(b"mine")
    assert run(photo, "-o", tmp_path / "out.png", *LIVE) == 2
    assert (tmp_path / "out.png").read_bytes() == b"mine"
    assert run(photo, "-o", tmp_path / "out.png", *LIVE, "--overwrite") == 0


def test_a_folder_is_resumed_after_kill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "photos", tmp_path / "better"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    for number in range(12):
        cv2.imwrite(str(folder / f"{number:02}.png"), np.roll(noise, number, 0))
    child = start_process(folder, "-o", out, *LIVE)
    for _ in range(1200):
        if len(list(out.glob("*.png"))) >= 2:
            break
        assert child.poll() is None, child.communicate()
        time.sleep(0.05)
    child.kill()
    child.communicate()
    finished = {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert 2 <= len(finished) < 12
    assert run(folder, "-o", out, *LIVE, "--resume", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["photos"], summary["finished"]) == (12 - len(finished), len(finished))
    written = {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert len(written) == 12
    assert {name: written[name] for name in finished} == finished


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tmpfs requires root")
def test_a_full_disk_leaves_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "in.png"), noise)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        assert run(tmp_path / "in.png", "-o", disk / "out.png", *LIVE) == 1
        err = capsys.readouterr().err
        assert "No space left" in err or "disk" in err
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
