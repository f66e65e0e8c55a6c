"""Norms and spectral layers in 16 bits: float32 under autocast, else a clear message."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import nn

from kinoloom.clifford.layers.conv import CliffordConv2d, CliffordConvTranspose2d
from kinoloom.clifford.layers.linear import CliffordLinear
from kinoloom.clifford.layers.norm import CliffordBatchNorm, CliffordGroupNorm
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
from kinoloom.clifford.layers.spectral import CliffordSpectralConv2d, CliffordSpectralConv3d
from kinoloom.clifford.nets.spectral import SpectralConv
from kinoloom.errors import ArrayError

G = (1, 1)
FULL: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "group norm": (lambda: CliffordGroupNorm(G, 2, 4), (2, 4, 4, 8, 8)),
    "batch norm": (lambda: CliffordBatchNorm(G, 4), (2, 4, 4, 8, 8)),
    "evaluated batch norm": (lambda: CliffordBatchNorm(G, 4).eval(), (2, 4, 4, 8, 8)),
    "spectral 2d": (lambda: CliffordSpectralConv2d(G, 4, 3, 2, 2), (2, 4, 4, 8, 8)),
    "truncation": (lambda: CliffordSpectralConv2d(G, 4, 4, 2, 2, multiply=False), (2, 4, 4, 8, 8)),
    "spectral 3d": (lambda: CliffordSpectralConv3d((1, 1, 1), 2, 2, 1, 1, 1), (2, 2, 8, 4, 4, 4)),
    "real spectral": (lambda: SpectralConv(4, 3, (2, 2)), (2, 4, 8, 8)),
}
HALVES = [torch.bfloat16, torch.float16]


def make(kind: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    build, shape = FULL[kind]
    return build(), torch.randn(shape)


@pytest.mark.parametrize("stored", [torch.float32, *HALVES])
@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", FULL)
def test_autocast_computes_in_float32(kind: str, half: torch.dtype, stored: torch.dtype) -> None:
    layer, x = make(kind)
    twin, _ = make(kind)
    x = x.to(stored)
    expected = layer(x.float())
    with torch.autocast("cpu", half):
        y = twin(x)
    assert y.dtype == torch.float32
    assert torch.equal(y, expected)
    for one, other in zip(layer.buffers(), twin.buffers(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", FULL)
def test_autocast_keeps_float64(kind: str) -> None:
    layer, x = make(kind)
    twin, _ = make(kind)
    expected = layer.double()(x.double())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(twin.double()(x.double()), expected)


@pytest.mark.parametrize("kind", [kind for kind in FULL if kind != "truncation"])
def test_a_network_trains_under_autocast(kind: str) -> None:
    layer, x = make(kind)
    twin, _ = make(kind)
    layer(x).square().sum().backward()
    with torch.autocast("cpu", torch.bfloat16):
        loss = twin(x).square().sum()
    loss.backward()
    for one, other in zip(layer.parameters(), twin.parameters(), strict=True):
        assert one.grad is not None and other.grad is not None
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", FULL)
def test_16_bits_outside_of_autocast_are_rejected(kind: str, half: torch.dtype) -> None:
    layer, x = make(kind)
    name = type(layer).__name__
    with pytest.raises(ArrayError, match=rf"{name} does not support {half}") as caught:
        layer(x.to(half))
    assert "torch.autocast" in caught.value.hint


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", [kind for kind in FULL if kind != "truncation"])
def test_parameters_of_16_bits_are_rejected(kind: str, half: torch.dtype) -> None:
    layer, x = make(kind)
    for autocast in (nullcontext(), torch.autocast("cpu", torch.bfloat16)):
        with autocast, pytest.raises(ArrayError, match=f"does not support {half}"):
            layer.to(half)(x)


def test_transforms_follow_the_same_rule() -> None:
    layer, x = make("spectral 2d")
    assert isinstance(layer, CliffordSpectralConv2d)
    for transform in (layer.transform, layer.inverse_transform):
        with pytest.raises(ArrayError, match="does not support"):
            transform(x.bfloat16())
        with torch.autocast("cpu", torch.bfloat16):
            result = transform(x.bfloat16())
        assert torch.equal(result, transform(x.bfloat16().float()))


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda: CliffordConv2d(G, 4, 4, 3, padding=1), (2, 4, 4, 8, 8)),
        (lambda: CliffordConv2d(G, 16, 16, 3, padding=1), (2, 16, 4, 8, 8)),  # ideal coordinates
        (lambda: CliffordConvTranspose2d(G, 4, 4, 2), (2, 4, 4, 8, 8)),
        (lambda: CliffordRotationConv2d(4, 4), (2, 4, 4, 8, 8)),
        (lambda: CliffordLinear(G, 4, 4), (5, 4, 4)),
    ],
)
def test_products_compute_in_16_bits_under_autocast(
    build: Callable[[], nn.Module], shape: tuple[int, ...], grad: bool
) -> None:
    torch.manual_seed(0)
    layer, x = build(), torch.randn(shape)
    with nullcontext() if grad else torch.no_grad():
        expected = layer(x)
        with torch.autocast("cpu", torch.bfloat16):
            y = layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("kind", ["group norm", "spectral 2d", "real spectral"])
def test_layers_are_still_exported_and_compiled(kind: str) -> None:
    layer, x = make(kind)
    program = torch.export.export(layer.eval(), (x,))
    torch.testing.assert_close(program.module()(x), layer(x))
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x))
