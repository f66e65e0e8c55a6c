"""Weights that a training begins with."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from kinoloom.errors import WeightsError
from kinoloom.film.cards import REFINE
from kinoloom.film.nets.lite_net import LiteNet, LiteSize
from kinoloom.film.nets.refine_net import RefineNet, RefineSize
from kinoloom.film.synthesis.refine import PLANES
from kinoloom.film.train.export import export_lite
from kinoloom.film.train.starting import begin_with
from kinoloom.learn.checkpointing.weights import write_weights
from kinoloom.runtime.onnx import OnnxModel

SMALL = LiteSize(8, 12, 4, 8, 2)


def drawn(seed: int) -> LiteNet:
    torch.manual_seed(seed)
    net = LiteNet(SMALL)
    for each in net.parameters():
        nn.init.normal_(each, std=0.1)
    return net


def test_a_shipped_network_is_begun_with_by_its_name() -> None:
    assert REFINE.file is not None
    net = RefineNet(RefineSize())
    begin_with(net, Path("refine"))
    seen = np.random.default_rng(0).random((1, net.size.guesses, PLANES, 16, 20), np.float32)
    said = OnnxModel(REFINE.file)({"seen": seen})
    with torch.no_grad():
        expected = net.eval()(torch.from_numpy(seen))
    for one, other in zip(said, expected, strict=False):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-4)


def test_a_stored_network_comes_back(tmp_path: Path) -> None:
    net, other = drawn(0), drawn(1)
    export_lite(net, tmp_path / "lite.onnx")
    begin_with(other, tmp_path / "lite.onnx")
    for name, value in net.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, atol=1e-3, rtol=1e-3)


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    write_weights(tmp_path / "other.safetensors", RefineNet(RefineSize()).state_dict(), {})
    with pytest.raises(WeightsError, match=r"other\.safetensors is of another network: it has no"):
        begin_with(drawn(0), tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"refine\.onnx is of another network"):
        begin_with(drawn(0), Path("refine"))
    with pytest.raises(WeightsError, match=r"no file none\.onnx"):
        begin_with(drawn(0), Path("none.onnx"))
    (tmp_path / "broken.onnx").write_bytes(b"not a network at all")
    with pytest.raises(WeightsError, match=r"broken\.onnx is no ONNX file"):
        begin_with(drawn(0), tmp_path / "broken.onnx")
    write_weights(tmp_path / "wider.safetensors", LiteNet().state_dict(), {})
    with pytest.raises(WeightsError, match=r"of shape \(4, 3, 3, 3\)"):
        begin_with(drawn(0), tmp_path / "wider.safetensors")
