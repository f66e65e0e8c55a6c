"""Training of the refinement network: regions, patches and the task."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from kinoloom.film.engines.fast import Fast
from kinoloom.film.nets.refine_net import RefineNet, RefineSize
from kinoloom.film.selection import build_engine_options
from kinoloom.film.synthesis.blending import blend_candidates
from kinoloom.film.synthesis.candidates import build_candidates
from kinoloom.film.train.samples import patches as patches_module
from kinoloom.film.train.samples.patches import sample_patch
from kinoloom.film.train.samples.preparation import prepare_samples, save_arrays
from kinoloom.film.train.samples.regions import (
    MARGIN_PX,
    REGION_CELLS,
    Region,
    extract_regions,
    load_region,
)
from kinoloom.film.train.tasks.refine import (
    LOSS_WEIGHTS,
    blend_patch,
    build_refine_task,
    compute_losses,
)
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.loop import train
from kinoloom.learn.settings import Settings
from kinoloom.metrics import psnr

SMALL = RefineSize(encoder=6, fine=6, half=8, quarter=8, depth=2)


def scene(time: float, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Render a background moving right, with a disc moving down in front of it."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.uniform(0, 255, (height, width + 40, 3)), (0, 0), 3)
    noise = np.clip((noise - noise.mean()) / noise.std() * 50 + 128, 0, 255).astype(np.uint8)
    move = np.array([[1, 0, -20 + 12 * time], [0, 1, 0]], np.float64)
    image = cv2.warpAffine(noise, move, (width, height), flags=cv2.INTER_LINEAR)
    centre = (int(16 * width / 2), int(16 * (height / 3 + 30 * time)))
    cv2.circle(image, centre, 16 * height // 6, (240, 200, 30), -1, cv2.LINE_AA, 4)
    return image


@dataclass(frozen=True)
class Scenes:
    """A source of large and small scenes."""

    def draw(self, index: int, seed: int) -> FrameTriplet:
        height, width = ((176, 208), (480, 720))[index % 2]
        time = (0.5, 0.3)[index // 2 % 2]
        frames = [scene(t, height, width, seed + index) for t in (0.0, time, 1.0)]
        return FrameTriplet((frames[0], frames[1], frames[2]), time, f"scene {index}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regions")
    assert prepare_samples(Scenes(), folder, 4, 0, 1, extract_regions) >= 4
    return folder


@pytest.fixture(scope="module")
def some(folder: Path) -> list[Region]:
    return [load_region(file) for file in sorted(folder.glob("*.npz"))]


def tensors(region: Region, seed: int, cells: int = 48) -> dict[str, object]:
    fields = vars(sample_patch(region, cells, np.random.default_rng(seed)))
    return {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in fields.items()}


def test_regions_have_both_grid_ratios(some: list[Region]) -> None:
    assert {region.ratio for region in some} == {1, 2}
    for region in some:
        side = REGION_CELLS * region.ratio
        assert region.truth.shape == (side, side, 3)
        assert region.first.shape == (side + 2 * MARGIN_PX, side + 2 * MARGIN_PX, 3)


def test_region_survives_a_round_trip(some: list[Region], tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.npz", some[0])
    again = load_region(tmp_path / "a.npz")
    assert again.ratio == some[0].ratio
    assert again.time == some[0].time
    assert np.array_equal(again.weights, some[0].weights)


def test_resumed_preparation_is_bit_identical(folder: Path, tmp_path: Path) -> None:
    prepare_samples(Scenes(), tmp_path, 2, 0, 2, extract_regions)
    first = {file.name: file.read_bytes() for file in tmp_path.glob("*.npz")}
    for name, content in first.items():
        assert content == (folder / name).read_bytes()
    kept = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("*.npz")}
    prepare_samples(Scenes(), tmp_path, 4, 0, 1, extract_regions)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in kept} == kept
    assert {file.name for file in tmp_path.glob("*.npz")} == {
        file.name for file in folder.glob("*.npz")
    }


def test_unrefined_patch_equals_the_frame_of_fast() -> None:
    """Training blends as the engine does, at both grid ratios and under augmentation."""
    for index in range(2):
        shot = Scenes().draw(index, 0)
        engine = Fast(build_engine_options(None))
        first, truth, second = shot.frames
        frame = blend_candidates(
            first, second, build_candidates(*engine.analyse(first, second), 0.5), 0.5
        )
        for region in extract_regions(shot, np.random.default_rng(0)):
            each = tensors(region, 3, REGION_CELLS)
            shape = each["planes"].shape  # type: ignore[attr-defined]
            none = torch.zeros(shape[0], 4, *shape[2:])
            picture = blend_patch(each, none, none[0, :3]).permute(1, 2, 0).numpy()
            truth_part = each["truth"].permute(1, 2, 0).numpy()  # type: ignore[attr-defined]
            error = np.square(picture - truth_part).mean()
            whole = [
                psnr(
                    frame[y : y + len(picture), x : x + len(picture)],
                    truth[y : y + len(picture), x : x + len(picture)],
                )
                for y, x in _locate(truth, region.truth)
            ]
            assert abs(-10 * np.log10(error) - whole[0]) < 0.3


def _locate(whole: np.ndarray, inner: np.ndarray) -> Iterator[tuple[int, int]]:
    """Return the position of a patch in an image."""
    found = cv2.matchTemplate(whole, inner, cv2.TM_SQDIFF)
    y, x = np.unravel_index(int(found.argmin()), found.shape)
    yield int(y), int(x)


def test_augmentation_keeps_the_quality(some: list[Region]) -> None:
    """The blended patch is equally good for every combination of reversal, flips and rotation."""
    for region in some[:2]:
        scores = set()
        for seed in range(12):
            each = tensors(region, seed, REGION_CELLS)
            shape = each["planes"].shape  # type: ignore[attr-defined]
            none = torch.zeros(shape[0], 4, *shape[2:])
            error = (blend_patch(each, none, none[0, :3]) - each["truth"]).square().mean()
            scores.add(round(float(-10 * torch.log10(error)), 1))
        assert max(scores) - min(scores) <= 0.2


def test_log_errors_are_those_of_the_samples(some: list[Region]) -> None:
    each = sample_patch(some[0], 48, np.random.default_rng(0))
    floor = np.log(patches_module._MIN_SQUARED_ERROR)
    assert each.log_errors.shape == (5, 2, 48, 48)
    assert each.log_errors.min() >= floor - 1e-3
    # Zero motion is wrong; both flows are right nearly everywhere.
    assert np.median(each.log_errors[4]) > np.median(each.log_errors[0]) + 1


def test_every_loss_term_has_gradients(some: list[Region]) -> None:
    torch.manual_seed(0)
    net = RefineNet(SMALL)
    batch = [tensors(region, k) for k, region in enumerate(some[:2])]
    terms = compute_losses(net, batch, LOSS_WEIGHTS)
    assert set(terms) == set(LOSS_WEIGHTS)
    torch.stack([LOSS_WEIGHTS[name] * term for name, term in terms.items()]).sum().backward()
    for layer in (net.answer, net.light, net.error, net.judged):
        assert layer.weight.grad is not None
        assert float(layer.weight.grad.abs().max()) > 0


@pytest.mark.slow
def test_short_training_improves_the_psnr(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    task = build_refine_task(folder, folder, 2, 0, SMALL)
    settings = Settings(
        steps=60,
        batch=2,
        optimiser="adamw",
        learning_rate=4e-3,
        clip=1.0,
        loaders=0,
        validate_s=None,
        validate_steps=60,
        save_s=None,
        log_steps=20,
        tensorboard=False,
    )
    result = train(task, settings, tmp_path / "run")
    assert result.figures["gain_db"] > 0.05
    tensors_of, about = read_weights(tmp_path / "run" / "best.safetensors")
    assert about["record"]["regions"] == len(list(folder.glob("*.npz")))
    RefineNet(SMALL).load_state_dict(tensors_of)
