"""Networks in users' files are recognised by their tensors, and others are rejected by name."""

import os
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from kinoloom.enhance.cards import ANIMEVIDEOV3
from kinoloom.enhance.nets.compact import Compact
from kinoloom.enhance.nets.dncnn import DnCNN
from kinoloom.enhance.nets.families import (
    Family,
    build_network,
    load_network,
    recognize_file,
    recognize_tensors,
)
from kinoloom.enhance.nets.ffdnet import FFDNet
from kinoloom.enhance.nets.nafnet import NAFNet
from kinoloom.enhance.nets.span import Span
from kinoloom.errors import WeightsError

pytestmark = pytest.mark.usefixtures("one_core")

NETWORKS: dict[str, tuple[nn.Module, Family]] = {
    "compact x2": (Compact(6, 2, 2), Family("compact", 6, (2,), 2)),
    "compact x4": (Compact(8, 3, 4), Family("compact", 8, (3,), 4)),
    "span": (Span(6, 4, is_folded=True), Family("span", 6, (6,), 4)),
    "span in training": (Span(5, 2), Family("span", 5, (6,), 2, is_folded=False)),
    "ffdnet": (FFDNet(7, 4), Family("ffdnet", 7, (4,))),
    "dncnn": (DnCNN(6, 4, 3, is_folded=True), Family("dncnn", 6, (4,))),
    "grey dncnn": (DnCNN(6, 3, 1, is_folded=True), Family("dncnn", 6, (3,), 1, 1)),
    "dncnn in training": (DnCNN(6, 4, 3), Family("dncnn", 6, (4,), is_folded=False)),
    "nafnet": (NAFNet(4, (1, 2), 3, (2, 1)), Family("nafnet", 4, (1, 2, 3, 2, 1))),
    "nafnet of one level": (NAFNet(4, (1,), 1, (2,)), Family("nafnet", 4, (1, 1, 2))),
}
GRAPHS = [name for name, (_, family) in NETWORKS.items() if family.is_folded]


def shapes(net: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in net.state_dict().items()}


def inputs(family: Family) -> tuple[torch.Tensor, ...]:
    image = torch.rand(1, family.colours, 8, 12)
    return (image, torch.full((1, 1, 8, 12), 0.1)) if family.takes_noise else (image,)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_of_tensors_is_recognised_and_loaded(name: str, suffix: str, tmp_path: Path) -> None:
    net, family = NETWORKS[name]
    file = tmp_path / f"net{suffix}"
    half = {key: value.half() for key, value in net.state_dict().items()}
    if suffix == ".pth":
        torch.save({"params": half, "iteration": 5}, file)
    else:
        save_file(half, file)
    net.eval().load_state_dict(half)
    assert recognize_file(file) == family
    loaded = load_network(file)
    assert not loaded.training
    given = inputs(family)
    with torch.no_grad():
        torch.testing.assert_close(loaded(*given), net(*given), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", GRAPHS)
def test_an_exported_network_is_recognised(name: str, tmp_path: Path) -> None:
    net, family = NETWORKS[name]
    file = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), inputs(family), str(file), opset_version=18, dynamo=False)
    assert recognize_file(file) == family


def test_a_converted_network_is_recognised() -> None:
    assert ANIMEVIDEOV3.file is not None
    assert recognize_file(ANIMEVIDEOV3.file) == Family("compact", 64, (16,), 4)


class Resized(nn.Module):
    """A network whose result is made smaller, as the x2 file of animevideov3."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Compact(6, 2, 4)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return nn.functional.interpolate(self.net(image), scale_factor=0.5, mode="bicubic")


def test_published_files_are_recognised(shared_data: Path) -> None:
    folder = shared_data / "enhance" / "weights"
    assert recognize_file(folder / "ffdnet_color.pth") == Family("ffdnet", 96, (12,))
    general = Family("compact", 64, (32,), 4)
    for suffix in (".param", ".bin"):
        assert recognize_file(folder / f"RealESRGAN_General_x4_v3{suffix}") == general


def test_the_stale_folded_copy_in_published_files_of_span_is_not_used(tmp_path: Path) -> None:
    net, family = NETWORKS["span in training"]
    net.eval()
    stale = {
        f"{name}.eval_conv.weight": torch.zeros(1)
        for name, module in net.named_modules()
        if name.endswith(("_r", "conv_1", "conv_2"))
    }
    assert len(stale) == 20
    file = tmp_path / "net.pth"
    torch.save({"params_ema": {**net.state_dict(), **stale}}, file)
    assert recognize_file(file) == family
    with torch.no_grad():
        given = inputs(family)
        torch.testing.assert_close(load_network(file)(*given), net(*given), rtol=1e-4, atol=1e-4)


def test_names_of_parallel_training_are_accepted(tmp_path: Path) -> None:
    net, family = NETWORKS["compact x2"]
    file = tmp_path / "net.pt"
    state = {f"module.{name}": value for name, value in net.state_dict().items()}
    torch.save({"state_dict": state}, file)
    assert recognize_file(file) == family


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(0, 5), st.integers(1, 4))
def test_compact_of_any_size_is_recognised(channels: int, blocks: int, scale: int) -> None:
    family = Family("compact", channels, (blocks,), scale)
    assert recognize_tensors(shapes(build_network(family)), "net") == family


@pytest.mark.parametrize(
    ("keys", "title"),
    [
        (["conv_first.weight", "body.0.rdb1.conv1.weight"], r"ESRGAN \(RRDB\)"),
        (["model.1.sub.0.RDB1.conv1.0.weight"], r"ESRGAN \(RRDB\)"),
        (["layers.0.residual_group.blocks.0.norm1.weight"], "SwinIR or HAT"),
        (["patch_embed.proj.weight", "encoder_level1.0.norm1.body.weight"], "Restormer"),
        (["head.0.weight", "body.0.body.0.weight", "tail.1.weight"], "EDSR"),
        (["m_head.0.weight", "m_down1.0.trans_block.ln1.weight"], "SCUNet"),
        (["m_head.weight", "m_down1.0.res.0.weight"], "DRUNet"),
        (["conv_first.weight", "body.0.conv1.weight"], "SRResNet"),
        (["anything"], "an unknown network"),
        ([], "an unknown network"),
    ],
)
def test_other_networks_are_rejected_by_name(keys: list[str], title: str) -> None:
    message = f"net.pth contains {title}; supported are Compact .*, SPAN, FFDNet, DnCNN, NAFNet"
    with pytest.raises(WeightsError, match=message):
        recognize_tensors(dict.fromkeys(keys, (64, 3, 3, 3)), "net.pth")


class Dense(nn.Module):
    """The first convolutions of a residual dense block."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.convs = nn.ModuleList(nn.Conv2d(4 + 2 * k, 2, 3, padding=1) for k in range(5))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.first(image)
        for conv in self.convs:
            features = torch.cat([features, conv(features)], 1)
        return features


