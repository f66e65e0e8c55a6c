"""Every script of examples/ runs and produces what its docstring says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import kinoloom
from kinoloom.enhance.tiers import list_denoisers

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(folder: Path, script: str, *words: str) -> str:
    line = [sys.executable, str(EXAMPLES / script), *words]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}  # small jobs: more threads only wait
    done = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("video")
    photos = sorted((EXAMPLES / "photos").glob("*.png"))
    clip = kinoloom.interpolate(photos, seconds="0.4", fps="29.97", engine="fast")
    kinoloom.write(clip, folder / "in.mp4")
    return folder / "in.mp4"


def test_photos_to_film(tmp_path: Path) -> None:
    assert "90 frames of 800x692" in run(tmp_path, "photos_to_film.py")
    assert len(list(kinoloom.read(tmp_path / "aloe.mp4"))) == 90


def test_smooth_video(video: Path, tmp_path: Path) -> None:
    assert "24 frames" in run(tmp_path, "smooth_video.py", str(video), "out.mp4")
    assert float(kinoloom.read(tmp_path / "out.mp4").rate) == pytest.approx(59.94, abs=0.001)


def test_slow_motion(video: Path, tmp_path: Path) -> None:
    assert "96 frames" in run(tmp_path, "slow_motion.py", str(video), "out.mp4")


def test_frames_as_arrays(tmp_path: Path) -> None:
    assert run(tmp_path, "frames_as_arrays.py").strip() == "(3, 480, 640, 3) uint8"


def test_train_film_network(tmp_path: Path) -> None:
    losses = [line.split()[-1] for line in run(tmp_path, "train_film_network.py").splitlines()]
    assert len(losses) == 3
    assert float(losses[-1]) < float(losses[0])


@pytest.mark.skipif(not list_denoisers(), reason="needs the weights of denoise-small")
def test_enhance_call(video: Path, tmp_path: Path) -> None:
    source = kinoloom.read(video)
    size = f"{2 * source.width}x{2 * source.height}"
    assert f"12 frames of {size}" in run(tmp_path, "enhance_call.py", str(video), "out.mp4")


def test_enhance_scans(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for name in ("aloe1.jpg", "aloe2.jpg"):
        with Image.open(EXAMPLES / "photos" / name) as photo:
            photo.crop((200, 200, 360, 320)).save(scans / name)
    words = ("enhance_scans.py", "scans", "clean")
    assert run(tmp_path, *words) == "2 photos written, 0 finished before\n"
    assert run(tmp_path, *words) == "0 photos written, 2 finished before\n"
    with Image.open(tmp_path / "clean" / "aloe1.jpg") as photo:
        assert photo.size == (160, 120)


@pytest.mark.slow
def test_train_upscaler(tmp_path: Path) -> None:
    photos, data = tmp_path / "photos", tmp_path / "set"
    for folder in (photos, data / "HR", data / "LR_x2"):
        folder.mkdir(parents=True)
    for name in ("aloe1.jpg", "aloe2.jpg"):
        with Image.open(EXAMPLES / "photos" / name) as photo:
            photo.crop((100, 100, 300, 260)).save(photos / name, quality=95)
            high = photo.crop((300, 300, 380, 360))
        high.save(data / "HR" / f"{name}.png")
        high.resize((40, 30), Image.Resampling.BICUBIC).save(data / "LR_x2" / f"{name}.png")
    lines = run(tmp_path, "train_upscaler.py", "photos", "set", "3").splitlines()
    assert [line.split(":")[0] for line in lines[-2:]] == ["lanczos4 x2", "live/live-x2 x2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("arena", ()),
        ("between", ()),
        ("film_loop", ()),
        ("film_strip", ()),
        ("optical_flow", ()),
        ("pipeline_graph", ()),
        ("slow_motion", ()),
        ("smoke", ("--steps", "3", "--trajectories", "2", "--held-out-trajectories", "1")),
    ],
)
def test_gallery(script: str, words: tuple[str, ...], tmp_path: Path) -> None:
    """A picture has the size and kind of the one that the documentation shows."""
    run(tmp_path, f"gallery/{script}.py", str(tmp_path), *words)
    [drawn] = (path for path in tmp_path.iterdir() if path.stem == script)
    shown = EXAMPLES.parent / "docs" / "gallery" / drawn.name
    if drawn.suffix == ".svg":
        assert drawn.read_text().count("<rect") == shown.read_text().count("<rect")
    else:
        with Image.open(drawn) as new, Image.open(shown) as committed:
            assert new.size == committed.size


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    scripts = {path.stem for path in EXAMPLES.glob("*.py")}
    scripts |= {path.stem for path in (EXAMPLES / "gallery").glob("*.py")} - {"panels"}
    assert {
        name for name in scripts if f'"{name}.py"' not in text and f'"{name}"' not in text
    } == set()
