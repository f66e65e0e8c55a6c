"""The engine `film`: every kind of picture, tiles, memory, flow scale, what is missing."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from film_models import NARROW, moving_pair, random_film
from numpy.typing import NDArray
from pans import texture
from safetensors.torch import save_file

from kinoloom.base import registry
from kinoloom.base.arrays import from_float
from kinoloom.errors import ArrayError, BudgetError, MissingExtraError, WeightsError
from kinoloom.film.cards import FILM as CARD
from kinoloom.film.choose import choose, engine_options
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.film import FILM, Film
from kinoloom.film.nets.film_cpu import BYTES_PER_PIXEL, FilmCpu
from kinoloom.film.nets.film_net import FilmNet

Floats = NDArray[np.float32]
PLENTY = 1 << 40
pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def narrow() -> FilmCpu:
    return FilmCpu(random_film(NARROW))


class Mean:
    """A runner that mixes the two pictures, and keeps note of what it was given."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.analysed: list[tuple[int, int]] = []

    def analyse(self, first: Floats, second: Floats, halvings: int = 0) -> tuple[Floats, Floats]:
        assert not any(side % (64 << halvings) for side in first.shape[:2])
        assert first.shape == second.shape
        assert first.dtype == second.dtype == np.float32
        self.analysed.append(first.shape[:2])
        return first, second

    def frame_at(self, pair: tuple[Floats, Floats], t: float) -> Floats:
        return pair[0] + np.float32(t) * (pair[1] - pair[0])

    def flows(self, pair: tuple[Floats, Floats]) -> Floats:
        return np.stack([pair[0][..., :2], pair[1][..., :2]])

    def tile_pixels(self, memory_bytes: int) -> int:
        return self.pixels


def pictures(height: int, width: int, kind: str, channels: int = 3) -> list[NDArray[Any]]:
    made = [from_float(p, np.dtype(kind)) for p in moving_pair(height, width)]
    if channels == 3:
        return made
    rng = np.random.default_rng(0)
    top = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    alpha = [(rng.random((height, width, 1)) * top).astype(kind) for _ in made]
    return [np.concatenate([p, a], 2) for p, a in zip(made, alpha, strict=True)]


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (50, 71, 3), (64, 64, 4), (3, 130, 4)])
def test_any_size_and_type_of_picture(
    narrow: FilmCpu, shape: tuple[int, int, int], kind: str
) -> None:
    first, second = pictures(shape[0], shape[1], kind, shape[2])
    copies = first.copy(), second.copy()
    made = list(Film(narrow, PLENTY).between(first, second, [0.5, 0.25]))
    assert [(image.shape, image.dtype) for image in made] == [(shape, first.dtype)] * 2
    np.testing.assert_array_equal(first, copies[0])
    np.testing.assert_array_equal(second, copies[1])
    if kind == "float32":
        assert 0 <= made[0].min() <= made[0].max() <= 1


def test_a_frame_is_what_the_network_makes_of_the_padded_pictures(narrow: FilmCpu) -> None:
    first, second = moving_pair(50, 70)
    padded = [np.pad(p, ((0, 14), (0, 58), (0, 0)), mode="edge") for p in (first, second)]
    expected = narrow.frame_at(narrow.analyse(*padded), 0.3)[:50, :70]
    [found] = Film(narrow, PLENTY).between(first, second, [0.3])
    np.testing.assert_array_equal(found, expected.clip(0, 1))


def test_a_pair_is_analysed_once_and_only_when_asked() -> None:
    runner = Mean(PLENTY)
    made = Film(runner, PLENTY).between(*moving_pair(64, 64), [0.1, 0.5, 0.9])
    assert runner.analysed == []
    assert len(list(made)) == 3
    assert runner.analysed == [(64, 64)]


def test_the_order_of_times_is_kept() -> None:
    first, second = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 200, np.uint8)
    made = Film(Mean(PLENTY), PLENTY).between(first, second, [0.75, 0.25])
    assert [int(image[0, 0, 0]) for image in made] == [150, 50]


