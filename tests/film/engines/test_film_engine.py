"""The engine `film`: image formats, tiles, memory, flow scale and missing requirements."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from film_models import NARROW, moving_pair, random_film
from frames import render
from numpy.typing import NDArray
from pans import texture
from safetensors.torch import save_file

from kinoloom.base import registry
from kinoloom.base.arrays import from_float
from kinoloom.errors import ArrayError, BudgetError, MissingExtraError, WeightsError
from kinoloom.film.cards import FILM as CARD
from kinoloom.film.engine import EngineOptions, PictureFormat
from kinoloom.film.engines.film import FILM, Film, estimate_memory
from kinoloom.film.nets.film_cpu import BYTES_PER_PIXEL, FilmCpu
from kinoloom.film.nets.film_net import FilmNet
from kinoloom.film.selection import build_engine_options, choose_engine

Floats = NDArray[np.float32]
PLENTY = 1 << 40
pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def narrow() -> FilmCpu:
    return FilmCpu(random_film(NARROW))


class Mean:
    """A runner that cross-fades the images, and records the sizes it analyses."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.analysed: list[tuple[int, int]] = []

    def analyse(self, first: Floats, second: Floats, halvings: int = 0) -> tuple[Floats, Floats]:
        assert not any(side % (64 << halvings) for side in first.shape[:2])
        assert first.shape == second.shape
        assert first.dtype == second.dtype == np.float32
        self.analysed.append(first.shape[:2])
        return first, second

    def render_frame(self, pair: tuple[Floats, Floats], t: float) -> Floats:
        return pair[0] + np.float32(t) * (pair[1] - pair[0])

    def read_flow(self, pair: tuple[Floats, Floats]) -> Floats:
        return np.stack([pair[0][..., :2], pair[1][..., :2]])

    def max_tile_pixels(self, memory_bytes: int) -> int:
        return self.pixels


def pictures(height: int, width: int, kind: str, channels: int = 3) -> list[NDArray[Any]]:
    result = [from_float(p, np.dtype(kind)) for p in moving_pair(height, width)]
    if channels == 3:
        return result
    rng = np.random.default_rng(0)
    top = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    alpha = [(rng.random((height, width, 1)) * top).astype(kind) for _ in result]
    return [np.concatenate([p, a], 2) for p, a in zip(result, alpha, strict=True)]


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (50, 71, 3), (64, 64, 4), (3, 130, 4)])
def test_every_size_and_dtype_is_kept(
    narrow: FilmCpu, shape: tuple[int, int, int], kind: str
) -> None:
    first, second = pictures(shape[0], shape[1], kind, shape[2])
    copies = first.copy(), second.copy()
    result = render(Film(narrow, PLENTY), first, second, [0.5, 0.25])
    assert [(image.shape, image.dtype) for image in result] == [(shape, first.dtype)] * 2
    np.testing.assert_array_equal(first, copies[0])
    np.testing.assert_array_equal(second, copies[1])
    if kind == "float32":
        assert 0 <= result[0].min() <= result[0].max() <= 1


def test_frame_is_cropped_from_the_padded_images(narrow: FilmCpu) -> None:
    first, second = moving_pair(50, 70)
    padded = [np.pad(p, ((0, 14), (0, 58), (0, 0)), mode="edge") for p in (first, second)]
    expected = narrow.render_frame(narrow.analyse(*padded), 0.3)[:50, :70]
    [found] = render(Film(narrow, PLENTY), first, second, [0.3])
    np.testing.assert_array_equal(found, expected.clip(0, 1))


def test_pair_is_analysed_once_and_lazily() -> None:
    runner = Mean(PLENTY)
    result = Film(runner, PLENTY).interpolate(*moving_pair(64, 64), [0.1, 0.5, 0.9])
    assert runner.analysed == []
    assert len(list(result)) == 3
    assert runner.analysed == [(64, 64)]


def test_order_of_times_is_kept() -> None:
    first, second = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 200, np.uint8)
    result = render(Film(Mean(PLENTY), PLENTY), first, second, [0.75, 0.25])
    assert [int(image[0, 0, 0]) for image in result] == [150, 50]


