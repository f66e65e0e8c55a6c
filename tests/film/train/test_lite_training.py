"""Training of LiteNet: crops and their motion, parts, the task, the command."""

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
from kinoloom.film.train import lite_task as task_module
from kinoloom.film.train import presets as presets_module
from kinoloom.film.train.crops import CROP_PX, Crop, crops
from kinoloom.film.train.lite_task import WEIGHTS, lite_task, losses
from kinoloom.film.train.preparing import prepare, save_arrays
from kinoloom.film.train.presets import PRESETS, LitePreset
from kinoloom.learn.data.source import FrameTriplet, SyntheticSource
from kinoloom.learn.loop import train
from kinoloom.learn.settings import Settings
from kinoloom.learn.synthetic.scenes import SceneOptions
from kinoloom.learn.synthetic.textures import Photos
from kinoloom.motion.flow import pixel_grid, sample

SMALL = LiteSize(seen=8, block=12, kept=4, last=8, depth=2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("photos")
    for k in range(3):
        Image.fromarray(texture(260, 300, k)).save(place / f"{k}.png")
    return place


@dataclass(frozen=True)
class Pans:
    """Pans to the left by 12 pixels, and a source of them."""

    def draw(self, index: int, seed: int) -> FrameTriplet:
        return FrameTriplet(pan(240, 320, 6), 0.5, f"pan {index}")


def scene_crop(photos: Path, index: int) -> Crop:
    options = SceneOptions(size_px=CROP_PX, blurred=0, layers=(1, 2))
    scene = SyntheticSource(Photos(photos), options).draw(index, 0)
    return next(crops(scene, np.random.default_rng(0)))


def explained(crop: Crop) -> float:
    """The median difference of the better sample along the motion from the middle frame."""
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


def test_the_motion_of_a_pan_is_found() -> None:
    found = list(crops(Pans().draw(0, 0), np.random.default_rng(0)))
    assert len(found) == 3
    for crop in found:
        assert crop.frames.shape == (3, CROP_PX, CROP_PX, 3)
        inner = crop.motion[8:-8, 16:-16].astype(float)
        assert np.abs(inner - np.array([-6, 0, -6, 0])).mean() < 0.3  # half the pixels
        assert crop.trust.mean() > 0.8
        assert explained(crop) < 4


@pytest.mark.parametrize("index", range(3))
def test_the_motion_of_a_scene_is_the_true_one(photos: Path, index: int) -> None:
    crop = scene_crop(photos, index)
    assert crop.trust.min() == 1
    assert explained(crop) < 6


def test_small_frames_and_another_scene_give_nothing() -> None:
    rng = np.random.default_rng(0)
    assert not list(crops(FrameTriplet(pan(120, 400, 4), 0.5, ""), rng))
    noise = [np.random.default_rng(k).integers(0, 256, (240, 320, 3), np.uint8) for k in range(3)]
    noise[1] = np.zeros_like(noise[1])
    assert not list(crops(FrameTriplet((noise[0], noise[1], noise[2]), 0.5, ""), rng))


def test_turns_and_parts_keep_motion_and_frames_together(photos: Path) -> None:
    crop = scene_crop(photos, 1)
    before = explained(crop)
    seen = set()
    for seed in range(16):
        turned = task_module._turned(crop, np.random.default_rng(seed))
        part = task_module._part(turned, 160, np.random.default_rng(seed))
        assert part.frames.shape == (3, 160, 160, 3)
        assert explained(turned) == pytest.approx(before, abs=0.3)
        seen.add(tuple(np.sign(turned.motion.astype(float).mean((0, 1)))))
    assert len(seen) > 3


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two crops of a pan by 4 pixels, whose middle frame is darker by a tenth."""
    place = tmp_path_factory.mktemp("prepared")
    motion = np.tile(np.array([-2, 0], np.float16), (CROP_PX // 2, CROP_PX // 2, 2))
    for k in range(2):
        scene = texture(CROP_PX, CROP_PX + 4, k)
        frames = np.stack([scene[:, 2 * shift : 2 * shift + CROP_PX] for shift in range(3)])
        frames[1] = np.clip(frames[1].astype(int) - 25, 0, 255)
        save_arrays(place / f"{k}.npz", Crop(0.5, frames, motion, np.ones_like(motion[..., 0])))
    return place


def test_samples_are_prepared_in_other_processes(tmp_path: Path) -> None:
    assert prepare(Pans(), tmp_path, 1, 0, 1, crops) == 3
    found = [task_module._load(file) for file in sorted(tmp_path.glob("*.npz"))]
    assert [crop.time for crop in found] == [0.5] * 3
    assert found[0].frames.dtype == np.uint8


def test_all_terms_reach_the_network(prepared: Path) -> None:
    torch.manual_seed(0)
    net = LiteNet(SMALL)
    nn.init.normal_(net.answer.weight, std=0.01)  # zeros keep errors from all before it
    task = lite_task(net, prepared, prepared, Settings(batch=2), {})
    batch = {name: torch.from_numpy(value) for name, value in task.batch(0, 0, 1).items()}
    terms = losses(net, batch, WEIGHTS)
    assert set(terms) == set(WEIGHTS)
    for name in ("l1", "laplacian"):
        net.zero_grad()
        terms[name].backward(retain_graph=True)
        assert net.paint.weight.grad is not None
        assert float(net.paint.weight.grad.abs().max()) > 0
        assert float(net.answer.weight.grad.abs().max()) > 0  # type: ignore[union-attr]
    net.zero_grad()
    (alone,) = losses(net, batch, {"motion": 1.0}).values()
    torch.testing.assert_close(alone, terms["motion"])
    alone.backward()
    assert net.paint.weight.grad is None
    assert net.strictness.grad is not None
    assert float(net.look[0][0].weight.grad.abs().max()) > 0  # type: ignore[index, union-attr]


def test_motion_alone_is_learned_first(prepared: Path) -> None:
    task = lite_task(LiteNet(SMALL), prepared, prepared, Settings(batch=2, steps=10), {})
    terms = [set(task.weights_at(step)) for step in range(10)]
    assert terms == [{"motion"}] * 5 + [set(WEIGHTS)] * 5


def test_what_light_is_missing_is_soon_learned(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_module, "PART_PX", 64)
    monkeypatch.setattr(task_module, "_turned", lambda crop, rng: crop)
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
    monkeypatch.setattr(task_module, "_MOTION_ALONE", 0.0)
    task = lite_task(net, prepared, prepared, settings, {})
    assert task.validate is not None
    net.eval()
    with torch.no_grad():
        before = task.validate(net)
    result = train(task, settings, tmp_path / "run")
    assert result.figures["psnr_db"] > before["psnr_db"] + 6
    assert list((tmp_path / "run" / "samples").glob("made_and_truth-*.png"))


def test_folders_without_crops_are_told(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="nothing prepared"):
        lite_task(LiteNet(SMALL), prepared, tmp_path, Settings(), {})


def test_wrong_weights_are_told_before_anything_is_prepared(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"refine\.onnx is of another network"):
        train_film(photos, preset="lite", out=tmp_path / "run", from_=Path("refine"), steps=2)
    assert not (tmp_path / "run" / "held").exists()


def test_lite_is_trained_stored_as_onnx_and_used(
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
    assert report.data["figures"].keys() == {"psnr_db", "astray"}
    start = tmp_path / "run" / "best.safetensors"
    tuned = train_film(photos, preset="lite", out=tmp_path / "tuned", from_=start, steps=2)
    assert tuned.data["before"]["psnr_db"] == pytest.approx(report.data["best"], abs=1e-3)
    with pytest.raises(UsageError, match="lite trains another"):
        train_film(photos, preset="lite", out=tmp_path / "run", unshared=True)

    engine = LITE.make(EngineOptions(1_000_000_000, weights=tmp_path / "run" / "lite.onnx"))
    first, _, second = pan(66, 98, 3)
    made = list(engine.between(first, second, [0.25, 0.5]))
    assert [picture.shape for picture in made] == [first.shape] * 2


def small_size(kind: type[LiteSize]) -> Callable[[], LiteSize]:
    return lambda: kind(**vars(SMALL))
