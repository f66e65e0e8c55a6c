"""The engine `deep`, its network, and its ONNX export."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from frames import render
from pans import pan, texture

from kinoloom.base.arrays import Picture
from kinoloom.errors import BudgetError, WeightsError
from kinoloom.film.cards import FLOW as CARD
from kinoloom.film.engine import EngineOptions, Interpolator
from kinoloom.film.engines.deep import DEEP
from kinoloom.film.engines.fast import FAST, Fast
from kinoloom.film.engines.sources import MotionEstimator
from kinoloom.film.nets.flow_net import FlowNet, load_rife
from kinoloom.film.synthesis.midpoint_flow import project_midpoint_flow
from kinoloom.film.train.export import export_flow
from kinoloom.metrics import psnr
from kinoloom.motion.flow_network import MidpointFlow, network_size
from kinoloom.runtime.onnx import OnnxModel

ROOMY = EngineOptions(2_000_000_000)


@pytest.fixture(scope="module")
def engine() -> Interpolator:
    return DEEP.build(ROOMY)


def interpolate_one(
    engine: Interpolator, first: Picture, second: Picture, time: float = 0.5
) -> Picture:
    return render(engine, first, second, [time])[0]


@pytest.mark.parametrize("size", [(96, 128), (97, 131), (20, 250)])
def test_pan_is_interpolated_at_any_size(engine: Interpolator, size: tuple[int, int]) -> None:
    first, truth, second = pan(*size, 6)
    result = interpolate_one(engine, first, second)
    assert result.shape == first.shape
    inner = np.s_[4:-4, 16:-16]
    assert psnr(result[inner], truth[inner]) > 30


@pytest.mark.parametrize("quarter", [1, 3])
def test_pan_is_interpolated_at_any_time(engine: Interpolator, quarter: int) -> None:
    scene = texture(96, 160)
    frames = [np.ascontiguousarray(scene[:, 4 * k : 4 * k + 128]) for k in range(5)]
    result = interpolate_one(engine, frames[0], frames[4], quarter / 4)
    inner = np.s_[8:-8, 24:-24]
    right = psnr(result[inner], frames[quarter][inner])
    assert right > 30
    assert right > psnr(result[inner], frames[2][inner]) + 6


def test_network_estimates_the_motion() -> None:
    first, _, second = pan(96, 128, 4)
    middle = MotionEstimator(Fast(ROOMY)).estimate_coarse(first, second).coarse
    inner = np.s_[16:-16, 24:-24]
    for motion in (middle.before, middle.after):
        assert np.abs(motion[inner] - np.array([-8, 0])).mean() < 0.5


def test_result_is_symmetric_in_time(engine: Interpolator) -> None:
    first, _, second = pan(64, 96, 3)
    there, back = (
        interpolate_one(engine, first, second, 0.3),
        interpolate_one(engine, second, first, 0.7),
    )
    assert psnr(there, back) > 45


def test_identical_images_are_returned(engine: Interpolator) -> None:
    picture = texture(64, 64)
    assert np.array_equal(interpolate_one(engine, picture, picture.copy()), picture)


def test_nearly_identical_images_stay_unchanged(engine: Interpolator) -> None:
    picture = texture(64, 64)
    other = picture.copy()
    other[0, 0] ^= 1
    assert psnr(interpolate_one(engine, picture, other), picture) > 45


def test_16_bits_and_alpha_are_supported(engine: Interpolator) -> None:
    first, truth, second = pan(80, 96, 4)
    deep = [picture.astype(np.uint16) * 257 for picture in (first, second)]
    result = interpolate_one(engine, *deep)
    assert result.dtype == np.uint16
    assert psnr((result >> 8).astype(np.uint8), truth) > 28
    opaque = [np.dstack([picture, np.full((80, 96), 255, np.uint8)]) for picture in (first, second)]
    assert np.array_equal(interpolate_one(engine, *opaque)[..., 3], opaque[0][..., 3])
    clear = [np.dstack([picture, np.zeros((80, 96), np.uint8)]) for picture in (first, second)]
    assert not interpolate_one(engine, *clear).any()


def test_midpoint_candidates_sample_one_image_each() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(2, 6, 8, 2)).astype(np.float32)
    share = rng.uniform(size=(6, 8)).astype(np.float32)
    one, other = project_midpoint_flow(MidpointFlow(before, after, share), 0.5)
    assert np.array_equal(one.motion, before)
    assert np.array_equal(other.motion, after)
    assert np.allclose(one.weights[..., 0], share)
    assert np.allclose(other.weights[..., 1], 1 - share)
    assert not one.weights[..., 1].any()
    assert not other.weights[..., 0].any()


def test_motion_is_projected_to_the_time() -> None:
    motion = np.full((8, 40, 2), (16, 0), np.float32)
    share = np.full((8, 40), 0.5, np.float32)
    share[:, 16:24] = 1
    motion[:, 16:24, 0] = 20
    one, other = project_midpoint_flow(MidpointFlow(motion, motion, share), 0.75)
    assert np.allclose(one.motion[4, 22:28, 0], 20)  # a quarter of 20 further on
    assert np.allclose(one.motion[4, :19, 0], 16)
    assert one.weights[4, 24, 0] == 1
    assert np.allclose(one.weights[4, [10, 35], 0], 0.25)
    assert np.allclose((one.weights + other.weights).sum(2), 1)


def test_insufficient_memory_is_rejected(engine: Interpolator) -> None:
    first, _, second = pan(64, 64, 2)
    with pytest.raises(BudgetError, match="64x64"):
        interpolate_one(DEEP.build(EngineOptions(FAST.min_memory_bytes)), first, second)
    assert FAST.min_memory_bytes < DEEP.min_memory_bytes


def test_network_size_is_limited_for_large_images() -> None:
    rows, columns = network_size(2160, 3840)
    assert rows * columns < 520_000
    assert rows % 16 == columns % 16 == 0


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[FlowNet, OnnxModel]:
    torch.manual_seed(1)
    net = FlowNet(8).eval()
    for tensor in net.state_dict().values():
        tensor.copy_(tensor.half().float())  # as stored
    file = tmp_path_factory.mktemp("onnx") / "flow.onnx"
    export_flow(net, file)
    return net, OnnxModel(file)


def test_exported_network_contains_no_source_paths(
    network: tuple[FlowNet, OnnxModel],
) -> None:
    assert CARD.file is not None
    for content in (CARD.file.read_bytes(), network[1].file.read_bytes()):
        assert b"/kinoloom/" not in content


@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (48, 112), (160, 96)])
def test_onnx_equals_torch(network: tuple[FlowNet, OnnxModel], rows: int, columns: int) -> None:
    net, model = network
    shape = (2, 1, 3, rows, columns)
    first, second = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(first), torch.from_numpy(second))
    for one, other in zip(expected, model({"first": first, "second": second}), strict=True):
        assert float(one.abs().max()) > 0.01
        assert float(np.abs(one.numpy() - other).max()) < 1e-4


def test_card_matches_the_shipped_weights() -> None:
    assert CARD.file is not None
    assert hashlib.sha256(CARD.file.read_bytes()).hexdigest() == CARD.sha256
    assert sum(each.numel() for each in FlowNet().parameters()) == CARD.parameters
    assert "Megvii" in (CARD.file.parent / "LICENSE.rife").read_text()


def test_original_rife_weights_load(tmp_path: Path) -> None:
    net = FlowNet()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(std=0.05)
    names = list(net.state_dict())
    state = {}
    for name in names:
        block = name.split(".")[1]
        state[f"module.block{block}.{name}"] = net.state_dict()[name]
    state["module.block_tea.conv0.0.0.weight"] = torch.zeros(3)
    torch.save(state, tmp_path / "flownet.pkl")
    read = load_rife(tmp_path / "flownet.pkl").state_dict()
    assert all(torch.equal(read[name], net.state_dict()[name]) for name in names)


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_invalid_weight_file_is_rejected(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "flownet.pkl"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"flownet\.pkl is not"):
        load_rife(file)


def test_weights_of_another_format_are_rejected() -> None:
    assert "mine.pt is not an .onnx file" in DEEP.missing(EngineOptions(1, weights=Path("mine.pt")))
    assert DEEP.missing(ROOMY) == ""
