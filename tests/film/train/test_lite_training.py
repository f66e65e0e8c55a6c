"""Training of LiteNet: crops and their motion, augmentation, the task and the command."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pans import pan, texture
from PIL import Image
from torch import nn

from kinoloom.errors import InputNotFoundError, UsageError, WeightsError
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.lite import LITE
from kinoloom.film.nets import lite_net
from kinoloom.film.nets.lite_net import LiteNet, LiteSize
from kinoloom.film.ops import train_film
from kinoloom.film.train import presets as presets_module
from kinoloom.film.train.presets import PRESETS, LitePreset
from kinoloom.film.train.samples.crops import CROP_PX, Crop, extract_crops
from kinoloom.film.train.samples.preparation import prepare_samples, save_arrays
from kinoloom.film.train.tasks import lite as task_module
from kinoloom.film.train.tasks.lite import LOSS_WEIGHTS, build_lite_task, compute_losses
from kinoloom.learn.data.source import FrameTriplet, SyntheticSource
from kinoloom.learn.loop import train
from kinoloom.learn.settings import Settings
from kinoloom.learn.synthetic.scenes import SceneOptions
from kinoloom.learn.synthetic.textures import Photos
from kinoloom.motion.flow import pixel_grid, sample

SMALL = LiteSize(encoder=8, block=12, state=4, head=8, depth=2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("photos")
    for k in range(3):
        Image.fromarray(texture(260, 300, k)).save(place / f"{k}.png")
    return place


@dataclass(frozen=True)
class Pans:
    """A source of pans to the left by 12 pixels."""

    def draw(self, index: int, seed: int) -> FrameTriplet:
        return FrameTriplet(pan(240, 320, 6), 0.5, f"pan {index}")


def scene_crop(photos: Path, index: int) -> Crop:
    options = SceneOptions(size_px=CROP_PX, blurred=0, layers=(1, 2))
    scene = SyntheticSource(Photos(photos), options).draw(index, 0)
    return next(extract_crops(scene, np.random.default_rng(0)))


def measure_residual(crop: Crop) -> float:
    """Return the median error of the better motion-compensated sample."""
    first, truth, second = (
        cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.float32)
        for frame in crop.frames
    )
    here = pixel_grid(*truth.shape[:2])
    motion = crop.motion.astype(np.float32)
    before = sample(first, here - np.float32(crop.time) * motion[..., :2])
    after = sample(second, here + np.float32(1 - crop.time) * motion[..., 2:])
    apart = [np.abs(each - truth).mean(2) for each in (before, after)]
    return float(np.median(np.minimum(*apart)))


def test_motion_of_a_pan_is_found() -> None:
    found = list(extract_crops(Pans().draw(0, 0), np.random.default_rng(0)))
    assert len(found) == 3
    for crop in found:
        assert crop.frames.shape == (3, CROP_PX, CROP_PX, 3)
        inner = crop.motion[8:-8, 16:-16].astype(float)
        assert np.abs(inner - np.array([-6, 0, -6, 0])).mean() < 0.3  # half the pixels
        assert crop.trust.mean() > 0.8
        assert measure_residual(crop) < 4


@pytest.mark.parametrize("index", range(3))
def test_motion_of_a_scene_is_the_true_one(photos: Path, index: int) -> None:
    crop = scene_crop(photos, index)
    assert crop.trust.min() == 1
    assert measure_residual(crop) < 6


def test_small_or_unrelated_frames_give_no_crops() -> None:
    rng = np.random.default_rng(0)
    assert not list(extract_crops(FrameTriplet(pan(120, 400, 4), 0.5, ""), rng))
    noise = [np.random.default_rng(k).integers(0, 256, (240, 320, 3), np.uint8) for k in range(3)]
    noise[1] = np.zeros_like(noise[1])
    assert not list(extract_crops(FrameTriplet((noise[0], noise[1], noise[2]), 0.5, ""), rng))


def test_augmentation_and_patches_keep_motion_and_frames_aligned(photos: Path) -> None:
    crop = scene_crop(photos, 1)
    before = measure_residual(crop)
    seen = set()
    for seed in range(16):
        augmented = task_module._augment(crop, np.random.default_rng(seed))
        part = task_module._cut_patch(augmented, 160, np.random.default_rng(seed))
        assert part.frames.shape == (3, 160, 160, 3)
        assert measure_residual(augmented) == pytest.approx(before, abs=0.3)
        seen.add(tuple(np.sign(augmented.motion.astype(float).mean((0, 1)))))
    assert len(seen) > 3


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store two crops of a pan by 4 pixels whose middle frame is darker by a tenth."""
    place = tmp_path_factory.mktemp("prepared")
    motion = np.tile(np.array([-2, 0], np.float16), (CROP_PX // 2, CROP_PX // 2, 2))
    for k in range(2):
        scene = texture(CROP_PX, CROP_PX + 4, k)
        frames = np.stack([scene[:, 2 * shift : 2 * shift + CROP_PX] for shift in range(3)])
        frames[1] = np.clip(frames[1].astype(int) - 25, 0, 255)
        save_arrays(place / f"{k}.npz", Crop(0.5, frames, motion, np.ones_like(motion[..., 0])))
    return place


def test_samples_are_prepared_in_worker_processes(tmp_path: Path) -> None:
    assert prepare_samples(Pans(), tmp_path, 1, 0, 1, extract_crops) == 3
    found = [task_module._load_crop(file) for file in sorted(tmp_path.glob("*.npz"))]
    assert [crop.time for crop in found] == [0.5] * 3
    assert found[0].frames.dtype == np.uint8


def test_every_loss_term_has_gradients(prepared: Path) -> None:
    torch.manual_seed(0)
    net = LiteNet(SMALL)
    nn.init.normal_(net.answer.weight, std=0.01)  # with zero weights no gradient passes
    task = build_lite_task(net, prepared, prepared, Settings(batch=2), {})
    batch = {name: torch.from_numpy(value) for name, value in task.batch(0, 0, 1).items()}
    terms = compute_losses(net, batch, LOSS_WEIGHTS)
    assert set(terms) == set(LOSS_WEIGHTS)
    for name in ("l1", "laplacian"):
        net.zero_grad()
        terms[name].backward(retain_graph=True)
        assert net.paint.weight.grad is not None
        assert float(net.paint.weight.grad.abs().max()) > 0
        assert float(net.answer.weight.grad.abs().max()) > 0  # type: ignore[union-attr]
    net.zero_grad()
    (alone,) = compute_losses(net, batch, {"motion": 1.0}).values()
    torch.testing.assert_close(alone, terms["motion"])
    alone.backward()
    assert net.paint.weight.grad is None
    assert net.strictness.grad is not None
    assert float(net.look[0][0].weight.grad.abs().max()) > 0  # type: ignore[index, union-attr]


def test_training_starts_with_the_motion_loss(prepared: Path) -> None:
    task = build_lite_task(LiteNet(SMALL), prepared, prepared, Settings(batch=2, steps=10), {})
    terms = [set(task.weights_at(step)) for step in range(10)]
    assert terms == [{"motion"}] * 5 + [set(LOSS_WEIGHTS)] * 5


def test_colour_residual_is_learned_quickly(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_module, "PATCH_PX", 64)
    monkeypatch.setattr(task_module, "_augment", lambda crop, rng: crop)
    torch.manual_seed(0)
    net = LiteNet(SMALL)
    settings = Settings(
        steps=50,
        batch=2,
        optimiser="adamw",
        learning_rate=1e-3,
        warmup_steps=20,
        clip=1.0,
        loaders=0,
        validate_s=None,
        validate_steps=50,
        save_s=None,
        log_steps=50,
        tensorboard=False,
    )
    monkeypatch.setattr(task_module, "_MOTION_ONLY_FRACTION", 0.0)
    task = build_lite_task(net, prepared, prepared, settings, {})
    assert task.validate is not None
    net.eval()
    with torch.no_grad():
        before = task.validate(net)
    result = train(task, settings, tmp_path / "run")
    assert result.figures["psnr_db"] > before["psnr_db"] + 6
    assert list((tmp_path / "run" / "samples").glob("frame_and_truth-*.png"))


def test_folder_without_crops_is_rejected(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="contains no prepared samples"):
        build_lite_task(LiteNet(SMALL), prepared, tmp_path, Settings(), {})


def test_wrong_initial_weights_are_rejected_before_preparation(
    photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match=r"refine\.onnx contains another network"):
        train_film(photos, preset="lite", out=tmp_path / "run", from_=Path("refine"), steps=2)
    assert not (tmp_path / "run" / "held").exists()


def test_trained_lite_is_exported_and_usable(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = PRESETS["lite"]
    assert isinstance(preset, LitePreset)
    few = replace(preset.settings, batch=2, loaders=0, save_s=None)
    monkeypatch.setitem(
        presets_module.PRESETS, "lite", replace(preset, settings=few, samples=2, held_out=2)
    )
    monkeypatch.setattr(lite_net, "LiteSize", small_size(lite_net.LiteSize))
    report = train_film(photos, preset="lite", out=tmp_path / "run", steps=2)
    assert report.data["steps"] == 2
    assert report.data["figures"].keys() == {"psnr_db", "motion_error"}
    start = tmp_path / "run" / "best.safetensors"
    tuned = train_film(photos, preset="lite", out=tmp_path / "tuned", from_=start, steps=2)
    assert tuned.data["before"]["psnr_db"] == pytest.approx(report.data["best"], abs=1e-3)
    with pytest.raises(UsageError, match="--unshared does not apply to the preset lite"):
        train_film(photos, preset="lite", out=tmp_path / "run", unshared=True)

    engine = LITE.build(EngineOptions(1_000_000_000, weights=tmp_path / "run" / "lite.onnx"))
    first, _, second = pan(66, 98, 3)
    frames = list(engine.interpolate(first, second, [0.25, 0.5]))
    assert [picture.shape for picture in frames] == [first.shape] * 2


def small_size(kind: type[LiteSize]) -> Callable[[], LiteSize]:
    return lambda: kind(**vars(SMALL))
