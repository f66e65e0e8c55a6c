"""`kinoloom bench sr`: rows, networks, peers and invalid test sets."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx_networks import save_denoiser, save_upscaler
from PIL import Image

from kinoloom.base.arrays import from_float, to_float
from kinoloom.cli.main import main
from kinoloom.enhance.bench.contestants import find_named
from kinoloom.enhance.bench.upscalers import FILTERS
from kinoloom.enhance.networks.upscaler import NetworkUpscaler
from kinoloom.enhance.ops import bench_sr
from kinoloom.enhance.tiers import list_upscalers, open_upscaler
from kinoloom.errors import (
    InputNotFoundError,
    RegistryError,
    UnreadableMediaError,
    UsageError,
    WeightsError,
)
from kinoloom.metrics import psnr_y, resize_bicubic, ssim_y, to_luma

ROW = ["model", "scale", "psnr_y_db", "ssim_y", "seconds_per_megapixel", "peak_mb"]


def draw_scene(seed: int, height: int = 49, width: int = 41) -> NDArray[np.uint8]:
    """A smooth colour gradient with a few edges."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (7, 6, 3)).astype(np.float64)
    large = np.clip(resize_bicubic(small, Fraction(8)), 0, 255)[:height, :width]
    large[10:20, 5:25] = rng.integers(0, 256, 3)
    return np.asarray(np.rint(large), np.uint8)


