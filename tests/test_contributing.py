"""The walks of CONTRIBUTING.md, done as written there, in a copy of the repository."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
STEP = re.compile(
    r"<!-- (?P<verb>file|insert|replace): (?P<path>\S+)(?: after:)? ?(?P<anchor>.*?) ?-->\n"
    r"```\w+\n(?P<text>.*?)```",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which every step of CONTRIBUTING.md was taken."""
    copy = tmp_path_factory.mktemp("walk")
    for name in ("src", "tests/conftest.py", "pyproject.toml", "README.md", "LICENSE"):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    steps = list(STEP.finditer((ROOT / "CONTRIBUTING.md").read_text()))
    assert len(steps) == 8, "a step of CONTRIBUTING.md is not written as the test expects"
    for step in steps:
        take(copy / step["path"], step["verb"], step["anchor"], step["text"])
    return copy


def take(path: Path, verb: str, anchor: str, text: str) -> None:
    if verb == "file":
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return
    before = path.read_text()
    assert before.count(anchor) == 1, f"{anchor} should stand once in {path.name}"
    after = f"{anchor}\n{text.rstrip()}" if verb == "insert" else text.strip()
    path.write_text(before.replace(anchor, after))


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    return subprocess.run(
        [sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("more", [[], ["--session", "local"]], ids=["whole", "pieces"])
def test_the_new_op_runs_from_the_command_line(walked: Path, more: list[str]) -> None:
    import kinoloom

    image = np.zeros((32, 48, 3), np.uint8)
    image[:, :24] = 255
    from fractions import Fraction

    frames = [kinoloom.Frame(image, Fraction(k, 10), Fraction(1, 10)) for k in range(3)]
    clip = kinoloom.Clip.from_frames(frames, rate=Fraction(10))
    kinoloom.write(clip, walked / "in.mkv", codec="ffv1", overwrite=True)
    line = ["mirror", "in.mkv", "-o", "out.mkv", "--codec", "ffv1", "--json", "--overwrite"]
    done = run(walked, "-m", "kinoloom", *line, *more)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["provenance"]["op"] == "mirror"
    mirrored = next(iter(kinoloom.read(walked / "out.mkv"))).image
    assert mirrored[:, :20].max() < 30
    assert mirrored[:, -20:].min() > 225


def test_the_new_op_keeps_what_every_op_must_keep(walked: Path) -> None:
    check = (
        "from kinoloom.base import registry; from kinoloom.base.conformance import check_op; "
        "check_op(registry.load('ops', 'mirror'))"
    )
    done = run(walked, "-c", check)
    assert done.returncode == 0, done.stderr


def test_the_new_network_passes_the_new_test(walked: Path) -> None:
    done = run(walked, "-m", "pytest", "-vv", "tests/film/test_mean.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_new_code_keeps_the_rules(walked: Path) -> None:
    new = ["src/kinoloom/mirror", "src/kinoloom/film/nets/mean_net.py"]
    new += ["src/kinoloom/film/engines/mean.py", "tests/film/test_mean.py"]
    for tool in (("ruff", "check"), ("ruff", "format", "--check")):
        done = run(walked, "-m", *tool, *new)
        assert done.returncode == 0, done.stdout + done.stderr
