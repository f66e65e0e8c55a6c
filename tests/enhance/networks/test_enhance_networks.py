"""Networks that enlarge or denoise: facts for tiles, odd sizes, and which one a tier uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from enhance_pictures import draw
from onnx import TensorProto, helper, numpy_helper
from onnx_networks import save_denoiser, save_upscaler

from kinoloom.enhance.networks.denoiser import NetworkDenoiser
from kinoloom.enhance.networks.network import to_image, to_planes
from kinoloom.enhance.networks.upscaler import NetworkUpscaler, find_studio_luma
from kinoloom.enhance.tiers import choose_upscalers, list_upscalers, open_upscaler
from kinoloom.errors import UsageError, WeightsError
from kinoloom.metrics import to_luma

SHIPPED = [one for one in list_upscalers() if one.name in ("live-x2", "fast-x2")]


def save_deep_net(
    file: Path, sides: tuple[int, ...], pool: bool = False, **properties: str
) -> Path:
    """Save convolutions of 3 channels with the given kernels, and a global mean if `pool`."""
    weights = [np.zeros((3, 3, side, side), np.float32) for side in sides]
    for each in weights:
        each[range(3), range(3), each.shape[2] // 2, each.shape[3] // 2] = 1
    names = ["low", *(f"t{k}" for k in range(len(sides)))]
    nodes = [
        helper.make_node("Conv", [names[k], f"w{k}"], [names[k + 1]], pads=[side // 2] * 4)
        for k, side in enumerate(sides)
    ]
    if pool:
        nodes.append(helper.make_node("GlobalAveragePool", [names[-1]], ["mean"]))
        nodes.append(helper.make_node("Add", [names[-1], "mean"], ["out"]))
    else:
        nodes.append(helper.make_node("Relu", [names[-1]], ["out"]))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "deep",
        [value("low", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [value("out", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [numpy_helper.from_array(each, f"w{k}") for k, each in enumerate(weights)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    for key, text in properties.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, text
    onnx.save(model, file)
    return file


def test_the_reach_is_bounded_by_the_kernels(tmp_path: Path) -> None:
    network = NetworkUpscaler(save_deep_net(tmp_path / "net.onnx", (3, 5, 1)))
    assert (network.scale, network.channels) == (1, 3)
    assert (network.facts.reach_px, network.facts.size_multiple) == (3, 1)
    denoiser = NetworkDenoiser(save_deep_net(tmp_path / "den.onnx", (3, 5)))
    assert (denoiser.facts.reach_px, denoiser.facts.size_multiple) == (2 * 3 + 1, 2)


def test_stated_facts_take_precedence(tmp_path: Path) -> None:
    file = save_deep_net(tmp_path / "net.onnx", (3, 3), reach_px="9", size_multiple="4")
    facts = NetworkDenoiser(file).facts
    assert (facts.reach_px, facts.size_multiple) == (9, 4)


def test_a_mean_of_the_picture_has_no_reach(tmp_path: Path) -> None:
    assert (
        NetworkUpscaler(save_deep_net(tmp_path / "n.onnx", (3,), pool=True)).facts.reach_px is None
    )


def test_wider_networks_need_more_memory(tmp_path: Path) -> None:
    small, large = (
        NetworkUpscaler(save_upscaler(tmp_path / f"{scale}.onnx", scale=scale)).facts
        for scale in (2, 4)
    )
    assert 0 < small.bytes_per_pixel < large.bytes_per_pixel


@pytest.mark.parametrize("network", SHIPPED, ids=lambda one: one.name)
def test_pixels_beyond_the_stated_reach_have_no_influence(network: object) -> None:
    upscaler = open_upscaler(network.file)  # type: ignore[attr-defined]
    reach = upscaler.facts.reach_px
    assert reach is not None
    picture = draw(40, 60)
    changed = picture.copy()
    changed[:, 30:] = 1 - changed[:, 30:]
    before, after = upscaler(picture), upscaler(changed)
    same = (30 - max(reach, 2)) * upscaler.scale
    np.testing.assert_allclose(before[:, :same], after[:, :same], atol=1e-6)
    assert np.abs(before[:, same:] - after[:, same:]).max() > 0.1


@pytest.mark.parametrize("network", SHIPPED, ids=lambda one: one.name)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3), (33, 31)])
def test_shipped_networks_enlarge_odd_sizes(network: object, size: tuple[int, int]) -> None:
    upscaler = open_upscaler(network.file)  # type: ignore[attr-defined]
    large = upscaler(draw(*size))
    assert (large.shape, large.dtype) == ((size[0] * 2, size[1] * 2, 3), np.float32)
    assert np.isfinite(large).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 7)])
def test_denoisers_pad_odd_sizes(size: tuple[int, int], tmp_path: Path) -> None:
    denoiser = NetworkDenoiser(save_denoiser(tmp_path / "net.onnx"))
    picture = draw(*size)
    levels = np.linspace(0, 0.2, size[0] * size[1], dtype=np.float32).reshape(size)
    np.testing.assert_allclose(denoiser(picture, levels), picture + levels[..., None], atol=1e-6)


def test_networks_at_half_size_receive_even_sides(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("SpaceToDepth", ["low"], ["deep"], blocksize=2),
        helper.make_node("DepthToSpace", ["deep"], ["out"], blocksize=2),
    ]
    value = helper.make_tensor_value_info
    ends = [
        value(name, TensorProto.FLOAT, [1, 3, f"{name}h", f"{name}w"]) for name in ("low", "out")
    ]
    graph = helper.make_graph(nodes, "half", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), tmp_path / "half.onnx")
    picture = draw(5, 7)
    np.testing.assert_array_equal(NetworkDenoiser(tmp_path / "half.onnx")(picture, 0.1), picture)


def test_the_luma_of_the_result_is_that_of_the_network(tmp_path: Path) -> None:
    network = NetworkUpscaler(save_upscaler(tmp_path / "net.onnx", channels=1, gain=1.1))
    picture = draw(12, 14) * np.float32(0.3) + np.float32(0.3)
    luma = find_studio_luma(picture).repeat(2, 0).repeat(2, 1) * 1.1
    np.testing.assert_allclose(find_studio_luma(network(picture)), luma, atol=1e-4)


def test_luma_is_that_of_the_metric() -> None:
    picture = draw(9, 7)
    byte = np.rint(picture * 255).astype(np.uint8)
    found = find_studio_luma(byte.astype(np.float32) / 255) * 255
    np.testing.assert_allclose(found, to_luma(byte), atol=0.01)


def test_planes_and_images_are_inverse() -> None:
    picture = draw(4, 6)
    assert to_planes(picture).shape == (1, 3, 4, 6)
    np.testing.assert_array_equal(to_image(to_planes(picture)), picture)


class TestTiers:
    @pytest.mark.parametrize(
        ("tier", "factor", "names"),
        [
            ("live", 1, []),
            ("live", 2, ["live-x2"]),
            ("fast", 2, ["fast-x2"]),
            ("live", 3, ["live-x2"] * 2),
            ("live", 5, ["live-x2"] * 3),
            ("drawn", 2, ["animevideov3"]),
            ("drawn", 5, ["animevideov3"] * 2),
        ],
    )
    def test_a_network_is_used_as_often_as_needed(
        self, tier: str, factor: int, names: list[str]
    ) -> None:
        assert [one.name for one in choose_upscalers(tier, "clean", factor)] == names

    def test_a_tier_without_a_look_lists_those_that_have_it(self) -> None:
        with pytest.raises(
            UsageError, match="'live' has no network with the look 'real'"
        ) as caught:
            choose_upscalers("live", "real", 2)
        assert "drawn" in caught.value.hint
        assert "live" not in caught.value.hint

    def test_missing_weights_state_the_command(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KINOLOOM_CACHE", str(tmp_path))
        with pytest.raises(WeightsError) as caught:
            choose_upscalers("best", "clean", 2)
        assert "kinoloom models get span-x2" in str(caught.value)

    def test_the_users_network_replaces_the_tier(self, tmp_path: Path) -> None:
        file = save_upscaler(tmp_path / "mine.onnx", scale=3)
        found = choose_upscalers("live", "clean", 4, file)
        assert [(one.name, one.file) for one in found] == [("mine", file)] * 2
        assert choose_upscalers("live", "clean", 1, file) == []

    def test_a_network_that_does_not_enlarge_is_rejected(self, tmp_path: Path) -> None:
        file = save_deep_net(tmp_path / "same.onnx", (3,))
        with pytest.raises(UsageError, match="does not enlarge"):
            choose_upscalers("live", "clean", 2, file)
