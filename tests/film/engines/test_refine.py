"""The engine `refine`, the input of its network, and its ONNX export."""

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
from kinoloom.film.synthesis.candidates import build_candidates
from kinoloom.film.synthesis.refine import (
    INPUT_PLANES,
    OUTPUT_PLANES,
    apply_network_output,
    build_network_input,
    pad_to_multiple,
)
from kinoloom.film.train.export import export_refine
from kinoloom.metrics import psnr
from kinoloom.runtime.onnx import OnnxModel

ROOMY = EngineOptions(2_000_000_000)
SMALL = RefineSize(encoder=4, fine=4, half=6, quarter=8, depth=2)


@pytest.fixture(scope="module")
def engine() -> Refine:
    result = REFINE.build(ROOMY)
    assert isinstance(result, Refine)
    return result


def interpolate_one(engine: Fast, first: Picture, second: Picture, time: float = 0.5) -> Picture:
    return next(iter(engine.interpolate(first, second, [time])))


@pytest.mark.parametrize("size", [(96, 128), (97, 131), (33, 250)])
def test_pan_is_interpolated_at_any_size(engine: Refine, size: tuple[int, int]) -> None:
    first, truth, second = pan(*size, 6)
    result = interpolate_one(engine, first, second)
    assert result.shape == first.shape
    inner = np.s_[8:-8, 8:-8]
    assert psnr(result[inner], truth[inner]) > 30


def test_identical_images_are_returned(engine: Refine) -> None:
    picture = texture(64, 64)
    assert np.array_equal(interpolate_one(engine, picture, picture.copy()), picture)


def test_16_bits_and_alpha_are_supported(engine: Refine) -> None:
    first, truth, second = pan(80, 96, 4)
    deep = [picture.astype(np.uint16) * 257 for picture in (first, second)]
    result = interpolate_one(engine, *deep)
    assert result.dtype == np.uint16
    assert psnr((result >> 8).astype(np.uint8), truth) > 28
    opaque = [np.dstack([picture, np.full((80, 96), 255, np.uint8)]) for picture in (first, second)]
    with_alpha = interpolate_one(engine, *opaque)
    assert np.array_equal(with_alpha[..., 3], opaque[0][..., 3])
    assert psnr(with_alpha[..., :3], interpolate_one(engine, first, second)) > 40


def test_transparent_images_stay_transparent(engine: Refine) -> None:
    first, _, second = pan(64, 64, 3)
    clear = [np.dstack([picture, np.zeros((64, 64), np.uint8)]) for picture in (first, second)]
    assert not interpolate_one(engine, *clear).any()


def test_bands_equal_the_whole_grid(engine: Refine, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, second = pan(150, 90, 5)
    whole = engine.refine_candidates(engine.analyse(first, second), 0.3)
    monkeypatch.setattr(engine_module, "_BAND_CELLS", 20 * 90)
    bands = engine.refine_candidates(engine.analyse(first, second), 0.3)
    for one, other in zip(whole.candidates, bands.candidates, strict=True):
        assert np.abs(one.weights - other.weights).max() < 1e-4
        assert np.abs(one.motion - other.motion).max() < 1e-3
    assert np.abs(whole.residual - bands.residual).max() < 1e-5


def test_refined_weights_sum_to_one_and_error_is_positive(engine: Refine) -> None:
    first, _, second = pan(64, 80, 4)
    refined = engine.refine_candidates(engine.analyse(first, second), 0.7)
    total = sum(candidate.weights.sum(axis=2) for candidate in refined.candidates)
    assert np.allclose(total, 1, atol=1e-4)
    assert refined.error.min() > 0


def test_error_is_higher_without_correspondence(engine: Refine) -> None:
    first, _, second = pan(128, 128, 3)
    second = second.copy()
    second[:, 64:] = texture(128, 64, seed=9)
    error = engine.refine_candidates(engine.analyse(first, second), 0.5).error
    columns = error.shape[1]
    assert error[:, : columns // 3].mean() * 2 < error[:, -columns // 3 :].mean()


def test_zero_output_changes_nothing() -> None:
    first, _, second = pan(64, 80, 4)
    result = build_candidates(*Fast(ROOMY).analyse(first, second), 0.5)
    rows, columns = result[0].motion.shape[:2]
    zeros = np.zeros((len(result), OUTPUT_PLANES, rows, columns), np.float32)
    same = apply_network_output(result, zeros, zeros[0, :3], zeros[0, 0])
    for old, new in zip(result, same.candidates, strict=True):
        assert np.array_equal(old.motion, new.motion)
        assert np.abs(old.weights - new.weights).max() < 2e-4


def test_network_input_of_a_part_equals_that_of_the_whole() -> None:
    first, _, second = pan(64, 80, 4)
    views = Fast(ROOMY).analyse(first, second)
    result = build_candidates(*views, 0.4)
    planes = (views[0].planes, views[1].planes)
    whole = build_network_input(*planes, result, 0.4)
    box = np.s_[10:30, 20:44]
    part = [type(each)(each.motion[box], each.weights[box]) for each in result]
    assert whole.shape[1] == INPUT_PLANES
    assert np.allclose(
        build_network_input(*planes, part, 0.4, 10, 20), whole[:, :, *box], atol=1e-3
    )


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
def test_onnx_equals_torch(network: tuple[RefineNet, OnnxModel], rows: int, columns: int) -> None:
    net, model = network
    shape = (5, INPUT_PLANES, rows, columns)
    planes = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    padded = pad_to_multiple(planes)[None]
    with torch.no_grad():
        expected = net(torch.from_numpy(padded))[:3]
    for one, other in zip(expected, model({"seen": padded}), strict=True):
        assert float(np.abs(one.numpy() - other).max()) < 1e-4


def test_card_matches_the_shipped_weights() -> None:
    assert CARD.file is not None
    assert hashlib.sha256(CARD.file.read_bytes()).hexdigest() == CARD.sha256
    net = RefineNet(RefineSize())
    assert sum(each.numel() for each in net.parameters()) == CARD.parameters


def test_invalid_weight_file_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "bad.onnx"
    file.write_bytes(b"no model")
    with pytest.raises(WeightsError, match=r"bad\.onnx"):
        REFINE.build(EngineOptions(1_000_000_000, weights=file))


def test_weights_of_another_network_are_rejected() -> None:
    assert DEEP.file is not None
    with pytest.raises(
        WeightsError, match=r"flow\.onnx is another network: its inputs are first, second"
    ):
        REFINE.build(replace(ROOMY, weights=DEEP.file))
