"""Initial weights of a training run."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from kinoloom.errors import WeightsError
from kinoloom.film.cards import REFINE
from kinoloom.film.nets.lite_net import LiteNet, LiteSize
from kinoloom.film.nets.refine_net import RefineNet, RefineSize
from kinoloom.film.synthesis.refine import INPUT_PLANES
from kinoloom.film.train.export import export_lite
from kinoloom.film.train.initial_weights import load_initial_weights
from kinoloom.learn.checkpointing.weights import write_weights
from kinoloom.runtime.onnx import OnnxModel

SMALL = LiteSize(8, 12, 4, 8, 2)


def random_net(seed: int) -> LiteNet:
    torch.manual_seed(seed)
    net = LiteNet(SMALL)
    for each in net.parameters():
        nn.init.normal_(each, std=0.1)
    return net


def test_shipped_network_loads_by_name() -> None:
    assert REFINE.file is not None
    net = RefineNet(RefineSize())
    load_initial_weights(net, Path("refine"))
    planes = np.random.default_rng(0).random(
        (1, net.size.candidates, INPUT_PLANES, 16, 20), np.float32
    )
    output = OnnxModel(REFINE.file)({"seen": planes})
    with torch.no_grad():
        expected = net.eval()(torch.from_numpy(planes))
    for one, other in zip(output, expected, strict=False):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-4)


def test_exported_network_loads(tmp_path: Path) -> None:
    net, other = random_net(0), random_net(1)
    export_lite(net, tmp_path / "lite.onnx")
    load_initial_weights(other, tmp_path / "lite.onnx")
    for name, value in net.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, atol=1e-3, rtol=1e-3)


def test_unusable_weights_are_rejected(tmp_path: Path) -> None:
    write_weights(tmp_path / "other.safetensors", RefineNet(RefineSize()).state_dict(), {})
    with pytest.raises(
        WeightsError, match=r"other\.safetensors contains another network: it lacks"
    ):
        load_initial_weights(random_net(0), tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"refine\.onnx contains another network"):
        load_initial_weights(random_net(0), Path("refine"))
    with pytest.raises(WeightsError, match=r"none\.onnx does not exist"):
        load_initial_weights(random_net(0), Path("none.onnx"))
    (tmp_path / "broken.onnx").write_bytes(b"not a network at all")
    with pytest.raises(WeightsError, match=r"broken\.onnx is not an ONNX file"):
        load_initial_weights(random_net(0), tmp_path / "broken.onnx")
    write_weights(tmp_path / "wider.safetensors", LiteNet().state_dict(), {})
    with pytest.raises(WeightsError, match=r"of shape \(4, 3, 3, 3\)"):
        load_initial_weights(random_net(0), tmp_path / "wider.safetensors")
