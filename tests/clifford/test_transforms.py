"""Tests of layers under torch.func transformations."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, stack_module_state, vmap

from kinoloom.clifford.layers.conv import CliffordConv2d, CliffordConvTranspose2d
from kinoloom.clifford.layers.equivariant import SteerableConv2d
from kinoloom.clifford.layers.gate import MultivectorGate
from kinoloom.clifford.layers.linear import CliffordLinear
from kinoloom.clifford.layers.norm import CliffordGroupNorm
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
from kinoloom.clifford.layers.spectral import CliffordSpectralConv2d

PLANE = (1, 1)
SMALL, FIELD = (1, 4, 4, 3, 3), (2, 4, 4, 4, 4)
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: CliffordLinear(PLANE, 2, 3), (2, 2, 4)),
    "conv": (lambda: CliffordConv2d((-1, -1), 4, 4, padding=1), FIELD),
    "ideals": (lambda: CliffordConv2d(PLANE, 4, 4, padding=1), FIELD),
    "ideals, groups, circular": (
        lambda: CliffordConv2d(PLANE, 8, 8, padding=1, groups=2, padding_mode="circular"),
        (2, 8, 4, 4, 4),
    ),
    "circular": (
        lambda: CliffordConv2d((-1, -1), 4, 2, padding=1, padding_mode="circular"),
        FIELD,
    ),
    "transposed": (lambda: CliffordConvTranspose2d(PLANE, 4, 2, 2, 2), FIELD),
    "rotation": (lambda: CliffordRotationConv2d(4, 2, padding=1), FIELD),
    "spectral": (lambda: CliffordSpectralConv2d(PLANE, 4, 4, 2, 1), FIELD),
    "steerable": (lambda: SteerableConv2d(4, 2), FIELD),
    "group norm": (lambda: CliffordGroupNorm(PLANE, 2, 4), FIELD),
    "gate": (lambda: MultivectorGate(PLANE, 4), FIELD),
}
for_every_layer = pytest.mark.parametrize("name", LAYERS)


def build(name: str) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    return make().double().eval(), torch.randn(3, *shape, dtype=torch.float64)


def loss_of(layer: nn.Module) -> Callable[[dict[str, Tensor], Tensor], Tensor]:
    return lambda parameters, x: (functional_call(layer, parameters, (x,)) ** 2).sum()


@for_every_layer
def test_per_sample_gradients_match_autograd(name: str) -> None:
    layer, xs = build(name)
    parameters = {key: value.detach() for key, value in layer.named_parameters()}
    result = vmap(grad(loss_of(layer), argnums=(0, 1)), (None, 0))(parameters, xs)
    for number, x in enumerate(xs):
        x.requires_grad_()
        expected = torch.autograd.grad((layer(x) ** 2).sum(), [*layer.parameters(), x])
        for one, other in zip([*result[0].values(), result[1]], expected, strict=True):
            torch.testing.assert_close(one[number], other)


@for_every_layer
@pytest.mark.parametrize("recorded", [True, False])
def test_stacked_layers_match_individual_layers(name: str, recorded: bool) -> None:
    layer, xs = build(name)
    layers = [layer, build(name)[0]]
    with torch.no_grad():
        for p in layers[1].parameters():
            p.mul_(0.5)
    parameters, buffers = stack_module_state(layers)

    def run(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(layer, (parameters, buffers), (x,))

    with torch.set_grad_enabled(recorded):
        every = vmap(vmap(run, (None, None, 0)), (0, 0, None))(parameters, buffers, xs)
        for result, each in zip(every, layers, strict=True):
            torch.testing.assert_close(result, torch.stack([each(x) for x in xs]))
        of_one = vmap(run, (0, 0, None))(parameters, buffers, xs[0])
        torch.testing.assert_close(of_one, every[:, 0])


@pytest.mark.parametrize("axis", [0, 2, -1])
def test_vmap_over_any_axis(axis: int) -> None:
    layer, xs = build("ideals, groups, circular")
    expected = torch.stack([layer(x) for x in xs])
    torch.testing.assert_close(vmap(layer, axis)(xs.movedim(0, axis)), expected)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # raised by torch's jacfwd
@pytest.mark.parametrize("name", ["ideals", "circular"])
def test_jacobians_and_hessians_match_autograd(name: str) -> None:
    layer = build(name)[0]
    torch.manual_seed(0)
    x = torch.randn(SMALL, dtype=torch.float64)
    expected = torch.autograd.functional.jacobian(layer, x)
    for way in (jacrev, jacfwd):
        torch.testing.assert_close(way(layer)(x), expected)
        with torch.no_grad():
            torch.testing.assert_close(way(layer)(x), expected)

    def energy(x: Tensor) -> Tensor:
        return (layer(x) ** 3).sum()

    torch.testing.assert_close(hessian(energy)(x), torch.autograd.functional.hessian(energy, x))