class TestAlpha:
    @pytest.mark.parametrize("value", [1.0, 0.5])
    def test_constant_alpha_is_copied_without_a_second_pass(
        self, narrow: FilmCpu, value: float
    ) -> None:
        first, second = moving_pair(64, 64)
        alpha = np.full((64, 64, 1), value, np.float32)
        runner = Mean(PLENTY)
        with_alpha = [np.concatenate([p, alpha], 2) for p in (first, second)]
        [result] = render(Film(runner, PLENTY), *with_alpha, [0.5])
        assert len(runner.analysed) == 1
        np.testing.assert_array_equal(result[..., 3:], alpha)
        np.testing.assert_allclose(result[..., :3], (first + second) / 2, atol=1e-6)

    def test_opaque_image_equals_one_without_alpha(self, narrow: FilmCpu) -> None:
        first, second = pictures(64, 64, "uint8")
        [expected] = render(Film(narrow, PLENTY), first, second, [0.5])
        opaque = [np.dstack([p, np.full((64, 64), 255, np.uint8)]) for p in (first, second)]
        [result] = render(Film(narrow, PLENTY), *opaque, [0.5])
        np.testing.assert_array_equal(result[..., :3], expected)

    def test_hidden_colours_do_not_bleed(self, narrow: FilmCpu) -> None:
        first, second = pictures(64, 64, "float32", 4)
        first[:, :32, 3] = second[:, :32, 3] = 0
        [result] = render(Film(narrow, PLENTY), first, second, [0.5])
        first[:, :32, :3] = 1
        second[:, :32, :3] = 0.5
        [again] = render(Film(narrow, PLENTY), first, second, [0.5])
        np.testing.assert_array_equal(result, again)

    def test_colour_and_alpha_are_separate_passes(self) -> None:
        first = np.full((64, 64, 4), (200, 100, 50, 255), np.uint8)
        second = np.full((64, 64, 4), (200, 100, 50, 51), np.uint8)
        second[0, 0, 3] = 52
        runner = Mean(PLENTY)
        [result] = render(Film(runner, PLENTY), first, second, [0.5])
        assert len(runner.analysed) == 2
        np.testing.assert_array_equal(result[9, 9], (200, 100, 50, 153))

    def test_transparent_image_stays_transparent(self, narrow: FilmCpu) -> None:
        first = np.zeros((64, 64, 4), np.uint8)
        first[..., :3] = 90
        [result] = render(Film(narrow, PLENTY), first, first.copy(), [0.5])
        assert not result.any()


class TestTiles:
    def test_tiling_does_not_change_a_local_operation(self) -> None:
        first, second = pictures(700, 900, "uint8")
        whole, tiled = Mean(PLENTY), Mean(256 * 320)
        expected = render(Film(whole, PLENTY), first, second, [0.25, 0.5])
        found = render(Film(tiled, PLENTY), first, second, [0.25, 0.5])
        np.testing.assert_array_equal(found, expected)
        assert whole.analysed == [(704, 960)]
        assert len(tiled.analysed) > 10
        assert max(height * width for height, width in tiled.analysed) <= 256 * 320

    def test_tile_size_accounts_for_the_alpha_pass(self) -> None:
        first, second = pictures(400, 400, "uint8", 4)
        runner = Mean(2 * 256 * 256)
        [found] = render(Film(runner, PLENTY), first, second, [0.5])
        [expected] = render(Film(Mean(PLENTY), PLENTY), first, second, [0.5])
        np.testing.assert_array_equal(found, expected)
        assert set(runner.analysed) == {(256, 256)}
        assert len(runner.analysed) % 2 == 0

    def test_frames_are_batched_within_the_memory_limit(self) -> None:
        first, second = pictures(300, 300, "uint8")
        times = [k / 10 for k in range(1, 10)]
        one, all_at_once = Mean(256 * 256), Mean(256 * 256)
        slow = render(Film(one, 1), first, second, times)
        quick = render(Film(all_at_once, PLENTY), first, second, times)
        np.testing.assert_array_equal(slow, quick)
        assert len(one.analysed) == 9 * len(all_at_once.analysed)

    def test_tiled_frame_differs_within_bounds(self, narrow: FilmCpu) -> None:
        first, second = moving_pair(320, 384, step=2)
        [whole] = render(Film(narrow, PLENTY), first, second, [0.5])
        small = Tiled(narrow, 256 * 256)
        [tiled] = render(Film(small, PLENTY), first, second, [0.5])
        assert 0 < np.abs(whole - tiled).mean() < 0.1

    def test_tile_size_follows_the_memory_limit(self, narrow: FilmCpu) -> None:
        fixed = 400_000_000
        assert narrow.max_tile_pixels(fixed) == 0
        assert narrow.max_tile_pixels(fixed + 10**6 * BYTES_PER_PIXEL) == 10**6
        assert narrow.max_tile_pixels(1) < 0

    @pytest.mark.parametrize(("size", "channels"), [(300, 3), (300, 4), (20, 3)])
    def test_insufficient_memory_is_rejected(
        self, narrow: FilmCpu, size: int, channels: int
    ) -> None:
        first, second = pictures(size, size, "uint8", channels)
        with pytest.raises(BudgetError, match=rf"{size}x{size} within 300 MB") as caught:
            render(Film(narrow, 300_000_000), first, second, [0.5])
        assert "--memory" in caught.value.hint