class TestAlpha:
    @pytest.mark.parametrize("value", [1.0, 0.5])
    def test_the_same_everywhere_is_kept_and_costs_nothing(
        self, narrow: FilmCpu, value: float
    ) -> None:
        first, second = moving_pair(64, 64)
        alpha = np.full((64, 64, 1), value, np.float32)
        runner = Mean(PLENTY)
        with_alpha = [np.concatenate([p, alpha], 2) for p in (first, second)]
        [made] = Film(runner, PLENTY).between(*with_alpha, [0.5])
        assert len(runner.analysed) == 1
        np.testing.assert_array_equal(made[..., 3:], alpha)
        np.testing.assert_allclose(made[..., :3], (first + second) / 2, atol=1e-6)

    def test_opaque_colours_are_as_without_alpha(self, narrow: FilmCpu) -> None:
        first, second = pictures(64, 64, "uint8")
        [expected] = Film(narrow, PLENTY).between(first, second, [0.5])
        opaque = [np.dstack([p, np.full((64, 64), 255, np.uint8)]) for p in (first, second)]
        [made] = Film(narrow, PLENTY).between(*opaque, [0.5])
        np.testing.assert_array_equal(made[..., :3], expected)

    def test_hidden_colours_do_not_show(self, narrow: FilmCpu) -> None:
        first, second = pictures(64, 64, "float32", 4)
        first[:, :32, 3] = second[:, :32, 3] = 0
        [made] = Film(narrow, PLENTY).between(first, second, [0.5])
        first[:, :32, :3] = 1
        second[:, :32, :3] = 0.5
        [again] = Film(narrow, PLENTY).between(first, second, [0.5])
        np.testing.assert_array_equal(made, again)

    def test_colour_and_alpha_each_go_through_the_network(self) -> None:
        first = np.full((64, 64, 4), (200, 100, 50, 255), np.uint8)
        second = np.full((64, 64, 4), (200, 100, 50, 51), np.uint8)
        second[0, 0, 3] = 52
        runner = Mean(PLENTY)
        [made] = Film(runner, PLENTY).between(first, second, [0.5])
        assert len(runner.analysed) == 2
        np.testing.assert_array_equal(made[9, 9], (200, 100, 50, 153))

    def test_nothing_at_all_stays_nothing(self, narrow: FilmCpu) -> None:
        first = np.zeros((64, 64, 4), np.uint8)
        first[..., :3] = 90
        [made] = Film(narrow, PLENTY).between(first, first.copy(), [0.5])
        assert not made.any()


class TestTiles:
    def test_leave_no_trace_of_what_is_local(self) -> None:
        first, second = pictures(700, 900, "uint8")
        whole, tiled = Mean(PLENTY), Mean(256 * 320)
        expected = list(Film(whole, PLENTY).between(first, second, [0.25, 0.5]))
        found = list(Film(tiled, PLENTY).between(first, second, [0.25, 0.5]))
        np.testing.assert_array_equal(found, expected)
        assert whole.analysed == [(704, 960)]
        assert len(tiled.analysed) > 10
        assert max(height * width for height, width in tiled.analysed) <= 256 * 320

    def test_take_colour_and_alpha_together_into_account(self) -> None:
        first, second = pictures(400, 400, "uint8", 4)
        runner = Mean(2 * 256 * 256)
        [found] = Film(runner, PLENTY).between(first, second, [0.5])
        [expected] = Film(Mean(PLENTY), PLENTY).between(first, second, [0.5])
        np.testing.assert_array_equal(found, expected)
        assert set(runner.analysed) == {(256, 256)}
        assert len(runner.analysed) % 2 == 0

    def test_serve_several_frames_at_once_as_far_as_memory_goes(self) -> None:
        first, second = pictures(300, 300, "uint8")
        times = [k / 10 for k in range(1, 10)]
        one, all_at_once = Mean(256 * 256), Mean(256 * 256)
        slow = list(Film(one, 1).between(first, second, times))
        quick = list(Film(all_at_once, PLENTY).between(first, second, times))
        np.testing.assert_array_equal(slow, quick)
        assert len(one.analysed) == 9 * len(all_at_once.analysed)

    def test_differ_from_the_whole_as_film_sees_further_than_they_overlap(
        self, narrow: FilmCpu
    ) -> None:
        first, second = moving_pair(320, 384, step=2)
        [whole] = Film(narrow, PLENTY).between(first, second, [0.5])
        small = Tiled(narrow, 256 * 256)
        [tiled] = Film(small, PLENTY).between(first, second, [0.5])
        assert 0 < np.abs(whole - tiled).mean() < 0.1

    def test_memory_is_what_decides(self, narrow: FilmCpu) -> None:
        fixed = 400_000_000
        assert narrow.tile_pixels(fixed) == 0
        assert narrow.tile_pixels(fixed + 10**6 * BYTES_PER_PIXEL) == 10**6
        assert narrow.tile_pixels(1) < 0

    @pytest.mark.parametrize(("size", "channels"), [(300, 3), (300, 4), (20, 3)])
    def test_that_do_not_fit_are_refused(self, narrow: FilmCpu, size: int, channels: int) -> None:
        first, second = pictures(size, size, "uint8", channels)
        made = Film(narrow, 300_000_000).between(first, second, [0.5])
        with pytest.raises(BudgetError, match=rf"{size}x{size} within 300 MB") as caught:
            next(made)
        assert "--memory" in caught.value.hint


