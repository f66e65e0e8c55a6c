"""Tests of the networks with both factories."""

import pytest
import torch
from torch import Tensor, nn

from kinoloom.clifford.nets.fno import FNO
from kinoloom.clifford.nets.layer_factory import (
    CliffordLayers,
    FieldSpec,
    LayerFactory,
    PlainLayers,
)
from kinoloom.clifford.nets.resnet import ResNet
from kinoloom.clifford.nets.sizing import count_parameters, match_width
from kinoloom.clifford.nets.spectral import SpectralConv
from kinoloom.clifford.nets.unet import UNet
from kinoloom.errors import ArrayError, UsageError

PLANE, SOLID = (1, 1), (1, 1, 1)
SPEC = FieldSpec(2, 1, (0, 1), (0, 1))
FACTORIES = {
    "clifford": CliffordLayers(PLANE, 2),
    "gated and normed": CliffordLayers(PLANE, 2, with_norm=True, activation_kind="gate"),
    "rotation": CliffordLayers((-1, -1), 2, rotation=True),
    "plain": PlainLayers(PLANE, 2),
    "plain normed": PlainLayers(PLANE, 2, "zeros", with_norm=True),
}
NETS = {
    "resnet": lambda factory, spec, channels: ResNet(factory, spec, channels, blocks=2),
    "fno": lambda factory, spec, channels: FNO(
        factory, spec, channels, (3,) * factory.space, blocks=2
    ),
    "unet": lambda factory, spec, channels: UNet(factory, spec, channels, levels=2),
}


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("name", NETS)
def test_every_parameter_has_a_gradient(name: str, factory: str) -> None:
    torch.manual_seed(0)
    net = NETS[name](FACTORIES[factory], SPEC, 4)
    y = net(torch.randn(2, 2, 3, 8, 12))
    assert y.shape == (2, 1, 3, 8, 12)
    (y**2).mean().backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.any(), key


@pytest.mark.parametrize("name", ["fno", "unet"])
def test_networks_in_three_dimensions(name: str) -> None:
    for factory in (CliffordLayers(SOLID, 3), PlainLayers(SOLID, 3)):
        net = NETS[name](factory, FieldSpec(1, 1, (1, 2), (1, 2)), 2)
        assert net(torch.randn(1, 1, 6, 8, 8, 8)).shape == (1, 1, 6, 8, 8, 8)


def test_networks_in_one_dimension() -> None:
    for factory in (CliffordLayers((-1,), 1), PlainLayers((-1,), 1)):
        assert ResNet(factory, FieldSpec(), 3, blocks=1)(torch.randn(1, 1, 2, 9)).shape == (
            1,
            1,
            2,
            9,
        )


@pytest.mark.parametrize("name", NETS)
def test_periodic_networks_are_translation_equivariant(name: str) -> None:
    torch.manual_seed(0)
    net = NETS[name](FACTORIES["clifford"], SPEC, 3).double()
    x = torch.randn(1, 2, 3, 8, 8, dtype=torch.float64)
    moved = net(x.roll((4, -4), (-2, -1)))
    torch.testing.assert_close(moved, net(x).roll((4, -4), (-2, -1)))


@pytest.mark.parametrize("name", NETS)
def test_match_width_finds_the_closest_parameter_count(name: str) -> None:
    target = count_parameters(NETS[name](FACTORIES["clifford"], SPEC, 16))
    width = match_width(lambda c: NETS[name](FACTORIES["plain"], SPEC, c), target)
    counts = [count_parameters(NETS[name](FACTORIES["plain"], SPEC, width + d)) for d in (-1, 0, 1)]
    assert abs(counts[1] - target) == min(abs(c - target) for c in counts)
    assert abs(counts[1] / target - 1) < 0.05
    assert width > 16


@pytest.mark.parametrize("factory", ["clifford", "rotation", "plain"])
def test_network_learns_to_rotate_a_vector_field(factory: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 1, 3, 8, 8)
    turned = torch.stack([x[:, :, 0], -x[:, :, 2], x[:, :, 1]], dim=2)
    net = ResNet(FACTORIES[factory], FieldSpec(1, 1, (0, 1), (0, 1)), 4, blocks=1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), turned)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("name", NETS)
def test_exported_networks_match(name: str) -> None:
    net = NETS[name](FACTORIES["clifford"], SPEC, 2).eval()
    x = torch.randn(1, 2, 3, 8, 8)
    program = torch.export.export(net, (x,))
    torch.testing.assert_close(program.module()(x), net(x))


def apply_full_transform(layer: SpectralConv, x: Tensor) -> Tensor:
    """Apply SpectralConv by the full complex FFT with weights and conjugate weights."""
    m, n = layer.modes
    weight = torch.view_as_complex(layer.weight.detach())
    height, width = x.shape[-2:]
    rows = [*range(m), *range(height - m, height)]
    modes = torch.zeros(len(x), layer.out_channels, height, width, dtype=weight.dtype)
    spectrum = torch.fft.fft2(x)
    for r, row in enumerate(rows):
        for column in range(n):
            mixed = spectrum[:, :, row, column] @ weight[:, :, r, column]
            modes[:, :, row, column] += mixed
            if column:
                modes[:, :, -row % height, -column % width] += mixed.conj()
    return torch.fft.ifft2(modes)


def test_plain_spectral_layer_matches_full_transform() -> None:
    torch.manual_seed(0)
    layer = SpectralConv(2, 3, (2, 2)).double()
    x = torch.randn(2, 2, 6, 5, dtype=torch.float64)
    expected = apply_full_transform(layer, x)
    assert (layer(x) - expected.real).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CliffordLayers(PLANE, 4), "expected 1, 2 or 3"),
        (lambda: PlainLayers(PLANE, 0), "expected 1, 2 or 3"),
        (lambda: CliffordLayers(PLANE, 2, rotation=True), "do not support the signature"),
        (lambda: ResNet(FACTORIES["plain"], SPEC, 4, blocks=0), "blocks 0: expected at least 1"),
        (
            lambda: FNO(FACTORIES["plain"], SPEC, 4, (2, 2), blocks=0),
            "blocks 0: expected at least 1",
        ),
        (lambda: FNO(FACTORIES["clifford"], SPEC, 4, (2,)), "one number of modes for each"),
        (lambda: FNO(PlainLayers((1,), 1), FieldSpec(), 4, (2,)), "expected 2 or 3 axes"),
        (lambda: UNet(FACTORIES["plain"], SPEC, 4, levels=0), "levels 0: expected at least 1"),
        (lambda: SpectralConv(2, 2, (0,)), "expected at least 1 each"),
        (lambda: match_width(lambda c: nn.Linear(c, c), 0), "parameters 0: expected at least 1"),
    ],
)
def test_invalid_networks_are_refused(make: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize("factory", [FACTORIES["clifford"], FACTORIES["plain"]])
def test_inputs_of_wrong_shape_are_refused(factory: LayerFactory) -> None:
    with pytest.raises(ArrayError, match=r"\(B, 2, 3, H, W\)"):
        NETS["resnet"](factory, SPEC, 2)(torch.zeros(1, 2, 4, 8, 8))
    with pytest.raises(ArrayError, match="divisible by 4"):
        NETS["unet"](factory, SPEC, 2)(torch.zeros(1, 2, 3, 8, 6))
    with pytest.raises(ArrayError, match=r"at least \(6, 6\) cells"):
        NETS["fno"](factory, SPEC, 2)(torch.zeros(1, 2, 3, 8, 4))