@pytest.mark.parametrize(
    ("net", "title"),
    [
        (Dense(), r"ESRGAN \(RRDB\)"),
        (Resized(), r"Compact \(SRVGG\) with a resized result; supported are"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3)), "an unknown network"),
        (nn.Sequential(nn.Conv2d(3, 12, 1), nn.PixelShuffle(2)), "an unknown network"),
        (nn.Conv2d(3, 4, 3), "an unknown network"),
        (nn.Sigmoid(), "an unknown network"),
    ],
)
def test_other_graphs_are_rejected(net: nn.Module, title: str, tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (torch.rand(1, 3, 8, 8),), str(file), opset_version=18, dynamo=False)
    with pytest.raises(WeightsError, match=rf"net\.onnx contains {title}"):
        recognize_file(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"body.1.weight": None}, "differs: body.1.weight is missing"),
        ({"more": (1,)}, "differs: more is unknown"),
        (
            {"body.1.weight": (7,), "more": (1,)},
            r"differs: more is unknown and 1 more",
        ),
        ({"body.2.bias": (5,)}, r"differs: body.2.bias has shape \(5,\), expected \(6,\)"),
    ],
)
def test_a_network_that_differs_from_its_family_is_rejected(
    change: dict[str, Any], message: str
) -> None:
    found = shapes(NETWORKS["compact x2"][0]) | change
    with pytest.raises(WeightsError, match=rf"net resembles Compact \(SRVGG\), but {message}"):
        recognize_tensors({name: shape for name, shape in found.items() if shape}, "net")


def test_weights_that_are_not_finite_are_rejected(tmp_path: Path) -> None:
    state = dict(NETWORKS["compact x2"][0].state_dict())
    state["body.0.bias"] = torch.full_like(state["body.0.bias"], torch.nan)
    save_file(state, tmp_path / "net.safetensors")
    with pytest.raises(WeightsError, match=r"body\.0\.bias contains NaN or infinite values"):
        load_network(tmp_path / "net.safetensors")


def test_a_small_file_cannot_declare_large_weights(tmp_path: Path) -> None:
    state = dict(NETWORKS["compact x2"][0].state_dict())
    state["body.0.weight"] = torch.zeros(1).expand(60_000, 3, 3, 3)
    torch.save(state, tmp_path / "net.pth")
    assert (tmp_path / "net.pth").stat().st_size < 20_000
    with pytest.raises(
        WeightsError, match=r"net\.pth declares weights of 64\d* bytes in \d+ bytes"
    ):
        recognize_file(tmp_path / "net.pth")


def test_a_network_of_too_many_levels_is_rejected() -> None:
    shapes = {f"encoders.{level}.0.sca.1.weight": (4, 4, 1, 1) for level in range(40)}
    with pytest.raises(WeightsError, match="contains an unknown network"):
        recognize_tensors(shapes | {"intro.weight": (4, 3, 3, 3)}, "net")


class Bomb:
    """An object that creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_pickled_code_does_not_run(tmp_path: Path) -> None:
    state = NETWORKS["compact x2"][0].state_dict()
    torch.save({"params": state, "bomb": Bomb(tmp_path / "trace")}, tmp_path / "net.pth")
    for action in (recognize_file, load_network):
        with pytest.raises(WeightsError, match="could run code"):
            action(tmp_path / "net.pth")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("name", ["net.pth", "net.onnx", "net.param", "net.bin", "net.safetensors"])
def test_files_of_another_kind_are_rejected(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    with pytest.raises(WeightsError):
        recognize_file(file)
    file.write_bytes(b"this is a text, not a network")
    with pytest.raises(WeightsError):
        recognize_file(file)
