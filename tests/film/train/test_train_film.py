"""The command `train film` on small videos with small networks."""

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from kinoloom.base.clip import Clip, Frame
from kinoloom.errors import InputNotFoundError, UsageError, WeightsError
from kinoloom.film.cards import FUSION
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.deep import DEEP
from kinoloom.film.nets import film_net
from kinoloom.film.nets.flow_net import FlowNet
from kinoloom.film.nets.fusion_net import FusionNet, FusionSize
from kinoloom.film.ops import train_film
from kinoloom.film.train import presets as presets_module
from kinoloom.film.train.export import export_fusion
from kinoloom.film.train.presets import PRESETS, FilmPreset, FusionPreset
from kinoloom.learn.checkpointing.initial_weights import load_initial_weights
from kinoloom.learn.checkpointing.weights import read_weights, write_weights


def texture(height: int, width: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3)
    spread = (blurred - blurred.mean()) / blurred.std() * 50 + 128
    return np.asarray(np.clip(spread, 0, 255), np.uint8)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a folder with a pan of 60 frames."""
    from kinoloom.media.files import write

    place = tmp_path_factory.mktemp("videos")
    scene = texture(176, 208 + 60 * 6, 0)
    frames = [
        Frame(np.ascontiguousarray(scene[:, 6 * k : 6 * k + 208]), Fraction(k, 25), Fraction(1, 25))
        for k in range(60)
    ]
    write(Clip.from_frames(frames, rate=Fraction(25)), place / "pan.mp4")
    return place


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a folder with a pan over a photo, large enough for regions."""
    from kinoloom.media.files import write

    place = tmp_path_factory.mktemp("footage")
    scene = cv2.resize(data.rocket(), None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(0)
    frames = []
    for k in range(60):
        noisy = scene[40:312, 3 * k : 3 * k + 272] + rng.normal(0, 6, (272, 272, 3))
        picture = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
        frames.append(Frame(picture, Fraction(k, 25), Fraction(1, 25)))
    write(Clip.from_frames(frames, rate=Fraction(25)), place / "pan.mp4")
    return place


def test_trained_fusion_is_exported_and_usable(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = PRESETS["fusion"]
    assert isinstance(published, FusionPreset)
    few = dataclasses.replace(published.settings, steps=2, batch=2, loaders=0, save_s=None)
    small = dataclasses.replace(published, settings=few, samples=4, held_out=2)
    monkeypatch.setitem(presets_module.PRESETS, "fusion", small)
    report = train_film(footage, out=tmp_path / "run")
    assert report.data["steps"] == 2
    assert report.data["figures"].keys() == report.data["before"].keys() == {"psnr_db", "gain_db"}
    assert report.data["before"]["gain_db"] == pytest.approx(0, abs=0.02)
    start = tmp_path / "run" / "best.safetensors"
    (tmp_path / "tuned").mkdir()
    for name in ("prepared", "held"):
        (tmp_path / "tuned" / name).symlink_to(tmp_path / "run" / name)
    tuned = train_film(footage, out=tmp_path / "tuned", from_=start)
    assert tuned.data["before"]["psnr_db"] == pytest.approx(report.data["best"], abs=1e-3)
    weights = tmp_path / "run" / "fusion.onnx"
    engine = DEEP.build(EngineOptions(1_000_000_000, weights=weights))
    frames = [texture(64, 80, 1), texture(64, 80, 2)]
    result = [frame for frame, _ in engine.interpolate(*frames, [0.25, 0.5])]
    assert [picture.shape for picture in result] == [(64, 80, 3)] * 2


def test_initial_weights_of_another_network_are_rejected(tmp_path: Path) -> None:
    write_weights(tmp_path / "other.safetensors", FlowNet(8).state_dict(), {})
    with pytest.raises(
        WeightsError, match=r"other\.safetensors contains another network: it lacks"
    ):
        load_initial_weights(FusionNet(), tmp_path / "other.safetensors")
    write_weights(tmp_path / "wider.safetensors", FusionNet(FusionSize(half=24)).state_dict(), {})
    with pytest.raises(WeightsError, match=r"of shape \(20, 5, 4, 4\)"):
        load_initial_weights(FusionNet(), tmp_path / "wider.safetensors")


def test_training_starts_from_the_shipped_weights(tmp_path: Path) -> None:
    assert FUSION.file is not None
    net, copied = FusionNet(), tmp_path / "again.onnx"
    load_initial_weights(net, FUSION.file)
    export_fusion(net, copied)
    assert copied.read_bytes() == FUSION.file.read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a network"])
def test_initial_weights_that_are_no_onnx_model_are_rejected(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "other.onnx").write_bytes(content)
    with pytest.raises(WeightsError, match=r"other\.onnx"):
        load_initial_weights(FusionNet(), tmp_path / "other.onnx")


def test_unsuitable_footage_is_rejected(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinoloom.film.train.samples.preparation.prepare_samples", lambda *given: 0)
    with pytest.raises(UsageError, match=r"None of 24 samples of .* is suitable for training"):
        train_film(footage, preset="fusion", out=tmp_path / "run")


@pytest.mark.parametrize("preset", ["paper-l1", "paper-style"])
def test_film_trains_with_the_published_losses(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    """A small network of the same structure takes a few steps on small crops."""
    small = film_net.FilmOptions(4, 3, 2, 2, (8, 8), (1, 1))
    monkeypatch.setattr(film_net, "FilmOptions", lambda: small)
    monkeypatch.setattr("kinoloom.film.train.tasks.film.VALIDATION_SAMPLES", 2)
    published = PRESETS[preset]
    assert isinstance(published, FilmPreset)
    few = dataclasses.replace(published.settings, steps=2, batch=2, loaders=0, save_s=None)
    monkeypatch.setitem(
        presets_module.PRESETS, preset, dataclasses.replace(published, settings=few, crop_px=64)
    )
    if preset == "paper-style":
        monkeypatch.setattr("kinoloom.learn.losses.vgg_weights.load_vgg", _random_vgg)
    report = train_film(videos, preset=preset, out=tmp_path / "run")
    assert report.data["steps"] == 2
    assert np.isfinite(report.data["figures"]["psnr_db"])
    assert list((tmp_path / "run" / "samples").glob("frame_and_truth-*.png"))
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    _, record = read_weights(tmp_path / "run" / "best.safetensors")
    if preset == "paper-style":
        assert "VGG-19" in json.dumps(record)
    apart = train_film(videos, preset=preset, out=tmp_path / "apart", unshared=True)
    assert apart.data["parameters"] > report.data["parameters"]
    with pytest.raises(UsageError, match="unshared"):
        train_film(videos, preset=preset, out=tmp_path / "apart")


def _random_vgg(path: Path | None) -> torch.nn.Module:
    """Build VGG-19 with random weights, as the published ones are not shipped."""
    from kinoloom.learn.losses.vgg import layer_names, layer_shapes
    from kinoloom.learn.losses.vgg_weights import FILM_LAYERS, build_vgg

    generator = torch.Generator().manual_seed(0)
    state = {}
    for index, shape in zip(_CONV_INDICES, layer_shapes(19), strict=True):
        state[f"features.{index}.weight"] = torch.randn(shape, generator=generator) * 0.05
        state[f"features.{index}.bias"] = torch.zeros(shape[0])
    assert len(layer_names(19)) == len(_CONV_INDICES)
    return build_vgg(state, "random", FILM_LAYERS)


_CONV_INDICES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
"""Indices of the convolutions of VGG-19 in torchvision's list of layers."""


def test_paper_presets_match_the_published_recipe() -> None:
    published = {
        "optimiser": "adam",
        "learning_rate": 1e-4,
        "steps": 3_000_000,
        "schedule": "staircase",
        "decay": 0.464158,
        "decay_steps": 750_000,
        "batch": 8,
        "weight_decay": 0,
        "ema": 0,
        "clip": None,
    }
    for name in ("paper-l1", "paper-vgg", "paper-style"):
        settings = PRESETS[name].settings
        found = dataclasses.asdict(settings)
        assert {name: found[name] for name in published} == published


def test_preview_shows_samples(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = dataclasses.replace(PRESETS["paper-l1"], crop_px=96)
    monkeypatch.setitem(presets_module.PRESETS, "paper-l1", small)
    report = train_film(videos, preset="paper-l1", preview=True)
    assert report.data["parts"] == {"videos": 1.0}
    picture = report.sections[-1]
    assert picture.data.startswith(b"\x89PNG")  # type: ignore[union-attr]


def test_invalid_options_are_rejected(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="paper-l1"):
        train_film(videos, preset="papr-l1", out=tmp_path)
    with pytest.raises(UsageError, match="--unshared does not apply to the preset fusion"):
        train_film(videos, preset="fusion", out=tmp_path, unshared=True)
    with pytest.raises(UsageError, match="'refine' was removed"):
        train_film(videos, preset="refine", out=tmp_path)
    with pytest.raises(UsageError, match="--out"):
        train_film(videos, preset="paper-l1")
    with pytest.raises(InputNotFoundError):
        train_film(tmp_path / "none", preset="paper-l1", out=tmp_path / "run")
