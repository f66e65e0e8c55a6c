"""`kinoloom bench video`: clips, noise, rows, networks, peers, and invalid input."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_networks import save_denoiser, save_upscaler
from PIL import Image

from kinoloom.base.clip import Clip, Frame
from kinoloom.enhance.bench.video_clips import add_clip_noise, find_clips, read_clip
from kinoloom.enhance.bench.video_denoisers import ATADENOISE, HQDN3D, NLMEANS
from kinoloom.enhance.ops import bench_video
from kinoloom.errors import (
    InputNotFoundError,
    RegistryError,
    UnreadableMediaError,
    UsageError,
    WeightsError,
)
from kinoloom.media.files import write

ROW = ["model", "clip", "psnr_db", "flicker", "seconds_per_frame", "truth_flicker"]
OURS = "noisy,window,recursive"


def draw(count: int, step: float) -> list[np.ndarray]:
    """Return a smooth picture that moves sideways."""
    y, x = np.mgrid[:48, :64].astype(float)
    frames = []
    for k in range(count):
        planes = [128 + 40 * np.sin((x - k * step) / 5 + c) * np.cos(y / 6) for c in range(3)]
        frames.append(np.rint(np.stack(planes, 2)).astype(np.uint8))
    return frames


def save_pictures(folder: Path, frames: list[np.ndarray]) -> None:
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number:03}.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of pictures, and a lossless video."""
    data = tmp_path / "clips"
    save_pictures(data / "b", draw(5, 1.0))
    frames = [Frame(one, Fraction(k, 25), Fraction(1, 25)) for k, one in enumerate(draw(4, -0.5))]
    write(Clip.from_frames(frames, rate=Fraction(25)), data / "a.mkv", codec="ffv1")
    return data


def test_clips_are_videos_and_folders_of_pictures(folder: Path) -> None:
    (folder / "notes.txt").write_text("no clip")
    assert [path.name for path in find_clips(folder)] == ["a.mkv", "b"]
    assert np.array_equal(read_clip(folder / "b", None), np.stack(draw(5, 1.0)))
    assert read_clip(folder / "a.mkv", 3).shape == (3, 48, 64, 3)


def test_noise_is_that_of_the_seed_in_8_bits() -> None:
    grey = np.full((3, 40, 50, 3), 128, np.uint8)
    noisy = add_clip_noise(grey, 25, 7)
    expected = np.random.default_rng(7).normal(0, 25, grey.shape) + 128
    assert np.array_equal(noisy, np.clip(np.rint(expected), 0, 255).astype(np.uint8))


def test_temporal_filters_remove_noise_and_flicker(folder: Path) -> None:
    report = bench_video(folder, sigma=15, denoisers=OURS)
    assert (report.data["schema"], report.data["data"]) == ("kinoloom.bench.video/1", "clips")
    assert all(list(row) == ROW for row in report.data["rows"])
    rows = {(row["clip"], row["model"]): row for row in report.data["rows"]}
    assert len(rows) == 6
    for clip in ("a.mkv", "b"):
        noisy = rows[clip, "noisy"]
        assert noisy["psnr_db"] == pytest.approx(20 * np.log10(255 / 15), abs=0.3)
        for name in ("window", "recursive"):
            assert rows[clip, name]["psnr_db"] > noisy["psnr_db"] + 3
            assert noisy["flicker"] > 1.4 * rows[clip, name]["flicker"]
            assert rows[clip, name]["flicker"] > rows[clip, name]["truth_flicker"]


def test_networks_run_frame_by_frame_and_after_the_window(folder: Path, tmp_path: Path) -> None:
    network = save_denoiser(tmp_path / "net.onnx", with_noise=False)
    peer = tmp_path / "peer.py"
    peer.write_text(
        "from kinoloom.enhance.bench.video_denoisers import VideoDenoiser\n"
        "VIDEO_DENOISER = VideoDenoiser('grey', lambda: lambda noisy, sigma: noisy * 0 + 128)\n"
    )
    report = bench_video(folder, denoisers=OURS, models=str(network), peer=peer, frames=3)
    rows = {row["model"]: row for row in report.data["rows"] if row["clip"] == "b"}
    assert list(rows) == ["noisy", "window", "recursive", "net", "grey", "window+net"]
    assert rows["net"]["psnr_db"] == rows["noisy"]["psnr_db"]
    assert rows["window+net"]["psnr_db"] == rows["window"]["psnr_db"]
    assert rows["grey"]["flicker"] == 0


@pytest.mark.system_package("ffmpeg")
def test_filters_of_ffmpeg_remove_noise() -> None:
    clean = np.stack(draw(2, 0.5))
    noisy = add_clip_noise(clean, 25, 1)
    before = float(np.mean((noisy - clean.astype(float)) ** 2))
    for one in (HQDN3D, NLMEANS, ATADENOISE):
        found = one(noisy, 25)
        assert found.shape == clean.shape
        assert float(np.mean((found - clean.astype(float)) ** 2)) < 0.8 * before
        assert one.time_frame(noisy, 25) >= 0


def test_strengths_follow_the_noise_up_to_the_limit_of_the_filter() -> None:
    assert NLMEANS.describe(1000).startswith("nlmeans=s=30.0000:")
    weak, strong = (float(HQDN3D.describe(s).split("=")[1].split(":")[0]) for s in (5, 10))
    assert strong == pytest.approx(2 * weak, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"denoisers": "median"}, RegistryError, "Unknown contestant 'median'. Known: noisy"),
        ({"models": "up.onnx"}, WeightsError, r"up\.onnx"),
        ({"models": "noisy.onnx"}, UsageError, "Two contestants are named noisy"),
        ({"peer": "peer.py"}, UsageError, r"peer returned \(1, 2, 3\) uint8 for a.mkv"),
        ({"sigma": "0"}, UsageError, "--sigma must be from 0.1 to 255"),
    ],
)
def test_invalid_options_are_rejected(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    error: Any,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save_upscaler(tmp_path / "up.onnx")
    (tmp_path / "peer.py").write_text(
        "import numpy as np\n"
        "from kinoloom.enhance.bench.video_denoisers import VideoDenoiser\n"
        "wrong = np.zeros((1, 2, 3), np.uint8)\n"
        "VIDEO_DENOISER = VideoDenoiser('peer', lambda: lambda noisy, sigma: wrong)\n"
    )
    with pytest.raises(error, match=message):
        bench_video(folder, **({"denoisers": "noisy"} | options))


def test_wrong_clips_are_rejected(tmp_path: Path) -> None:
    for empty in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputNotFoundError, match="contains no clips"):
            bench_video(empty)
    save_pictures(tmp_path / "one", draw(1, 0))
    with pytest.raises(UnreadableMediaError, match="has one frame; a clip has at least 2"):
        read_clip(tmp_path / "one", None)
    save_pictures(tmp_path / "sizes", [*draw(1, 0), draw(1, 0)[0][:40]])
    with pytest.raises(UnreadableMediaError, match="pictures of several sizes"):
        read_clip(tmp_path / "sizes", None)
