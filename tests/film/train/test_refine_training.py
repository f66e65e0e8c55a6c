"""Training of the refining network: regions, parts, the task, the command."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from kinoloom.film.choose import engine_options
from kinoloom.film.engines.fast import Fast
from kinoloom.film.nets.refine_net import RefineNet, RefineSize
from kinoloom.film.synthesis.candidates import guesses
from kinoloom.film.synthesis.mix import mix
from kinoloom.film.train import parts as parts_module
from kinoloom.film.train.parts import part
from kinoloom.film.train.prepared import AROUND_PX, REGION_CELLS, Region, load, regions
from kinoloom.film.train.preparing import prepare, save_arrays
from kinoloom.film.train.refine_task import WEIGHTS, losses, mixed, refine_task
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.loop import train
from kinoloom.learn.settings import Settings
from kinoloom.metrics import psnr

SMALL = RefineSize(each=6, fine=6, half=8, quarter=8, depth=2)


def scene(time: float, height: int, width: int, seed: int = 0) -> np.ndarray:
    """A background that moves right, and a disc that moves down in front of it."""
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
    """A source of such scenes, large ones and small ones."""

    def draw(self, index: int, seed: int) -> FrameTriplet:
        height, width = ((176, 208), (480, 720))[index % 2]
        time = (0.5, 0.3)[index // 2 % 2]
        frames = [scene(t, height, width, seed + index) for t in (0.0, time, 1.0)]
        return FrameTriplet((frames[0], frames[1], frames[2]), time, f"scene {index}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("regions")
    assert prepare(Scenes(), made, 4, 0, 1, regions) >= 4
    return made


@pytest.fixture(scope="module")
def some(folder: Path) -> list[Region]:
    return [load(file) for file in sorted(folder.glob("*.npz"))]


def tensors(region: Region, seed: int, cells: int = 48) -> dict[str, object]:
    made = vars(part(region, cells, np.random.default_rng(seed)))
    return {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in made.items()}


def test_regions_are_of_both_ratios(some: list[Region]) -> None:
    assert {region.ratio for region in some} == {1, 2}
    for region in some:
        side = REGION_CELLS * region.ratio
        assert region.truth.shape == (side, side, 3)
        assert region.first.shape == (side + 2 * AROUND_PX, side + 2 * AROUND_PX, 3)


def test_a_region_is_saved_and_loaded(some: list[Region], tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.npz", some[0])
    again = load(tmp_path / "a.npz")
    assert again.ratio == some[0].ratio
    assert again.time == some[0].time
    assert np.array_equal(again.weights, some[0].weights)


def test_preparing_goes_on_and_gives_the_same(folder: Path, tmp_path: Path) -> None:
    prepare(Scenes(), tmp_path, 2, 0, 2, regions)
    first = {file.name: file.read_bytes() for file in tmp_path.glob("*.npz")}
    for name, content in first.items():
        assert content == (folder / name).read_bytes()
    kept = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("*.npz")}
    prepare(Scenes(), tmp_path, 4, 0, 1, regions)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in kept} == kept
    assert {file.name for file in tmp_path.glob("*.npz")} == {
        file.name for file in folder.glob("*.npz")
    }


def test_without_answers_a_region_is_what_fast_makes() -> None:
    """Training mixes as the engine does, at both ratios, whatever the part's turns."""
    for index in range(2):
        shot = Scenes().draw(index, 0)
        engine = Fast(engine_options(None))
        first, truth, second = shot.frames
        made = mix(first, second, guesses(*engine.analyse(first, second), 0.5), 0.5)
        for region in regions(shot, np.random.default_rng(0)):
            each = tensors(region, 3, REGION_CELLS)
            shape = each["seen"].shape  # type: ignore[attr-defined]
            none = torch.zeros(shape[0], 4, *shape[2:])
            picture = mixed(each, none, none[0, :3]).permute(1, 2, 0).numpy()
            truth_part = each["truth"].permute(1, 2, 0).numpy()  # type: ignore[attr-defined]
            error = np.square(picture - truth_part).mean()
            whole = [
                psnr(
                    made[y : y + len(picture), x : x + len(picture)],
                    truth[y : y + len(picture), x : x + len(picture)],
                )
                for y, x in _places(truth, region.truth)
            ]
            assert abs(-10 * np.log10(error) - whole[0]) < 0.3


def _places(whole: np.ndarray, inner: np.ndarray) -> Iterator[tuple[int, int]]:
    """Where a part of a picture lies in it."""
    found = cv2.matchTemplate(whole, inner, cv2.TM_SQDIFF)
    y, x = np.unravel_index(int(found.argmin()), found.shape)
    yield int(y), int(x)


def test_turns_keep_what_is_made(some: list[Region]) -> None:
    """Reversed, flipped, turned: the mix is as good as it was, for every combination drawn."""
    for region in some[:2]:
        scores = set()
        for seed in range(12):
            each = tensors(region, seed, REGION_CELLS)
            shape = each["seen"].shape  # type: ignore[attr-defined]
            none = torch.zeros(shape[0], 4, *shape[2:])
            error = (mixed(each, none, none[0, :3]) - each["truth"]).square().mean()
            scores.add(round(float(-10 * torch.log10(error)), 1))
        assert max(scores) - min(scores) <= 0.2


def test_errors_are_those_of_the_samples(some: list[Region]) -> None:
    each = part(some[0], 48, np.random.default_rng(0))
    floor = np.log(parts_module._LEAST_ERROR)
    assert each.errors.shape == (5, 2, 48, 48)
    assert each.errors.min() >= floor - 1e-3
    # That nothing moves is wrong; both flows are right nearly everywhere.
    assert np.median(each.errors[4]) > np.median(each.errors[0]) + 1


def test_all_terms_reach_the_network(some: list[Region]) -> None:
    torch.manual_seed(0)
    net = RefineNet(SMALL)
    batch = [tensors(region, k) for k, region in enumerate(some[:2])]
    terms = losses(net, batch, WEIGHTS)
    assert set(terms) == set(WEIGHTS)
    torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum().backward()
    for layer in (net.answer, net.light, net.error, net.judged):
        assert layer.weight.grad is not None
        assert float(layer.weight.grad.abs().max()) > 0


@pytest.mark.slow
def test_a_short_training_makes_it_better(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    task = refine_task(folder, folder, 2, 0, SMALL)
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
