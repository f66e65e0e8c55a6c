"""Training on degraded photos: samples, validation, the run and its preview."""

import dataclasses
import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from kinoloom.enhance.degrade.recipe import apply_recipe
from kinoloom.enhance.ops import train_enhance
from kinoloom.enhance.options import TrainOptions
from kinoloom.enhance.train import presets as presets_module
from kinoloom.enhance.train.presets import PRESETS, UpscalePreset
from kinoloom.enhance.train.samples import degraded
from kinoloom.enhance.train.samples.degraded import DegradedBatches, DegradedPhotos
from kinoloom.errors import UnsupportedMediaError, UsageError
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.synthetic.textures import Photos


@pytest.fixture(autouse=True)
def _narrow(one_core: None) -> None:
    """Run on one core: all networks here are tiny."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos of odd sizes."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("rocket", "coffee", "astronaut"):
        photo = cv2.resize(getattr(pictures, name)(), (151, 121), interpolation=cv2.INTER_AREA)
        Image.fromarray(photo).save(folder / f"{name}.png")
    return folder


def build(
    folder: Path, name: str = "light", *, scale: int = 2, luma: bool = False, seed: int = 3
) -> DegradedBatches:
    return DegradedBatches(Photos(folder), scale, name, 4, 12, seed, luma)


@pytest.mark.parametrize("luma", [False, True])
def test_a_batch_is_its_share_of_the_step_in_any_process(folder: Path, luma: bool) -> None:
    batches = build(folder, luma=luma)
    whole = batches(5, 0, 1)
    channels = 1 if luma else 3
    assert whole["low"].shape == (4, channels, 12, 12)
    assert whole["high"].shape == (4, channels, 24, 24)
    halves = [pickle.loads(pickle.dumps(batches))(5, k, 2) for k in range(2)]  # noqa: S301
    for name, planes in whole.items():
        np.testing.assert_array_equal(planes, np.concatenate([half[name] for half in halves]))
    assert not np.array_equal(whole["low"], batches(6, 0, 1)["low"])


@pytest.mark.parametrize("scale", [2, 4])
def test_pairs_show_the_same_place(
    folder: Path, scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without degradation, the reduced crop is the reduction of the other."""

    def reduce(picture: np.ndarray, recipe: object) -> np.ndarray:
        size = picture.shape[1] // scale, picture.shape[0] // scale
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))

    monkeypatch.setattr(degraded, "apply_recipe", reduce)
    photos = Photos(folder)
    low, high = (build_scaled(photos, scale)(0, 0, 1)[name] for name in ("low", "high"))
    for small, large in zip(low, high, strict=True):
        expected = large.reshape(3, 4, scale, 4, scale).mean(axis=(2, 4))
        np.testing.assert_allclose(small, expected, atol=1 / 255)


def build_scaled(photos: Photos, scale: int) -> DegradedBatches:
    return DegradedBatches(photos, scale, "light", 4, 4, 3, luma=False)


def test_every_sample_has_its_own_degradation(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = []

    def record(picture: np.ndarray, recipe: object) -> np.ndarray:
        recipes.append(recipe)
        return apply_recipe(picture, recipe)  # type: ignore[arg-type]

    monkeypatch.setattr(degraded, "apply_recipe", record)
    build(folder)(0, 0, 1)
    assert len(recipes) == len({recipe.seed for recipe in recipes}) == 4  # type: ignore[attr-defined]


def test_degraded_samples_are_worse_than_clean_ones(folder: Path) -> None:
    def measure(name: str) -> float:
        batch = build(folder, name)(0, 0, 1)
        high = batch["high"].reshape(4, 3, 12, 2, 12, 2).mean(axis=(3, 5))
        return float(np.abs(batch["low"] - high).mean())

    assert measure("heavy") > measure("light") > 0.005


def test_held_out_photos_are_degraded_always_the_same(folder: Path) -> None:
    photos = DegradedPhotos(Photos(folder), 2, "realesrgan", 3)
    assert len(photos) == 3
    low, high = photos[1]
    assert (low.shape, high.shape) == ((60, 75, 3), (120, 150, 3))
    np.testing.assert_array_equal(low, photos[1][0])
    np.testing.assert_array_equal(high, photos.photos[1][:120, :150])
    assert not np.array_equal(low, DegradedPhotos(Photos(folder), 2, "realesrgan", 4)[1][0])


def test_small_photos_are_named(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((70, 70, 3), np.uint8)).save(tmp_path / "tiny.png")
    batches = DegradedBatches(Photos(tmp_path), 2, "light", 4, 32, 3, luma=False)
    with pytest.raises(UnsupportedMediaError, match=r"tiny.png has 70x70 .* at least 96x96"):
        batches(0, 0, 1)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset small with a tiny network and few steps."""
    preset = PRESETS["small"]
    assert isinstance(preset, UpscalePreset)
    settings = dataclasses.replace(
        preset.settings, steps=3, batch=4, loaders=0, save_s=None, tensorboard=False
    )
    changed = dataclasses.replace(preset, settings=settings, channels=6, blocks=1, low_px=12)
    monkeypatch.setitem(presets_module.PRESETS, "small", changed)


@pytest.mark.usefixtures("few_steps")
def test_a_run_trains_on_degraded_photos_and_says_so(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = TrainOptions(preset="small", degradation="light", out=out)
    report = train_enhance(folder, options)
    assert report.data["ended"] == "done"
    assert (out / "small-x2-light.onnx").is_file()
    card = json.loads((out / "card.json").read_text())
    assert "with the degradation light" in card["summary"]
    _, info = read_weights(out / "best.safetensors")
    assert info["record"]["degradation"] == "light"
    with pytest.raises(UsageError):  # the run is not resumed with other data
        train_enhance(folder, dataclasses.replace(options, degradation="heavy"))


@pytest.mark.usefixtures("few_steps")
def test_preview_shows_degraded_samples(folder: Path) -> None:
    report = train_enhance(folder, TrainOptions(preset="small", degradation="heavy", preview=True))
    clean = train_enhance(folder, TrainOptions(preset="small", preview=True))
    assert report.sections[1] != clean.sections[1]
    assert report.data["photos"] == clean.data["photos"] == 2


def test_denoising_takes_no_degradation(folder: Path) -> None:
    options = TrainOptions(preset="denoise", degradation="light", preview=True)
    with pytest.raises(UsageError, match="--degradation does not apply to the preset denoise"):
        train_enhance(folder, options)
