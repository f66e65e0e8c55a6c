"""`kinoloom bench denoise`: noise, rows, networks, peers and invalid input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_networks import save_denoiser, save_upscaler
from PIL import Image

from kinoloom.enhance.bench.contestants import Source, list_sources
from kinoloom.enhance.bench.denoise import add_noise
from kinoloom.enhance.bench.denoisers import FILTERS, Denoiser
from kinoloom.enhance.networks.denoiser import NetworkDenoiser
from kinoloom.enhance.ops import bench_denoise
from kinoloom.enhance.tiers import Network, list_denoisers
from kinoloom.errors import InputNotFoundError, RegistryError, UsageError, WeightsError

ROW = ["model", "sigma", "psnr_db", "seconds_per_megapixel", "peak_mb"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two smooth pictures of mid brightness, one of odd size."""
    data = tmp_path / "clean"
    data.mkdir()
    for name, (height, width) in {"b.png": (48, 64), "a.png": (41, 39)}.items():
        y, x = np.mgrid[:height, :width]
        planes = [128 + 40 * np.sin(x / 9 + k) * np.cos(y / 11) for k in range(3)]
        Image.fromarray(np.stack(planes, 2).astype(np.uint8)).save(data / name)
    return data


def test_noise_is_that_of_the_seed_and_not_clipped() -> None:
    black = np.zeros((40, 50, 3), np.float32)
    noisy = add_noise(black, 25, 7)
    expected = np.random.default_rng(7).normal(0, 25 / 255, black.shape)
    assert noisy == pytest.approx(expected, abs=1e-7)
    assert noisy.min() < -0.2
    assert noisy.dtype == np.float32


def test_filters_remove_noise(folder: Path) -> None:
    report = bench_denoise(folder, sigma=20)
    assert (report.data["schema"], report.data["data"]) == ("kinoloom.bench.denoise/1", "clean")
    rows = {row["model"]: row for row in report.data["rows"]}
    networks = [one.name for one in list_denoisers()]
    assert list(rows) == ["identity", "gaussian", "bilateral", "nlmeans", *networks]
    assert all(list(row) == ROW and row["sigma"] == 20 for row in rows.values())
    assert rows["identity"]["psnr_db"] == pytest.approx(20 * np.log10(255 / 20), abs=0.2)
    for name in ("gaussian", "bilateral", "nlmeans"):
        assert rows[name]["psnr_db"] > rows["identity"]["psnr_db"] + 4


def test_networks_and_peers_run_next_to_the_filters(folder: Path, tmp_path: Path) -> None:
    network = save_denoiser(tmp_path / "net.onnx", with_noise=False)
    peer = tmp_path / "peer.py"
    peer.write_text(
        "from kinoloom.enhance.bench.denoisers import Denoiser\n"
        "DENOISER = Denoiser('half', lambda: lambda noisy, sigma: noisy * 0 + 0.5)\n"
    )
    report = bench_denoise(folder, denoisers="identity", models=str(network), peer=peer)
    rows = {row["model"]: row["psnr_db"] for row in report.data["rows"]}
    assert list(rows) == ["identity", "net", "half"]
    assert rows["net"] == rows["identity"]
    assert 21 < rows["half"] < 22.5  # a grey picture: the contrast of the clean ones


def test_a_present_network_is_a_contestant(folder: Path, tmp_path: Path) -> None:
    network = Network("clean-net", save_denoiser(tmp_path / "net.onnx"))
    kind = ("DENOISER", Denoiser)
    sources = list_sources("", FILTERS, "", None, kind, [network])
    assert sources[-1] == Source("clean-net", network=network.file)
    assert list_sources("clean-net", FILTERS, "", None, kind, [network]) == sources[-1:]


def test_network_receives_the_noise_and_a_padded_picture(tmp_path: Path) -> None:
    network = NetworkDenoiser(save_denoiser(tmp_path / "net.onnx"))
    picture = np.random.default_rng(2).normal(0.5, 1, (7, 9, 3)).astype(np.float32)
    assert network(picture, 0.25) == pytest.approx(picture + 0.25, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"denoisers": "median"}, RegistryError, "Unknown contestant 'median'. Known: identity"),
        ({"models": "up.onnx"}, WeightsError, r"up\.onnx"),
        ({"models": "none.onnx"}, WeightsError, r"none\.onnx"),
        ({"models": "identity.onnx"}, UsageError, "Two contestants are named identity"),
        ({"peer": "peer.py"}, UsageError, r"peer returned \(1, 2, 3\) uint8 for a.png"),
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
        "from kinoloom.enhance.bench.denoisers import Denoiser\n"
        "wrong = np.zeros((1, 2, 3), np.uint8)\n"
        "DENOISER = Denoiser('peer', lambda: lambda noisy, sigma: wrong)\n"
    )
    with pytest.raises(error, match=message):
        bench_denoise(folder, **({"denoisers": "identity"} | options))


def test_folders_without_pictures_are_rejected(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputNotFoundError, match="contains no pictures"):
            bench_denoise(folder)
