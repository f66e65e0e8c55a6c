"""Tests of layers and networks under torch.compile and in ONNX."""

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from kinoloom.clifford.layers.conv import (
    CliffordConv2d,
    CliffordConv3d,
    CliffordConvTranspose2d,
)
from kinoloom.clifford.layers.equivariant import SteerableConv2d
from kinoloom.clifford.layers.gate import MultivectorGate
from kinoloom.clifford.layers.norm import CliffordBatchNorm
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
from kinoloom.clifford.layers.spectral import CliffordSpectralConv2d
from kinoloom.clifford.nets.fno import FNO
from kinoloom.clifford.nets.layer_factory import CliffordLayers, FieldSpec, PlainLayers
from kinoloom.clifford.nets.resnet import ResNet
from kinoloom.clifford.nets.unet import UNet

PLANE = (1, 1)
FIELD = (2, 4, 4, 6, 6)
LAYERS = {
    "full": (lambda: CliffordConv2d((-1, -1), 4, 2, 3, padding=1), FIELD),
    "ideals": (
        lambda: CliffordConv2d(PLANE, 4, 4, 3, padding=1, padding_mode="circular"),
        FIELD,
    ),
    "solid": (
        lambda: CliffordConv3d((1, 1, 1), 4, 4, 2, groups=2, padding_mode="reflect"),
        (2, 4, 8, 3, 4, 3),
    ),
    "transposed": (lambda: CliffordConvTranspose2d(PLANE, 4, 2, 2, 2), FIELD),
    "rotation": (lambda: CliffordRotationConv2d(4, 2, 3, padding=1), FIELD),
    "steerable": (lambda: SteerableConv2d(4, 2), FIELD),
    "batch norm": (lambda: CliffordBatchNorm(PLANE, 4), FIELD),
    "spectral": (lambda: CliffordSpectralConv2d(PLANE, 4, 4, 2, 1), FIELD),
    "gate": (lambda: MultivectorGate(PLANE, 4), FIELD),
    "resnet": (
        lambda: ResNet(CliffordLayers(PLANE, 2, with_norm=True), FieldSpec(4), 4, blocks=1),
        FIELD,
    ),
    "unet": (lambda: UNet(CliffordLayers(PLANE, 2), FieldSpec(4), 4, levels=1), FIELD),
    "fno": (lambda: FNO(CliffordLayers(PLANE, 2), FieldSpec(4), 4, (2, 2), blocks=1), FIELD),
    "plain fno": (lambda: FNO(PlainLayers(PLANE, 2), FieldSpec(4), 4, (2, 2), blocks=1), FIELD),
}


def build(name: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    return make().eval(), torch.randn(shape)


def test_both_kinds_of_convolution_are_exported() -> None:
    assert build("ideals")[0].ideals is not None
    assert build("full")[0].ideals is None


@pytest.mark.parametrize("name", LAYERS)
def test_onnxruntime_matches_torch(name: str, tmp_path: Path) -> None:
    layer, x = build(name)
    file = tmp_path / "layer.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns about its own code
        torch.onnx.export(layer, (x,), str(file), dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (run,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    np.testing.assert_allclose(run, layer(x).detach().numpy(), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["full", "ideals", "rotation", "gate", "resnet", "fno"])
def test_compile_produces_one_graph_with_equal_gradients(name: str) -> None:
    torch._dynamo.reset()  # graphs of other layers count against the limit
    layer, x = build(name)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    gradients = []
    for run in (layer, compiled):
        given = x.clone().requires_grad_()
        y = run(given)
        learned = [p for p in layer.parameters() if p.requires_grad]
        gradients.append([y.detach(), *torch.autograd.grad((y**2).sum(), [given, *learned])])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), layer(x), atol=1e-5, rtol=1e-4)
