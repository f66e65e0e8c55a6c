"""The fusion network: symmetry, identity, its ONNX export, and bands."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from frames import render
from photo_triplets import SMALL, render_triplet

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import FUSION
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines import deep as deep_module
from kinoloom.film.nets.fusion_net import FusionNet
from kinoloom.film.selection import choose_engine
from kinoloom.film.synthesis.fusion import (
    SOURCES,
    FusionInput,
    build_fusion_input,
    fade_to_mean,
    fuse,
)
from kinoloom.film.synthesis.warping import WarpedPair
from kinoloom.film.train.export import export_fusion
from kinoloom.runtime.onnx import OnnxModel

ROOMY = EngineOptions(2_000_000_000)


def random_net() -> FusionNet:
    torch.manual_seed(0)
    net = FusionNet().eval()
    torch.nn.init.normal_(net.logits.weight, std=0.3)
    return net


def random_pairs(sources: int, height: int, width: int) -> list[WarpedPair]:
    rng = np.random.default_rng(0)
    presence = np.ones((height, width), np.float32)
    return [
        WarpedPair(
            *rng.random((2, height, width, 3), np.float32),
            rng.random((height, width), np.float32),
            presence,
        )
        for _ in range(sources)
    ]


def random_input(sources: int, height: int, width: int) -> FusionInput:
    speeds = np.random.default_rng(1).random((sources, -(-height // 2), -(-width // 2)), np.float32)
    return build_fusion_input(random_pairs(sources, height, width), list(8 * speeds))


def crop_pair() -> tuple[Picture, Picture]:
    """Return two small frames with slow motion."""
    first, _, second = (frame[80:208, 120:312].copy() for frame in render_triplet(SMALL))
    return first, second


def run(net: FusionNet, given: FusionInput) -> np.ndarray:
    with torch.no_grad():
        weights: torch.Tensor = net(*(torch.from_numpy(each) for each in vars(given).values()))
    return weights.numpy()


@pytest.mark.parametrize("sources", [2, 4])
def test_untrained_network_averages_the_present_sources(sources: int) -> None:
    pairs = random_pairs(sources, 16, 24)
    given = build_fusion_input(pairs, [np.ones((8, 12), np.float32)] * sources)
    fused = fuse(pairs, run(FusionNet(), given)[0])
    expected = np.mean([pair.blend() for pair in pairs], axis=0)
    np.testing.assert_allclose(fused, expected, atol=6e-3)


@pytest.mark.parametrize("sources", [2, 4])
def test_exchanged_images_exchange_the_weights(sources: int) -> None:
    net, given = random_net(), random_input(sources, 32, 48)
    there = run(net, given)
    back = run(net, FusionInput(given.sides[::-1].copy(), given.common, given.speeds))
    np.testing.assert_allclose(there[:, :SOURCES], back[:, SOURCES:], atol=1e-6)
    np.testing.assert_allclose(there[:, SOURCES:], back[:, :SOURCES], atol=1e-6)
    assert np.abs(there[:, :SOURCES] - there[:, SOURCES:]).max() > 0.1


@pytest.mark.parametrize(("height", "width"), [(16, 24), (33, 50)])
def test_onnx_equals_torch(tmp_path: Path, height: int, width: int) -> None:
    net, given = random_net(), random_input(2, height, width)
    export_fusion(net, tmp_path / "fusion.onnx")
    (weights,) = OnnxModel(tmp_path / "fusion.onnx")(vars(given))
    np.testing.assert_allclose(weights, run(net, given), atol=1e-5)
    assert b"/kinoloom/" not in (tmp_path / "fusion.onnx").read_bytes()


@pytest.mark.parametrize("sources", [1, 3, 4])
def test_input_marks_missing_sources_and_repeats_the_edge(sources: int) -> None:
    height, width = 33, 50
    pairs, given = random_pairs(sources, height, width), random_input(sources, height, width)
    luma = pairs[0].after @ np.array([0.299, 0.587, 0.114], np.float32)
    mean = given.common[0, 0, :height, :width] + 0.5
    sides = given.sides[:, :, :height, :width]
    np.testing.assert_allclose(sides[1, 0], 10 * (luma - mean), atol=1e-5)
    share = np.exp(3 * sides[:, SOURCES:])
    np.testing.assert_allclose(share[1, 0], 1 - pairs[0].share + 1e-3, atol=1e-5)
    np.testing.assert_allclose(share[:, sources:], 1e-3, atol=1e-8)
    for k in range(sources, SOURCES):
        np.testing.assert_array_equal(sides[:, k], sides[:, sources - 1])
        np.testing.assert_array_equal(given.speeds[:, k], given.speeds[:, sources - 1])
    assert given.sides.shape[2:] == given.common.shape[2:] == (40, 56)
    assert given.speeds.shape[2:] == (20, 28)
    for planes, rows, columns in (
        (given.sides, height, width),
        (given.common, height, width),
        (given.speeds, 17, 25),
    ):
        inside = planes[..., :rows, :columns]
        padding = [(0, planes.shape[2] - rows), (0, planes.shape[3] - columns)]
        expected = np.pad(inside, [(0, 0), (0, 0), *padding], mode="edge")
        np.testing.assert_array_equal(planes, expected)


def test_equal_images_are_not_changed() -> None:
    picture = np.random.default_rng(0).random((24, 40, 3), np.float32)
    share, presence = (np.full((24, 40), value, np.float32) for value in (0.3, 1))
    pair = WarpedPair(picture, picture, share, presence)
    given = build_fusion_input([pair, pair], [np.zeros((12, 20), np.float32)] * 2)
    fused = fuse([pair, pair], run(random_net(), given)[0])
    np.testing.assert_allclose(fused, picture, atol=1e-6)


def test_large_motion_fades_to_the_mean_of_the_sources() -> None:
    pairs, shape = random_pairs(2, 16, 24), (8, 12)
    weights = run(random_net(), random_input(2, 16, 24))[0]
    calm, wild = (np.full(shape, speed, np.float32) for speed in (2, 60))
    np.testing.assert_array_equal(fade_to_mean(weights, pairs, [calm, calm]), weights)
    faded = fade_to_mean(weights, pairs, [calm, wild])
    expected = np.mean([pair.blend() for pair in pairs], axis=0)
    np.testing.assert_allclose(fuse(pairs, faded), expected, atol=1e-5)


def test_card_matches_the_shipped_network() -> None:
    assert FUSION.parameters == sum(each.numel() for each in FusionNet().parameters())
    assert FUSION.file is not None
    content = FUSION.file.read_bytes()
    assert hashlib.sha256(content).hexdigest() == FUSION.sha256
    assert b"/kinoloom/" not in content


def test_shipped_network_normalises_by_fast_operations() -> None:
    """ONNX Runtime transposes for a softmax over channels: a third of the network's time."""
    assert FUSION.file is not None
    operators = {node.op_type for node in onnx.load(FUSION.file).graph.node}
    assert "Softmax" not in operators
    assert {"Conv", "Exp"} <= operators


@pytest.mark.parametrize("name", ["deep", "best"])
def test_tiles_equal_the_whole_frame(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = crop_pair()
    engine = choose_engine(name, ROOMY).build(ROOMY)
    (whole,) = render(engine, first, second, [0.5])
    monkeypatch.setattr(deep_module, "_TILE_PX", 72)
    (tiled,) = render(engine, first, second, [0.5])
    assert np.abs(whole.astype(int) - tiled).max() <= 1


@pytest.mark.parametrize("name", ["deep", "best"])
@pytest.mark.parametrize("time", [0.3, 0.5])
def test_frames_are_symmetric_in_time(name: str, time: float) -> None:
    first, second = crop_pair()
    engine = choose_engine(name, ROOMY).build(ROOMY)
    (there,) = render(engine, first, second, [time])
    (back,) = render(engine, second, first, [1 - time])
    difference = np.abs(there.astype(int) - back)
    assert difference.mean() < 0.1
