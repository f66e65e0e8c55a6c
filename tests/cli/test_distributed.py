"""`--session`: films computed in pieces; killed pieces and killed drivers."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnx
import pytest

import kinoloom
from kinoloom.cli.main import main
from kinoloom.pipelines.local.session import LocalSession

WAIT_S = 120


def write_video(path: Path, frames: int = 260) -> str:
    """Write a video that is one group of pictures, with a scene cut in its middle."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"g": "999"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(frames):
            drawn = np.random.default_rng(2 * k // frames).integers(0, 256, (12, 84, 3), np.uint8)
            image = drawn.repeat(4, 0).repeat(4, 1)[:, k : k + 64]
            packets = stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image)))
            file.mux(packets)
        file.mux(stream.encode(None))
    return str(path)


def interpolate_words(source: str, out: Path, *more: str) -> list[str]:
    return ["interpolate", source, "-o", str(out), "--fps", "60", "--engine", "fast", *more]


def run(*line: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(line))
    return int(end.value.code or 0)


def frames_of(path: Path) -> list[tuple[Any, str]]:
    with av.open(str(path)) as file:
        return [
            (frame.time, hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest())
            for frame in file.decode(video=0)
        ]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_video(tmp_path_factory.mktemp("source") / "in.mp4")


@pytest.fixture(scope="module")
def whole(source: str, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, str]]:
    path = tmp_path_factory.mktemp("whole") / "whole.mp4"
    assert run(*interpolate_words(source, path)) == 0
    return frames_of(path)


def session_of(out: Path) -> Path:
    return out.with_name(f".{out.name}.parts") / "session"


def wait_for_piece(out: Path, name: str) -> dict[str, Any]:
    """Wait until the process of a piece runs and return the row of its step."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if (session_of(out) / "state.db").is_file():
            query = "SELECT * FROM steps WHERE name = ? AND pid > 0"
            rows = LocalSession(session_of(out)).workspace.state.query(query, name)
            if rows:
                return rows[0]
        time.sleep(0.02)
    raise AssertionError(f"{name} was never seen running")


def start(line: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kinoloom", *line], stderr=subprocess.PIPE, text=True
    )


def test_killed_piece_is_retried(source: str, whole: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    driver = start(interpolate_words(source, out, "--session", "local", "--piece", "4"))
    os.kill(wait_for_piece(out, "Piece-0")["pid"], signal.SIGKILL)
    _, err = driver.communicate(timeout=WAIT_S)
    assert driver.returncode == 0, err
    assert "scene cut" in err
    assert frames_of(out) == whole
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]


def test_killed_driver_resumes_without_repeating_work(
    source: str, whole: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    line = interpolate_words(source, out, "--session", "local", "--piece", "4")
    driver = start(line)
    other = wait_for_piece(out, "Piece-1")["pid"]
    os.killpg(other, signal.SIGSTOP)  # or the driver may finish before it is killed
    deadline = time.monotonic() + WAIT_S
    while not list(session_of(out).parent.glob("[0-9]*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    driver.kill()
    os.killpg(other, signal.SIGKILL)
    driver.communicate()
    assert not out.exists()
    assert run(*line, "--resume", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["frames"] == len(whole)
    assert any("0 frames exist already" in note["message"] for note in summary["notes"])
    assert frames_of(out) == whole


def test_distributed_provenance_equals_the_local_one(source: str, tmp_path: Path) -> None:
    for name, more in (("one.mp4", []), ("pieces.mp4", ["--session", "local"])):
        assert run(*interpolate_words(source, tmp_path / name, *more)) == 0
    clips = [kinoloom.read(tmp_path / name) for name in ("one.mp4", "pieces.mp4")]
    tags = []
    for clip in clips:
        with av.open(str(clip.files[0])) as file:
            tags.append(dict(file.metadata))
    assert tags[0] == tags[1]


def write_broken_weights(path: Path) -> str:
    """Write a fusion network whose outputs are not finite."""
    model = onnx.load(str(Path(kinoloom.__file__).parent / "film" / "weights" / "fusion.onnx"))
    name = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["finite" if each == name else each for each in node.output]
    model.graph.node.append(onnx.helper.make_node("Sub", ["finite", "finite"], ["zero"]))
    model.graph.node.append(onnx.helper.make_node("Div", ["zero", "zero"], [name]))
    onnx.save(model, str(path))
    return str(path)


def test_failed_piece_reports_its_reason(source: str, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out.mp4"
    more = ["--engine", "deep", "--weights", write_broken_weights(tmp_path / "broken.onnx")]
    line = interpolate_words(source, out, "--session", "local", "--piece", "1", *more)
    assert run(*line) == 1
    err = capsys.readouterr().err
    assert "finite" in err
    assert "add --resume to continue" in err
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--session", "somewhere"], "Unknown session 'somewhere'"),
        (["--session", "sagemaker"], "does not support --session sagemaker"),
        (["--session", "local", "--piece", "0"], "--piece must be at least 1 s"),
    ],
)
def test_unknown_sessions_are_rejected(
    source: str, tmp_path: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*interpolate_words(source, tmp_path / "out.mp4", *more)) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_ops_without_pieces_have_no_session_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fields", "make", "smoke", "--help") == 0
    assert "--session" not in capsys.readouterr().out


def test_the_least_memory_is_sufficient_for_pieces(tmp_path: Path, capsys: Any) -> None:
    words = interpolate_words(write_video(tmp_path / "in.mp4", 60), tmp_path / "out.mp4")
    pieces = ["--session", "local", "--piece", "1"]
    assert run(*words, *pieces, "--memory", "1MB") == 1
    least = re.search(r"--memory (\d+MB)", capsys.readouterr().err)
    assert least is not None
    assert run(*words, *pieces, "--memory", least[1]) == 0
    assert len(frames_of(tmp_path / "out.mp4")) == 120
