"""The walkthroughs of CONTRIBUTING.md, carried out as written in a copy of the repository."""

import json
import os
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import kinoloom

ROOT = Path(__file__).parents[1]
COPIED = (
    *("src", "tests/conftest.py", "tests/import_graph.py", "tests/test_architecture.py"),
    *("pyproject.toml", "README.md", "LICENSE"),
)
STEP = re.compile(
    r"<!-- (?P<verb>file|insert|replace): (?P<path>\S+)(?: after:)? ?(?P<anchor>.*?) ?-->\n"
    r"```\w+\n(?P<text>.*?)```",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which every step of CONTRIBUTING.md was carried out."""
    copy = tmp_path_factory.mktemp("walkthrough")
    for name in COPIED:
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    steps = list(STEP.finditer((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert len(steps) == 16, "CONTRIBUTING.md has steps that this test does not recognise"
    for step in steps:
        carry_out(copy / step["path"], step["verb"], step["anchor"], step["text"])
    return copy


def carry_out(path: Path, verb: str, anchor: str, text: str) -> None:
    if verb == "file":
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    before = path.read_text(encoding="utf-8")
    assert before.count(anchor) == 1, f"{anchor} must occur once in {path.name}"
    after = f"{anchor}\n{text.rstrip()}" if verb == "insert" else text.strip()
    path.write_text(before.replace(anchor, after), encoding="utf-8")


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    return subprocess.run(
        [sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("more", [[], ["--session", "local"]], ids=["whole", "pieces"])
def test_the_new_command_writes_a_video_and_a_report(copy: Path, more: list[str]) -> None:
    image = np.zeros((32, 48, 3), np.uint8)
    image[:, :24] = 255
    frames = [kinoloom.Frame(image, Fraction(k, 10), Fraction(1, 10)) for k in range(3)]
    clip = kinoloom.Clip.from_frames(frames, rate=Fraction(10))
    kinoloom.write(clip, copy / "in.mkv", codec="ffv1", overwrite=True)
    line = ["mirror", "in.mkv", "-o", "out.mkv", "--codec", "ffv1", "--report", "page.html"]
    done = run(copy, "-m", "kinoloom", *line, "--json", "--overwrite", *more)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["provenance"]["op"] == "mirror"
    mirrored = next(iter(kinoloom.read(copy / "out.mkv"))).image
    assert mirrored[:, :20].max() < 30
    assert mirrored[:, -20:].min() > 225
    assert "mirrored left-right" in (copy / "page.html").read_text(encoding="utf-8")


def test_the_new_op_satisfies_the_rules_of_ops(copy: Path) -> None:
    check = (
        "from kinoloom.base import registry; from kinoloom.base.conformance import check_op; "
        "check_op(registry.load('ops', 'mirror'))"
    )
    done = run(copy, "-c", check)
    assert done.returncode == 0, done.stderr
    assert "Mirror every frame of a video." in run(copy, "-m", "kinoloom", "--help").stdout


def test_the_new_subject_keeps_the_rules_of_the_architecture(copy: Path) -> None:
    """The rules find the subject by themselves: no list was edited."""
    done = run(copy, "-m", "pytest", "-vv", "-k", "mirror or import or torch", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_a_subject_has_the_same_files_as_the_others[mirror] PASSED" in done.stdout


def test_the_new_network_passes_the_new_test(copy: Path) -> None:
    done = run(copy, "-m", "pytest", "-vv", "tests/film/test_mean.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_new_code_passes_lint(copy: Path) -> None:
    new = ["src/kinoloom/mirror", "src/kinoloom/film/nets/mean_net.py"]
    new += ["src/kinoloom/film/engines/mean.py", "tests/film/test_mean.py"]
    for tool in (("ruff", "check"), ("ruff", "format", "--check")):
        done = run(copy, "-m", *tool, *new)
        assert done.returncode == 0, done.stdout + done.stderr