class Tiled:
    """A runner that claims to have room for so many pixels."""

    def __init__(self, runner: FilmCpu, pixels: int) -> None:
        self.analyse, self.frame_at, self.flows = runner.analyse, runner.frame_at, runner.flows
        self.pixels = pixels

    def tile_pixels(self, memory_bytes: int) -> int:
        return self.pixels


def test_flows_are_those_of_the_network_at_the_size_of_the_picture(narrow: FilmCpu) -> None:
    first, second = pictures(50, 70, "uint8", 4)
    there, back = Film(narrow, PLENTY).flows(first, second)
    again_back, again_there = Film(narrow, PLENTY).flows(second, first)
    assert there.shape == back.shape == (50, 70, 2)
    assert there.dtype == np.float32
    assert np.abs(there - back).max() > 0.01
    np.testing.assert_allclose(there, again_there, atol=1e-5)
    np.testing.assert_allclose(back, again_back, atol=1e-5)


class Pan(Mean):
    """A runner that takes all to move to the left by so many pixels."""

    def __init__(self, pixels: int, step: float) -> None:
        super().__init__(pixels)
        self.step = step

    def flows(self, pair: tuple[Floats, Floats]) -> Floats:
        there = np.zeros((*pair[0].shape[:2], 2), np.float32)
        there[..., 0] = -self.step
        return np.stack([there, -there])


