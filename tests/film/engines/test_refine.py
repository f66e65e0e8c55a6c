"""The engine refine, its network as ONNX, and what the network sees."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pans import pan, texture

from kinoloom.base.arrays import Picture
from kinoloom.errors import WeightsError
from kinoloom.film.cards import DEEP
from kinoloom.film.cards import REFINE as CARD
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines import refine as engine_module
from kinoloom.film.engines.fast import Fast
from kinoloom.film.engines.refine import REFINE, Refine
from kinoloom.film.nets.refine_net import RefineNet, RefineSize
from kinoloom.film.synthesis.candidates import guesses
from kinoloom.film.synthesis.refine import ANSWERS, PLANES, padded, refined, seen
from kinoloom.film.train.export import export_refine
from kinoloom.metrics import psnr
from kinoloom.runtime.onnx import OnnxModel

ROOMY = EngineOptions(2_000_000_000)
SMALL = RefineSize(each=4, fine=4, half=6, quarter=8, depth=2)


@pytest.fixture(scope="module")
def engine() -> Refine:
    made = REFINE.make(ROOMY)
    assert isinstance(made, Refine)
    return made


def middle(engine: Fast, first: Picture, second: Picture, time: float = 0.5) -> Picture:
    return next(iter(engine.between(first, second, [time])))


@pytest.mark.parametrize("size", [(96, 128), (97, 131), (33, 250)])
def test_a_pan_is_followed_at_any_size(engine: Refine, size: tuple[int, int]) -> None:
    first, truth, second = pan(*size, 6)
    made = middle(engine, first, second)
    assert made.shape == first.shape
    inner = np.s_[8:-8, 8:-8]
    assert psnr(made[inner], truth[inner]) > 30


def test_equal_pictures_give_themselves(engine: Refine) -> None:
    picture = texture(64, 64)
    assert np.array_equal(middle(engine, picture, picture.copy()), picture)


def test_pictures_of_16_bits_and_with_alpha(engine: Refine) -> None:
    first, truth, second = pan(80, 96, 4)
    deep = [picture.astype(np.uint16) * 257 for picture in (first, second)]
    made = middle(engine, *deep)
    assert made.dtype == np.uint16
    assert psnr((made >> 8).astype(np.uint8), truth) > 28
    opaque = [np.dstack([picture, np.full((80, 96), 255, np.uint8)]) for picture in (first, second)]
    with_alpha = middle(engine, *opaque)
    assert np.array_equal(with_alpha[..., 3], opaque[0][..., 3])
    assert psnr(with_alpha[..., :3], middle(engine, first, second)) > 40


def test_what_is_transparent_stays_so(engine: Refine) -> None:
    first, _, second = pan(64, 64, 3)
    clear = [np.dstack([picture, np.zeros((64, 64), np.uint8)]) for picture in (first, second)]
    assert not middle(engine, *clear).any()


def test_bands_are_those_of_the_whole(engine: Refine, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, second = pan(150, 90, 5)
    whole = engine.judged(engine.analyse(first, second), 0.3)
    monkeypatch.setattr(engine_module, "_BAND_CELLS", 20 * 90)
    bands = engine.judged(engine.analyse(first, second), 0.3)
    for one, other in zip(whole.guesses, bands.guesses, strict=True):
        assert np.abs(one.weights - other.weights).max() < 1e-4
        assert np.abs(one.motion - other.motion).max() < 1e-3
    assert np.abs(whole.light - bands.light).max() < 1e-5


def test_weights_sum_to_one_and_the_error_is_positive(engine: Refine) -> None:
    first, _, second = pan(64, 80, 4)
    better = engine.judged(engine.analyse(first, second), 0.7)
    total = sum(guess.weights.sum(axis=2) for guess in better.guesses)
    assert np.allclose(total, 1, atol=1e-4)
    assert better.error.min() > 0


def test_the_error_is_higher_where_nothing_fits(engine: Refine) -> None:
    first, _, second = pan(128, 128, 3)
    second = second.copy()
    second[:, 64:] = texture(128, 64, seed=9)
    error = engine.judged(engine.analyse(first, second), 0.5).error
    columns = error.shape[1]
    assert error[:, : columns // 3].mean() * 2 < error[:, -columns // 3 :].mean()


def test_answers_of_zero_change_nothing() -> None:
    first, _, second = pan(64, 80, 4)
    made = guesses(*Fast(ROOMY).analyse(first, second), 0.5)
    rows, columns = made[0].motion.shape[:2]
    zeros = np.zeros((len(made), ANSWERS, rows, columns), np.float32)
    same = refined(made, zeros, zeros[0, :3], zeros[0, 0])
    for old, new in zip(made, same.guesses, strict=True):
        assert np.array_equal(old.motion, new.motion)
        assert np.abs(old.weights - new.weights).max() < 2e-4


def test_a_part_is_seen_as_in_the_whole() -> None:
    first, _, second = pan(64, 80, 4)
    views = Fast(ROOMY).analyse(first, second)
    made = guesses(*views, 0.4)
    planes = (views[0].planes, views[1].planes)
    whole = seen(*planes, made, 0.4)
    box = np.s_[10:30, 20:44]
    part = [type(guess)(guess.motion[box], guess.weights[box]) for guess in made]
    assert whole.shape[1] == PLANES
    assert np.allclose(seen(*planes, part, 0.4, 10, 20), whole[:, :, *box], atol=1e-3)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[RefineNet, OnnxModel]:
    torch.manual_seed(1)
    net = RefineNet(SMALL).eval()
    for layer in (net.answer, net.light, net.error):
        torch.nn.init.normal_(layer.weight, std=0.2)
    file = tmp_path_factory.mktemp("onnx") / "net.onnx"
    export_refine(net, file)
    return net, OnnxModel(file)


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (5, 9), (37, 51), (64, 96)])
def test_onnx_says_what_torch_says(
    network: tuple[RefineNet, OnnxModel], rows: int, columns: int
) -> None:
    net, model = network
    planes = np.random.default_rng(0).normal(size=(5, PLANES, rows, columns)).astype(np.float32)
    looked = padded(planes)[None]
    with torch.no_grad():
        expected = net(torch.from_numpy(looked))[:3]
    for one, other in zip(expected, model({"seen": looked}), strict=True):
        assert float(np.abs(one.numpy() - other).max()) < 1e-4


def test_the_card_is_of_the_shipped_weights() -> None:
    assert CARD.file is not None
    assert hashlib.sha256(CARD.file.read_bytes()).hexdigest() == CARD.sha256
    net = RefineNet(RefineSize())
    assert sum(each.numel() for each in net.parameters()) == CARD.parameters


def test_a_file_that_is_no_network_is_told(tmp_path: Path) -> None:
    file = tmp_path / "bad.onnx"
    file.write_bytes(b"no model")
    with pytest.raises(WeightsError, match=r"bad\.onnx"):
        REFINE.make(EngineOptions(1_000_000_000, weights=file))


def test_weights_of_another_network_are_refused() -> None:
    assert DEEP.file is not None
    with pytest.raises(
        WeightsError, match=r"flow\.onnx is another network: it takes first, second"
    ):
        REFINE.make(replace(ROOMY, weights=DEEP.file))