def save(path: Path, image: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "set"
    for seed in (1, 2):
        high = draw_scene(seed)
        save(data / f"HR/img_{seed:03}.png", high)
        for scale in (2, 3):
            sides = (side // scale * scale for side in high.shape[:2])
            low = resize_bicubic(high[: next(sides), : next(sides)], Fraction(1, scale))
            save(data / f"LR_x{scale}/img_{seed:03}_SRF_{scale}_LR.png", low)
    return data


def read(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def test_command_prints_one_json_object(folder: Path) -> None:
    line = [sys.executable, "-m", "kinoloom", "bench", "sr", "--data", str(folder), "--json"]
    line += ["--upscalers", "nearest,lanczos4"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["schema"], found["data"]) == ("kinoloom.bench.sr/1", "set")
    rows = found["rows"]
    assert [(row["model"], row["scale"]) for row in rows] == [
        (name, scale) for scale in (2, 3) for name in ("nearest", "lanczos4")
    ]
    assert all(list(row) == ROW for row in rows)
    assert all(row["seconds_per_megapixel"] > 0 and row["peak_mb"] > 10 for row in rows)
    assert rows[1]["psnr_y_db"] > rows[0]["psnr_y_db"] + 1
    assert "kinoloom: starting lanczos4 x2\n" in done.stderr


def test_rows_are_means_of_luma_scores_without_a_border_of_the_scale(folder: Path) -> None:
    (row,) = [r for r in bench_sr(folder, upscalers="bicubic").data["rows"] if r["scale"] == 3]
    scores = []
    for name in ("img_001", "img_002"):
        large = resize_bicubic(read(folder / f"LR_x3/{name}_SRF_3_LR.png"), 3)
        truth = read(folder / f"HR/{name}.png")[: large.shape[0], : large.shape[1]]
        scores.append((psnr_y(large, truth, 3), ssim_y(large, truth, 3)))
    expected = np.mean(scores, axis=0)
    assert (row["psnr_y_db"], row["ssim_y"]) == pytest.approx(tuple(expected), abs=1e-9)


def test_networks_and_peers_run_next_to_the_filters(folder: Path, tmp_path: Path) -> None:
    rgb = save_upscaler(tmp_path / "rgb.onnx")
    triple = save_upscaler(tmp_path / "triple.onnx", scale=3)
    peer = tmp_path / "peer.py"
    peer.write_text(
        "from dataclasses import replace\n"
        "from kinoloom.enhance.bench.upscalers import FILTERS\n"
        "UPSCALER = replace(FILTERS[0], name='peer', scales=(2,))\n"
    )
    report = bench_sr(folder, upscalers="nearest", models=f"{rgb},{triple}", peer=peer)
    rows = {(row["model"], row["scale"]): row["psnr_y_db"] for row in report.data["rows"]}
    assert list(rows) == [
        *(("nearest", 2), ("rgb", 2), ("peer", 2)),
        *(("nearest", 3), ("triple", 3)),
    ]
    assert rows["rgb", 2] == pytest.approx(rows["nearest", 2], abs=1e-9)
    assert rows["triple", 3] == pytest.approx(rows["nearest", 3], abs=1e-9)
    assert rows["peer", 2] == rows["nearest", 2]


def test_present_tiers_are_contestants_by_default(folder: Path) -> None:
    remove_all(folder, "LR_x3/*")
    found = {row["model"]: row["psnr_y_db"] for row in bench_sr(folder).data["rows"]}
    doubling = {
        one.name: one.file for one in list_upscalers() if open_upscaler(one.file).scale == 2
    }
    assert {"live-x2", "fast-x2"} <= set(doubling)
    assert set(found) == {one.name for one in FILTERS} | set(doubling)
    file = folder.parent / "run" / "live-x2.onnx"
    file.parent.mkdir()
    file.write_bytes(doubling["live-x2"].read_bytes())
    named = bench_sr(folder, upscalers="live-x2", models=str(file)).data["rows"]
    assert [row["model"] for row in named] == ["live-x2", "run/live-x2"]
    assert [row["psnr_y_db"] for row in named] == [found["live-x2"]] * 2


def test_luma_network_replaces_luma_and_keeps_the_chroma_of_a_cubic_filter(tmp_path: Path) -> None:
    network = NetworkUpscaler(save_upscaler(tmp_path / "luma.onnx", channels=1))
    assert (network.channels, network.scale) == (1, 2)
    low = np.full((9, 7, 3), 128, np.uint8)
    low[..., 0], low[4:, 3:, 1] = 150, 100
    large = from_float(network(to_float(low)), np.dtype(np.uint8))
    nearest = find_named(FILTERS, "nearest").build(2)(low)
    assert to_luma(large) == pytest.approx(to_luma(nearest), abs=1.0)
    assert large[0, 0].tolist() == low[0, 0].tolist()
    far = np.abs(large.astype(int)[..., 0] - large[..., 1] - (nearest[..., 0] - nearest[..., 1]))
    assert 3 < far.max() < 50


def test_grey_pictures_are_read_as_rgb(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    assert len(bench_sr(folder, upscalers="nearest").data["rows"]) == 2


def remove_all(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: remove_all(f, "HR/*"), InputNotFoundError, "has no folder HR with pictures"),
        (lambda f: remove_all(f, "LR_x*/*"), InputNotFoundError, "has no LR_x2, LR_x3 or LR_x4"),
        (
            lambda f: remove_all(f, "HR/*_002.png") or remove_all(f, "LR_x3/*_002*"),
            UnreadableMediaError,
            "has 1 pictures in HR, but 2 in LR_x2",
        ),
        (
            lambda f: save(f / "LR_x2/img_002_SRF_2_LR.png", draw_scene(1, 24, 21)),
            UnreadableMediaError,
            r"has 21x24 pixels; img_002.png \(41x49\) reduced by 2 has 20x24",
        ),
        (
            lambda f: (f / "LR_x2/img_002_SRF_2_LR.png").write_bytes(b"\x89PNG"),
            UnreadableMediaError,
            "img_002_SRF_2_LR.png",
        ),
    ],
)
def test_invalid_sets_are_rejected(folder: Path, spoil: Any, error: Any, message: str) -> None:
    spoil(folder)
    with pytest.raises(error, match=message):
        bench_sr(folder, upscalers="nearest")


def test_pictures_of_16_bits_are_rejected(folder: Path) -> None:
    deep = np.zeros((49, 41), np.uint16)
    Image.fromarray(deep).save(folder / "HR/img_001.png")
    with pytest.raises(UnreadableMediaError, match=r"img_001\.png has more than 8 bits"):
        bench_sr(folder, upscalers="nearest")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"upscalers": "cubic"},
            RegistryError,
            "Unknown contestant 'cubic'. Known: nearest",
        ),
        ({"models": "none.onnx"}, WeightsError, "none.onnx"),
        ({"models": "denoiser.onnx"}, WeightsError, "has 2 inputs; an upscaler has one"),
        ({"models": "a/net.onnx,net.onnx"}, UsageError, "Two contestants are named net"),
        ({"peer": "peer.py"}, UsageError, "does not define UPSCALER as kinoloom.enhance.bench"),
    ],
)
def test_invalid_contestants_are_rejected(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    error: Any,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    save_upscaler(tmp_path / "net.onnx")
    save_denoiser(tmp_path / "denoiser.onnx")
    (tmp_path / "peer.py").touch()
    with pytest.raises(error, match=message):
        bench_sr(folder, **options)


def test_result_of_a_wrong_size_is_reported(folder: Path, tmp_path: Path) -> None:
    peer = tmp_path / "peer.py"
    peer.write_text(
        "from kinoloom.enhance.bench.upscalers import Upscaler\n"
        "UPSCALER = Upscaler('wrong', lambda scale: lambda picture: picture)\n"
    )
    with pytest.raises(UsageError, match=r"wrong returned \(24, 20, 3\) uint8 for img_001 x2"):
        bench_sr(folder, upscalers="nearest", peer=peer)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing argument 'DATA'"),
        (["some", "--data", "other"], "DATA is given twice"),
    ],
)
def test_data_is_given_once(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["bench", "sr", *words])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_published_rows_of_lanczos(shared_data: Path) -> None:
    report = bench_sr(shared_data / "enhance" / "set5", upscalers="lanczos4")
    found = {row["scale"]: (row["psnr_y_db"], row["ssim_y"]) for row in report.data["rows"]}
    assert found[2] == pytest.approx((34.45, 0.9377), abs=0.005)
    assert found[4] == pytest.approx((28.89, 0.8202), abs=0.005)