@pytest.mark.parametrize("size", [(60, 90), (500, 400)])
def test_errors_are_expected_where_samples_along_the_flow_differ(size: tuple[int, int]) -> None:
    height, width = size
    scene = texture(height, width + 6)
    first, second = (np.ascontiguousarray(scene[:, k : k + width]) for k in (0, 6))
    second[:, width // 2 :] = texture(height, width, seed=5)[:, width // 2 :]
    runner = Pan(PLENTY, 6)
    judged = Film(runner, PLENTY).between_with_errors(first, second, [0.5, 0.25])
    assert judged is not None
    found = list(judged)
    assert len(runner.analysed) == 1
    plain = list(Film(Pan(PLENTY, 6), PLENTY).between(first, second, [0.5, 0.25]))
    for (made, error), expected in zip(found, plain, strict=True):
        np.testing.assert_array_equal(made, expected)
        columns = error.shape[1]
        assert error.size <= 81_000
        right, wrong = error[:, columns // 8 : columns // 3], error[:, columns * 5 // 8 :]
        assert wrong.mean() > 4 * right.mean()


def test_errors_of_tiles_are_not_told() -> None:
    first, second = moving_pair(400, 300)
    assert Film(Mean(256 * 256), PLENTY).between_with_errors(first, second, [0.5]) is None


def test_flows_of_tiles_are_put_together() -> None:
    first, second = moving_pair(400, 300)
    there, back = Film(Mean(256 * 256), PLENTY).flows(first, second)
    np.testing.assert_array_equal(there, first[..., :2])
    np.testing.assert_array_equal(back, second[..., :2])


@pytest.mark.parametrize(
    ("scale", "halvings"), [(1.0, 0), (0.75, 0), (0.6, 1), (0.5, 1), (0.3, 2), (0.25, 2), (0.05, 4)]
)
def test_flow_scales_are_rounded_to_powers_of_two(scale: float, halvings: int) -> None:
    runner = Mean(PLENTY)
    film = Film(runner, PLENTY, scale)
    assert film.halvings == halvings
    list(film.between(*moving_pair(100, 64), [0.5]))
    assert runner.analysed == [(max(128, 64 << halvings), 64 << halvings)]


def test_motion_is_estimated_on_halved_pictures(narrow: FilmCpu) -> None:
    first, second = moving_pair(128, 128, step=12)
    halves = [p.reshape(64, 2, 64, 2, 3).mean((1, 3)) for p in (first, second)]
    small, _ = Film(narrow, PLENTY).flows(*halves)
    large, _ = Film(narrow, PLENTY, 0.5).flows(first, second)
    np.testing.assert_allclose(large.reshape(64, 2, 64, 2, 2).mean((1, 3)), 2 * small, atol=0.2)
    assert np.abs(small).max() > 2


@pytest.mark.parametrize(
    "change",
    [lambda p: p[1:], lambda p: p[..., :2].copy(), lambda p: p.astype(np.uint16)],
)
def test_pictures_that_differ_in_kind_are_refused(
    narrow: FilmCpu, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    first, second = pictures(64, 64, "uint8")
    for call in (
        lambda film: next(film.between(first, change(second), [0.5])),
        lambda film: film.flows(first, change(second)),
    ):
        with pytest.raises(ArrayError, match="one shape and dtype"):
            call(Film(narrow, PLENTY))


class TestMissing:
    @pytest.fixture(autouse=True)
    def no_weights(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KINOLOOM_WEIGHTS", str(tmp_path / "mine"))
        monkeypatch.setattr("platformdirs.user_data_dir", lambda *_, **__: str(tmp_path / "home"))

    def test_weights_are_asked_for_with_the_line_that_gets_them(self, tmp_path: Path) -> None:
        missing = FILM.missing(engine_options(None))
        assert f"curl -L --create-dirs -o '{tmp_path / 'mine' / 'film.pt'}' https://" in missing
        with pytest.raises(WeightsError, match="curl -L"):
            FILM.make(engine_options(None))

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        options = engine_options(None, weights=tmp_path / "own.pt")
        assert str(tmp_path / "own.pt") in FILM.missing(options)
        with pytest.raises(WeightsError, match=r"own\.pt"):
            FILM.make(options)

    def test_torch_is_asked_for_with_the_line_that_gets_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "torch", None)
        assert "pip install 'kinoloom[train]'" in FILM.missing(engine_options(None))
        with pytest.raises(MissingExtraError, match=r"pip install 'kinoloom\[train\]'"):
            FILM.make(engine_options(None))

    def test_a_wrong_file_is_refused_when_it_is_used(self, tmp_path: Path) -> None:
        (tmp_path / "own.pt").write_bytes(b"hello")
        options = engine_options(None, weights=tmp_path / "own.pt")
        assert FILM.missing(options) == ""
        with pytest.raises(WeightsError, match="no checkpoint"):
            FILM.make(options)

    def test_published_weights_in_the_folder_make_it_run(self, tmp_path: Path) -> None:
        with torch.device("meta"):
            state = FilmNet().state_dict()
        halves = {key: torch.zeros(tensor.shape).half() for key, tensor in state.items()}
        halves["fuse.output_conv.bias"] = torch.tensor([0.25, 0.5, 0.75]).half()
        (tmp_path / "mine").mkdir()
        save_file(halves, tmp_path / "mine" / "film.safetensors")
        options = EngineOptions(memory_bytes=4_000_000_000)
        engine = choose("film", options)
        first, second = pictures(20, 30, "uint8")
        [made] = engine.make(options).between(first, second, [0.5])
        np.testing.assert_array_equal(made, np.full((20, 30, 3), (64, 128, 191), np.uint8))


def test_the_card_tells_the_truth() -> None:
    with torch.device("meta"):
        net = FilmNet()
    assert registry.load("cards", "film") is CARD
    assert CARD.parameters == sum(parameter.numel() for parameter in net.parameters())
    assert CARD.size_multiple == net.options.multiple
    assert FILM.name == CARD.name
