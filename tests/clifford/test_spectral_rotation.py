"""Tests of the Clifford Fourier layers and the rotational convolution."""

import itertools

import numpy as np
import pytest
import torch
from cayley import product
from torch import nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.conv import CliffordConv2d
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d, rotation_matrix
from kinoloom.clifford.layers.spectral import CliffordSpectralConv2d, CliffordSpectralConv3d
from kinoloom.errors import ArrayError, UsageError

RIGHT = [(1, 1), (-1, -1), (1, 1, 1), (1, -1, -1), (-1, 1, -1)]


def create_spectral(
    g: tuple[int, ...], channels: int, modes: tuple[int, ...], multiply: bool = True
) -> nn.Module:
    layer = {2: CliffordSpectralConv2d, 3: CliffordSpectralConv3d}[len(g)]
    return layer(g, channels, channels, *modes, multiply).to(torch.float64)


@pytest.mark.parametrize("g", RIGHT)
def test_spectral_layer_without_weights_is_the_identity(g: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer = create_spectral(g, 2, (2, 3, 1)[: len(g)], multiply=False)
    assert layer.weight is None
    x = torch.randn(2, 2, 2 ** len(g), *(4, 6, 2)[: len(g)], dtype=torch.float64)
    assert (layer(x) - x).abs().max() < 1e-12
    assert (layer.float()(x.float()) - x).abs().max() < 1e-5


@pytest.mark.parametrize("g", RIGHT)
def test_transform_matches_its_definition(g: tuple[int, ...]) -> None:
    """F(k) = sum over cells n of x exp(-i 2 pi k n / N), with the pseudoscalar i."""
    torch.manual_seed(1)
    algebra, sizes = Algebra.of(g), (3, 2, 2)[: len(g)]
    x = np.random.default_rng(0).standard_normal((1, 1, algebra.n_blades, *sizes))
    result = create_spectral(g, 1, (1,) * len(g)).transform(torch.tensor(x)).numpy()
    for mode in np.ndindex(*sizes):
        total = np.zeros(algebra.n_blades)
        for place in np.ndindex(*sizes):
            angle = -2 * np.pi * sum(m * n / s for m, n, s in zip(mode, place, sizes, strict=True))
            turn = np.zeros(algebra.n_blades)
            turn[0], turn[-1] = np.cos(angle), np.sin(angle)
            total += product(x[(0, 0, slice(None), *place)], turn, g)
        np.testing.assert_allclose(result[(0, 0, slice(None), *mode)], total, atol=1e-12)


@pytest.mark.parametrize("g", [(1, 1), (-1, -1), (1, 1, 1)])
def test_low_modes_are_multiplied_and_others_dropped(g: tuple[int, ...]) -> None:
    torch.manual_seed(2)
    sizes, modes = (5, 4, 4)[: len(g)], (2, 1, 1)[: len(g)]
    layer = create_spectral(g, 2, modes)
    x = torch.randn(1, 2, 2 ** len(g), *sizes, dtype=torch.float64)
    before = layer.transform(x).numpy()
    after = layer.transform(layer(x)).detach().numpy()
    kept = [[*range(m), *range(s - m, s)] for m, s in zip(modes, sizes, strict=True)]
    weight = layer.weight.detach().numpy()
    expected = np.zeros_like(before)
    for place in itertools.product(*map(range, (len(k) for k in kept))):
        mode = tuple(k[p] for k, p in zip(kept, place, strict=True))
        for o, c in itertools.product(range(2), repeat=2):
            field = before[(0, c, slice(None), *mode)]
            expected[(0, o, slice(None), *mode)] += product(
                field, weight[(slice(None), o, c, *place)], g
            )
    np.testing.assert_allclose(after, expected, atol=1e-10)


def test_spectral_layer_passes_gradcheck_and_uses_cached_kernel() -> None:
    torch.manual_seed(0)
    layer = create_spectral((1, 1), 1, (1, 1))
    x = torch.randn(1, 1, 4, 3, 3, dtype=torch.float64, requires_grad=True)

    def run(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    assert torch.autograd.gradcheck(run, (x, layer.weight))
    with torch.no_grad():
        torch.testing.assert_close(layer.eval()(x), layer.train()(x))


def test_exported_spectral_layer_matches() -> None:
    layer = create_spectral((1, 1, 1), 1, (1, 1, 1)).float().eval()
    x = torch.randn(1, 1, 8, 4, 4, 4)
    program = torch.export.export(layer, (x,))
    torch.testing.assert_close(program.module()(x), layer(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CliffordSpectralConv2d((1, 1, 1), 1, 1, 2, 2), "expected 2 generators"),
        (lambda: CliffordSpectralConv2d((1, -1), 1, 1, 2, 2), "squares to -1"),
        (lambda: CliffordSpectralConv2d((1, 0), 1, 1, 2, 2), "squares to -1"),
        (lambda: CliffordSpectralConv3d((-1, -1, -1), 1, 1, 2, 2, 2), "squares to -1"),
        (lambda: CliffordSpectralConv2d((1, 1), 1, 1, 0, 2), "expected at least 1 mode"),
        (
            lambda: CliffordSpectralConv2d((1, 1), 1, 2, 1, 2, multiply=False),
            "as many output channels",
        ),
    ],
)
def test_invalid_spectral_layers_are_refused(make: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def test_fields_too_small_for_the_modes_are_refused() -> None:
    with pytest.raises(ArrayError, match="too small for"):
        CliffordSpectralConv2d((1, 1), 1, 1, 2, 3)(torch.zeros(1, 1, 4, 4, 5))


# ---- rotation ----


def test_rotational_convolution_rotates_by_its_quaternion() -> None:
    """The vector part is scale * w v ~w / |w| ** 2, by products of the oracle."""
    torch.manual_seed(0)
    layer = CliffordRotationConv2d(1, 1, 1, bias=False).double()
    w = layer.weight.detach().numpy().reshape(4) * 100  # so that 1e-4 is negligible
    with torch.no_grad():
        layer.weight.mul_(100)
    x = np.random.default_rng(1).standard_normal(4)
    result = layer(torch.tensor(x).reshape(1, 1, 4, 1, 1)).detach().numpy().reshape(4)
    assert result[0] == pytest.approx(product(x, w, (-1, -1))[0])
    conjugate = w * [1, -1, -1, -1]
    turned = product(product(w, x * [0, 1, 1, 1], (-1, -1)), conjugate, (-1, -1)) / (w @ w)
    np.testing.assert_allclose(result[1:], layer.scale.item() * turned[1:], rtol=1e-6)


def test_rotation_matrix_is_orthogonal() -> None:
    matrix = rotation_matrix(10 * torch.randn(4, 7, dtype=torch.float64)).permute(2, 0, 1)
    eye = torch.eye(3, dtype=torch.float64).expand(7, 3, 3)
    torch.testing.assert_close(matrix @ matrix.mT, eye, atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.linalg.det(matrix), torch.ones(7).double(), atol=1e-4, rtol=0)


def test_rotational_layer_passes_gradcheck_without_kernel_cache() -> None:
    torch.manual_seed(0)
    layer = CliffordRotationConv2d(2, 2, 2, padding=1, groups=2, padding_mode="circular").double()
    x = torch.randn(1, 2, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    names = list(dict(layer.named_parameters()))

    def run(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (x, *layer.parameters()))
    with torch.no_grad():
        before = layer(x)
        layer.scale.mul_(2)
        assert not torch.allclose(layer(x), before)


def test_rotational_layer_has_five_weights_and_can_be_reset() -> None:
    layer = CliffordRotationConv2d(3, 2, 3, bias=False)
    plain = CliffordConv2d((-1, -1), 3, 2, 3, bias=False)
    sizes = [sum(p.numel() for p in net.parameters()) for net in (layer, plain)]
    assert sizes[0] * 4 == sizes[1] * 5
    before = layer.scale.clone()
    layer.reset_parameters()
    assert not torch.equal(layer.scale, before)