class Tiled:
    """A runner with a given maximum tile size."""

    def __init__(self, runner: FilmCpu, pixels: int) -> None:
        self.analyse, self.render_frame = runner.analyse, runner.render_frame
        self.read_flow = runner.read_flow
        self.pixels = pixels

    def max_tile_pixels(self, memory_bytes: int) -> int:
        return self.pixels


def test_flow_has_the_size_of_the_image(narrow: FilmCpu) -> None:
    first, second = pictures(50, 70, "uint8", 4)
    there, back = Film(narrow, PLENTY).estimate_flow(first, second)
    again_back, again_there = Film(narrow, PLENTY).estimate_flow(second, first)
    assert there.shape == back.shape == (50, 70, 2)
    assert there.dtype == np.float32
    assert np.abs(there - back).max() > 0.01
    np.testing.assert_allclose(there, again_there, atol=1e-5)
    np.testing.assert_allclose(back, again_back, atol=1e-5)


class Pan(Mean):
    """A runner whose flow is a constant motion to the left."""

    def __init__(self, pixels: int, step: float) -> None:
        super().__init__(pixels)
        self.step = step

    def read_flow(self, pair: tuple[Floats, Floats]) -> Floats:
        there = np.zeros((*pair[0].shape[:2], 2), np.float32)
        there[..., 0] = -self.step
        return np.stack([there, -there])


