"""The command `train enhance` with small networks on small photos."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from skimage import data as pictures

from kinoloom.base import registry
from kinoloom.base.options import options_of
from kinoloom.base.provenance import sha256
from kinoloom.enhance.nets.compact import Compact
from kinoloom.enhance.nets.ffdnet import FFDNet
from kinoloom.enhance.nets.luma import Luma
from kinoloom.enhance.ops import train_enhance
from kinoloom.enhance.options import TrainOptions
from kinoloom.enhance.train import presets as presets_module
from kinoloom.enhance.train.export import Network, export_network
from kinoloom.enhance.train.presets import PRESETS, Preset
from kinoloom.enhance.train.tasks import denoise, upscale
from kinoloom.enhance.train.tasks.objective import build_loss_weights, compute_terms
from kinoloom.errors import InputNotFoundError, UsageError, WeightsError
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.logging.writers import read_log
from kinoloom.metrics import psnr_y, resize_bicubic
from kinoloom.runtime.onnx import OnnxModel

SMALL: dict[str, dict[str, int]] = {
    "live": {"channels": 4, "blocks": 1, "low_px": 16},
    "fast": {"channels": 4, "blocks": 1, "low_px": 16},
    "small": {"channels": 6, "blocks": 1, "low_px": 16},
    "denoise": {"channels": 12, "layers": 3, "crop_px": 32},
}


@pytest.fixture(autouse=True)
def _narrow(one_core: None) -> None:
    """Run on one core: all networks here are tiny."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos of odd sizes."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("rocket", "coffee", "astronaut", "chelsea"):
        photo = getattr(pictures, name)()
        photo = cv2.resize(photo, (151, 121), interpolation=cv2.INTER_AREA)
        Image.fromarray(photo).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every preset with a smaller network and few steps."""
    for name, size in SMALL.items():
        preset: Preset = PRESETS[name]
        settings = dataclasses.replace(
            preset.settings,
            steps=4,
            batch=4,
            loaders=0,
            save_s=None,
            validate_s=None,
            tensorboard=False,
        )
        changed = dataclasses.replace(preset, settings=settings, **size)  # type: ignore[arg-type]
        monkeypatch.setitem(presets_module.PRESETS, name, changed)


@pytest.mark.parametrize(
    ("preset", "scale", "file"),
    [("live", None, "live-x2"), ("small", 4, "small-x4"), ("denoise", None, "denoise")],
)
@pytest.mark.usefixtures("few_steps")
def test_a_run_exports_the_best_weights_with_a_card(
    photos: Path, tmp_path: Path, preset: str, scale: int | None, file: str
) -> None:
    run = tmp_path / "run"
    report = train_enhance(photos, preset=preset, scale=scale, out=run)
    assert report.data["ended"] == "done"
    assert (report.data["photos"], report.data["held_out"]) == (3, 1)
    metric = "psnr_db" if preset == "denoise" else "psnr_y_db"
    assert report.data["figures"].keys() == {metric, "gain_db"}
    assert len(list((run / "samples").iterdir())) == 2
    card = json.loads((run / "card.json").read_text())
    weights = run / f"{file}.onnx"
    assert (card["name"], card["file"]) == (file, f"{file}.onnx")
    assert card["sha256"] == sha256(weights)
    assert card["size_bytes"] == weights.stat().st_size
    assert card["trained_on"] == ["chelsea.png", "coffee.png", "rocket.png"]
    assert card["settings"]["steps"] == 4
    assert card["parameters"] == report.data["parameters"]
    assert card["figures"][metric] == pytest.approx(report.data["best"])
    kept, _ = read_weights(run / "best.safetensors")
    assert kept.keys() == read_weights(run / "last.safetensors")[0].keys()
    assert OnnxModel(weights).inputs == (("image", "noise") if preset == "denoise" else ("image",))


@pytest.mark.usefixtures("few_steps")
def test_training_improves_and_ends_with_the_second_loss(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(
        PRESETS["live"].settings, steps=150, batch=8, log_steps=25, learning_rate=5e-3, ema=0.9
    )
    larger = dataclasses.replace(PRESETS["live"], settings=settings, channels=8)
    monkeypatch.setitem(presets_module.PRESETS, "live", larger)
    whole = train_enhance(photos, out=tmp_path / "whole")
    assert whole.data["figures"]["gain_db"] > whole.data["before"]["gain_db"] + 0.1
    losses = [line for line in read_log(tmp_path / "whole") if line["kind"] == "train"]
    assert [line["terms"].keys() for line in losses] == [{"l1"}] * 4 + [{"l1", "l2"}, {"l2"}]


@pytest.mark.usefixtures("few_steps")
def test_a_run_resumes_only_with_equal_photos_and_sizes(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tmp_path / "photos"
    copies.mkdir()
    for file in photos.iterdir():
        (copies / file.name).write_bytes(file.read_bytes())
    first = train_enhance(copies, out=tmp_path / "run")
    again = train_enhance(copies, out=tmp_path / "run")
    assert again.data["figures"] == first.data["figures"]
    (copies / "rocket.png").rename(copies / "zebra.png")
    with pytest.raises(UsageError, match="run contains a run with other record: names_sha256 was"):
        train_enhance(copies, out=tmp_path / "run")
    wider = dataclasses.replace(presets_module.PRESETS["live"], channels=6)
    monkeypatch.setitem(presets_module.PRESETS, "live", wider)
    with pytest.raises(UsageError, match="other record: channels was 4, is 6"):
        train_enhance(copies, out=tmp_path / "run")


@pytest.mark.usefixtures("few_steps")
def test_training_starts_from_other_weights(photos: Path, tmp_path: Path) -> None:
    first = train_enhance(photos, preset="denoise", out=tmp_path / "first")
    best = tmp_path / "first" / "best.safetensors"
    again = train_enhance(photos, preset="denoise", out=tmp_path / "again", from_=best)
    assert again.data["before"]["psnr_db"] == pytest.approx(first.data["best"], abs=1e-4)
    with pytest.raises(WeightsError, match=r"best\.safetensors contains another network"):
        train_enhance(photos, preset="live", out=tmp_path / "other", from_=best)


@pytest.mark.usefixtures("few_steps")
def test_the_test_set_is_reported_and_does_not_select_weights(photos: Path, tmp_path: Path) -> None:
    for scale in (1, 2):
        folder = tmp_path / "set" / ("HR" if scale == 1 else f"LR_x{scale}")
        folder.mkdir(parents=True)
        truth = np.ascontiguousarray(pictures.coffee()[:80, :90])
        Image.fromarray(resize_bicubic(truth, 1 / scale)).save(folder / "a.png")
    report = train_enhance(photos, out=tmp_path / "run", test=tmp_path / "set")
    bicubic = resize_bicubic(resize_bicubic(truth, 0.5), 2)
    expected_db = psnr_y(bicubic, truth, border_px=2)
    assert report.data["before"]["test_psnr_y_db"] == pytest.approx(expected_db, abs=0.1)
    assert report.data["best"] in (
        report.data["figures"]["psnr_y_db"],
        report.data["before"]["psnr_y_db"],
    )
    noisy = train_enhance(photos, preset="denoise", out=tmp_path / "noise", test=tmp_path / "set")
    assert noisy.data["figures"].keys() == {"psnr_db", "gain_db", "test_psnr_db"}
    with pytest.raises(InputNotFoundError, match="set has no LR_x3"):
        train_enhance(photos, scale=3, out=tmp_path / "three", test=tmp_path / "set")
    with pytest.raises(InputNotFoundError, match="HR contains no pictures"):
        train_enhance(photos, preset="denoise", out=tmp_path / "empty", test=tmp_path / "run")


def test_the_losses_change_for_the_last_fifth() -> None:
    weights = build_loss_weights(100)
    assert [weights["l1"].at(step) for step in (0, 79, 80, 99)] == [1, 1, 0, 0]
    assert [weights["l2"].at(step) for step in (0, 79, 80, 99)] == [0, 0, 1, 1]
    result, truth = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0])
    assert compute_terms(result, truth, {"l1": 1.0}) == {"l1": torch.tensor(1.5)}
    assert compute_terms(result, truth, {"l2": 1.0}) == {"l2": torch.tensor(2.5)}


@pytest.mark.parametrize("net", [Luma(6, 1, 2), Luma(4, 1, 3), Compact(6, 1, 4), FFDNet(12, 3)])
@pytest.mark.parametrize("size", [(32, 40), (46, 18)])
def test_an_exported_network_equals_its_training_form(
    net: Network, size: tuple[int, int], tmp_path: Path
) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    export_network(net, tmp_path / "net.onnx")
    count = 1 if isinstance(net, Luma) else 3
    inputs = {"image": torch.rand(1, count, *size)}
    if isinstance(net, FFDNet):
        inputs["noise"] = torch.rand(1, 1, *size)
    with torch.no_grad():
        expected = net(*inputs.values()).numpy()
    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    found = OnnxModel(tmp_path / "net.onnx")(arrays)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    model = onnx.load(tmp_path / "net.onnx")
    properties = {each.key: each.value for each in model.metadata_props}
    assert properties == {
        "kind": "denoise" if isinstance(net, FFDNet) else "upscale",
        "scale": str(getattr(net, "scale", 1)),
        "size_multiple": "2" if isinstance(net, FFDNet) else "1",
        "reach_px": str(net.reach_px),
    }
    if isinstance(net, Luma):
        operators = [node.op_type for node in model.graph.node]
        assert operators.count("Conv") == len(net.layers) + 1


def test_a_luma_network_keeps_the_chroma_of_bicubic_interpolation() -> None:
    photo = np.ascontiguousarray(pictures.coffee()[:40, :60])
    (case,) = upscale.build_cases([(resize_bicubic(photo, 0.5), photo)], 2)
    net = Luma(4, 1, 2)
    with torch.no_grad():
        for parameter in net.layers.parameters():
            parameter.zero_()
        net.skip.weight.mul_(0.9)
    inside = np.s_[6:-6, 6:-6]
    found = upscale.enlarge(net, case)[inside].astype(float)
    bicubic = case.bicubic[inside] * 255
    shift = found - bicubic
    assert np.abs(shift - shift.mean(2, keepdims=True)).max() < 1.1  # rounding
    assert shift.mean() < -3


def test_noisy_cases_follow_the_protocol() -> None:
    picture = np.full((51, 40, 3), 250, np.uint8)
    first, second = denoise.build_cases([picture, picture])
    noise = np.random.default_rng(1).normal(0, 25 / 255, picture.shape)
    assert second.noisy.shape == (50, 40, 3)
    np.testing.assert_allclose(second.noisy, (250 / 255 + noise)[:50], atol=1e-6)
    assert not np.array_equal(first.noisy, second.noisy)
    assert first.noisy.max() > 1


@pytest.mark.parametrize("preset", ["live", "denoise"])
@pytest.mark.usefixtures("few_steps")
def test_preview_shows_samples(photos: Path, preset: str) -> None:
    report = train_enhance(photos, preset=preset, preview=True)
    assert report.data["photos"] == 3
    assert report.sections[-1].data.startswith(b"\x89PNG")  # type: ignore[union-attr]


def test_invalid_options_are_rejected(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--scale does not apply to the preset denoise"):
        train_enhance(photos, preset="denoise", scale=2, out=tmp_path)
    with pytest.raises(UsageError, match="--scale must be from 2 to 4, not 5"):
        train_enhance(photos, scale=5, out=tmp_path)
    with pytest.raises(UsageError, match="train enhance needs a run directory"):
        train_enhance(photos)
    with pytest.raises(UsageError, match="--preset must be one of live, fast, small, denoise"):
        train_enhance(photos, preset="tiny", out=tmp_path)
    with pytest.raises(InputNotFoundError, match="does not exist"):
        train_enhance(tmp_path / "none", out=tmp_path / "run")


def test_the_presets_have_the_published_recipe() -> None:
    (choices,) = (each.choices for each in options_of(TrainOptions) if each.name == "preset")
    assert choices == tuple(PRESETS)
    recipe = {
        "optimiser": "adam",
        "learning_rate": 1e-3,
        "schedule": "cosine",
        "final_rate": 1e-3,
        "ema": 0.999,
        "batch": 16,
    }
    for preset in PRESETS.values():
        found = dataclasses.asdict(preset.settings)
        assert {name: found[name] for name in recipe} == recipe


def test_the_command_is_registered() -> None:
    assert registry.load("ops", "train.enhance") is train_enhance