@pytest.mark.parametrize("size", [(60, 90), (500, 400)])
def test_error_estimate_locates_errors(size: tuple[int, int]) -> None:
    height, width = size
    scene = texture(height, width + 6)
    first, second = (np.ascontiguousarray(scene[:, k : k + width]) for k in (0, 6))
    second[:, width // 2 :] = texture(height, width, seed=5)[:, width // 2 :]
    runner = Pan(PLENTY, 6)
    found = list(Film(runner, PLENTY).interpolate(first, second, [0.5, 0.25]))
    assert len(runner.analysed) == 1
    for _, error in found:
        assert error is not None
        columns = error.shape[1]
        assert error.size <= 81_000
        right, wrong = error[:, columns // 8 : columns // 3], error[:, columns * 5 // 8 :]
        assert wrong.mean() > 4 * right.mean()


def test_tiled_frames_have_no_error_estimate() -> None:
    first, second = moving_pair(400, 300)
    ((_, error),) = Film(Mean(256 * 256), PLENTY).interpolate(first, second, [0.5])
    assert error is None


def test_flow_of_tiles_is_assembled() -> None:
    first, second = moving_pair(400, 300)
    there, back = Film(Mean(256 * 256), PLENTY).estimate_flow(first, second)
    np.testing.assert_array_equal(there, first[..., :2])
    np.testing.assert_array_equal(back, second[..., :2])


@pytest.mark.parametrize(
    ("scale", "halvings"), [(1.0, 0), (0.75, 0), (0.6, 1), (0.5, 1), (0.3, 2), (0.25, 2), (0.05, 4)]
)
def test_flow_scale_is_rounded_to_a_power_of_two(scale: float, halvings: int) -> None:
    runner = Mean(PLENTY)
    film = Film(runner, PLENTY, scale)
    assert film.halvings == halvings
    render(film, *moving_pair(100, 64), [0.5])
    assert runner.analysed == [(max(128, 64 << halvings), 64 << halvings)]


def test_motion_is_estimated_on_halved_images(narrow: FilmCpu) -> None:
    first, second = moving_pair(128, 128, step=12)
    halves = [p.reshape(64, 2, 64, 2, 3).mean((1, 3)) for p in (first, second)]
    small, _ = Film(narrow, PLENTY).estimate_flow(*halves)
    large, _ = Film(narrow, PLENTY, 0.5).estimate_flow(first, second)
    np.testing.assert_allclose(large.reshape(64, 2, 64, 2, 2).mean((1, 3)), 2 * small, atol=0.2)
    assert np.abs(small).max() > 2


@pytest.mark.parametrize(
    "change",
    [lambda p: p[1:], lambda p: p[..., :2].copy(), lambda p: p.astype(np.uint16)],
)
def test_images_of_different_formats_are_rejected(
    narrow: FilmCpu, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    first, second = pictures(64, 64, "uint8")
    for call in (
        lambda film: render(film, first, change(second), [0.5]),
        lambda film: film.estimate_flow(first, change(second)),
    ):
        with pytest.raises(ArrayError, match="same shape and dtype"):
            call(Film(narrow, PLENTY))


class TestMissing:
    @pytest.fixture(autouse=True)
    def no_weights(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KINOLOOM_WEIGHTS", str(tmp_path / "mine"))
        monkeypatch.setattr("platformdirs.user_data_dir", lambda *_, **__: str(tmp_path / "home"))

    def test_missing_weights_are_reported_with_the_download_command(self, tmp_path: Path) -> None:
        missing = FILM.missing(build_engine_options(None))
        assert f"curl -L --create-dirs -o '{tmp_path / 'mine' / 'film.pt'}' https://" in missing
        with pytest.raises(WeightsError, match="curl -L"):
            FILM.build(build_engine_options(None))

    def test_missing_weight_file_is_named(self, tmp_path: Path) -> None:
        options = build_engine_options(None, weights=tmp_path / "own.pt")
        assert str(tmp_path / "own.pt") in FILM.missing(options)
        with pytest.raises(WeightsError, match=r"own\.pt"):
            FILM.build(options)

    def test_missing_torch_is_reported_with_the_install_command(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "torch", None)
        assert "pip install 'kinoloom[train]'" in FILM.missing(build_engine_options(None))
        with pytest.raises(MissingExtraError, match=r"pip install 'kinoloom\[train\]'"):
            FILM.build(build_engine_options(None))

    def test_invalid_weight_file_is_rejected(self, tmp_path: Path) -> None:
        (tmp_path / "own.pt").write_bytes(b"hello")
        options = build_engine_options(None, weights=tmp_path / "own.pt")
        assert FILM.missing(options) == ""
        with pytest.raises(WeightsError, match="not a checkpoint"):
            FILM.build(options)

    def test_published_weights_in_the_weights_folder_are_found(self, tmp_path: Path) -> None:
        with torch.device("meta"):
            state = FilmNet().state_dict()
        halves = {key: torch.zeros(tensor.shape).half() for key, tensor in state.items()}
        halves["fuse.output_conv.bias"] = torch.tensor([0.25, 0.5, 0.75]).half()
        (tmp_path / "mine").mkdir()
        save_file(halves, tmp_path / "mine" / "film.safetensors")
        options = EngineOptions(memory_bytes=4_000_000_000)
        engine = choose_engine("film", options)
        first, second = pictures(20, 30, "uint8")
        [result] = render(engine.build(options), first, second, [0.5])
        np.testing.assert_array_equal(result, np.full((20, 30, 3), (64, 128, 191), np.uint8))


def test_card_matches_the_network() -> None:
    with torch.device("meta"):
        net = FilmNet()
    assert registry.load("cards", "film") is CARD
    assert CARD.parameters == sum(parameter.numel() for parameter in net.parameters())
    assert CARD.size_multiple == net.options.multiple
    assert FILM.name == CARD.name


class Broken(Mean):
    """A runner whose outputs contain one value that is not finite."""

    def __init__(self, output: str, value: float) -> None:
        super().__init__(1 << 30)
        self.output, self.value = output, value

    def render_frame(self, pair: tuple[Floats, Floats], t: float) -> Floats:
        return self._break("frame", super().render_frame(pair, t))

    def read_flow(self, pair: tuple[Floats, Floats]) -> Floats:
        return self._break("flow", super().read_flow(pair))

    def _break(self, name: str, output: Floats) -> Floats:
        if name == self.output:
            output = output.copy()
            output.flat[7] = self.value
        return output


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_output_that_is_not_finite_is_rejected(value: float, channels: int) -> None:
    pair = pictures(64, 64, "uint8", channels)
    with pytest.raises(WeightsError, match="NaN or infinite"):
        render(Film(Broken("frame", value), PLENTY), *pair, [0.5])
    with pytest.raises(WeightsError, match="NaN or infinite"):
        Film(Broken("flow", value), PLENTY).estimate_flow(*pair)
    with pytest.raises(WeightsError, match="NaN or infinite"):
        render(Film(Broken("flow", value), PLENTY), *pair, [0.5])


@pytest.mark.parametrize("scale", [1.0, 0.25])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", [(20, 30), (300, 200), (2160, 3840)])
def test_least_memory_is_sufficient(
    narrow: FilmCpu, size: tuple[int, int], channels: int, scale: float
) -> None:
    picture = np.empty((*size, channels), np.uint8)
    options = EngineOptions(1, scale)
    least = estimate_memory(PictureFormat(*size, channels, 1), options)
    tiling, batch = Film(narrow, least, scale)._plan(picture)
    assert tiling.count >= 1
    assert batch >= 1
    if size[0] > 1000:
        with pytest.raises(BudgetError):
            Film(narrow, least * 3 // 4, scale)._plan(picture)
