"""Tests of the equivariance of layers and of its measurement."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.conv import CliffordConv2d
from kinoloom.clifford.layers.equivariant import (
    GradeLinear,
    GradeProduct,
    InvariantGate,
    SteerableConv2d,
    SteerableConv3d,
    build_steerable_basis,
)
from kinoloom.clifford.layers.gate import MultivectorGate
from kinoloom.clifford.layers.linear import CliffordLinear
from kinoloom.clifford.layers.symmetry import (
    draw_versor_matrices,
    equivariance_error,
    list_grid_symmetries,
    transform_blades,
    transform_field,
)
from kinoloom.errors import ArrayError, UsageError

ROUNDING = 1e-13


def normal(*shape: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(shape, dtype=torch.float64)


class Squared(nn.Module):
    """A product layer applied to a field and itself."""

    def __init__(self, product: GradeProduct) -> None:
        super().__init__()
        self.product = product

    def forward(self, x: Tensor) -> Tensor:
        return self.product(x, x)


@pytest.mark.parametrize("g", [(1, 1), (1, 1, 1), (1, -1, 1), (1, 1, 1, 0), (-1, -1)])
@pytest.mark.parametrize("space", [(), (3, 2)])
def test_pointwise_layers_are_equivariant_under_versors(
    g: tuple[int, ...], space: tuple[int, ...]
) -> None:
    x = normal(2, 3, 2 ** len(g), *space)
    gate = InvariantGate(g, 3)
    nn.init.normal_(gate.slope)
    nn.init.normal_(gate.offset)
    linear = GradeLinear(g, 3, 4)
    nn.init.normal_(linear.bias)
    for layer in (linear, gate, Squared(GradeProduct(g, 3))):
        assert equivariance_error(layer.double(), x, g, "versors") < 1e-11


@pytest.mark.parametrize("circular", [True, False])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_steerable_convolutions_are_equivariant_on_the_grid(
    circular: bool, kernel_size: int
) -> None:
    flat = SteerableConv2d(2, 3, kernel_size, circular=circular).double()
    nn.init.normal_(flat.bias)
    assert equivariance_error(flat, normal(1, 2, 4, 7, 7), (1, 1)) < ROUNDING
    if kernel_size < 5:
        solid = SteerableConv3d(1, 2, kernel_size, circular=circular).double()
        assert equivariance_error(solid, normal(1, 1, 8, 4, 4, 4), (1, 1, 1)) < ROUNDING


def test_steerable_convolution_is_equivariant_in_single_precision() -> None:
    layer = SteerableConv2d(4, 4)
    assert equivariance_error(layer, torch.randn(2, 4, 4, 16, 16), (1, 1)) < 1e-5


def test_network_with_selected_grades_is_equivariant() -> None:
    lift = SteerableConv2d(1, 4, in_grades=[0, 1])
    net = nn.Sequential(
        lift,
        InvariantGate((1, 1), 4),
        Squared(GradeProduct((1, 1), 4)),
        SteerableConv2d(4, 1, bias=False, out_grades=[1]),
    ).double()
    grades = {"in_grades": [0, 1], "out_grades": [1]}
    assert equivariance_error(net, normal(1, 1, 3, 8, 8), (1, 1), **grades) < ROUNDING


@pytest.mark.parametrize(
    "layer",
    [
        CliffordConv2d((1, 1), 2, 2, padding=1, padding_mode="circular"),
        MultivectorGate((1, 1), 2),
        nn.GELU(),
    ],
)
def test_plain_clifford_layers_are_not_equivariant(layer: nn.Module) -> None:
    torch.manual_seed(0)
    assert equivariance_error(layer.double(), normal(1, 2, 4, 6, 6), (1, 1)) > 0.01


def test_right_product_is_not_equivariant_under_versors() -> None:
    linear = CliffordLinear((1, 1), 2, 2).double()
    assert equivariance_error(linear, normal(5, 2, 4), (1, 1), "versors") > 0.1


def test_steerable_basis_is_complete_in_the_plane() -> None:
    """Rings 1 and above: 1->1, v->v (two), b->b, 1->v, v->1, v->b, b->v; centre: 1, v, b."""
    algebra = Algebra(2)
    every = tuple(range(4))
    for size, rings in ((1, 0), (3, 2), (5, 5)):
        basis = build_steerable_basis(algebra, size, every, every)
        assert len(basis) == 3 + 8 * rings
        assert np.linalg.matrix_rank(basis.reshape(len(basis), -1)) == len(basis)


def test_steerable_basis_is_equivariant_at_45_degrees() -> None:
    """The kernel at a rotated offset is the rotated kernel."""
    algebra = Algebra(2)
    basis = build_steerable_basis(algebra, 3, (0, 1, 2, 3), (0, 1, 2, 3))
    c = 0.5**0.5
    rho = algebra.outermorphism(np.array([[c, -c], [c, c]]))
    straight, diagonal = basis[3:11, :, :, 2, 1], basis[11:, :, :, 2, 2]
    np.testing.assert_allclose(rho @ straight @ rho.T, diagonal, atol=1e-12)


def test_equivariant_layers_pass_gradcheck() -> None:
    x = normal(1, 2, 4, 3, 3).requires_grad_()
    layers = [GradeLinear((1, 1), 2, 2), InvariantGate((1, 1), 2), SteerableConv2d(2, 1)]
    for layer in (*layers, Squared(GradeProduct((1, 1), 2))):
        assert torch.autograd.gradcheck(layer.double(), (x,))


def test_transform_field_rotates_cells_and_blades() -> None:
    assert len(list_grid_symmetries(2)) == 8
    assert len(list_grid_symmetries(3)) == 48
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])  # e1 to e2, e2 to -e1
    x = torch.zeros(1, 1, 4, 3, 3)
    x[0, 0, 1, 2, 1] = 1.0  # the vector e1, one cell along e1 from the centre
    moved = transform_field(x, quarter, (1, 1))
    assert moved[0, 0, 2, 1, 2] == 1.0  # the vector e2, one cell along e2
    assert moved.abs().sum() == 1.0
    back = x
    for _ in range(4):
        back = transform_field(back, quarter, (1, 1))
    assert torch.equal(back, x)


def test_versor_matrices_preserve_products() -> None:
    algebra = Algebra(2, 1)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 8))
    for matrix in draw_versor_matrices(algebra, 6, seed=1):
        product = algebra.geometric_product(matrix @ x, matrix @ y)
        np.testing.assert_allclose(matrix @ algebra.geometric_product(x, y), product, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda x: equivariance_error(nn.Identity(), x, (1, 1), "sphere"),
            UsageError,
            "Unknown group 'sphere'",
        ),
        (lambda x: equivariance_error(nn.Identity(), x, (1, -1)), UsageError, "expected Cl"),
        (lambda x: equivariance_error(nn.Identity(), x, (0, 0), "versors"), UsageError, "versors"),
        (lambda x: equivariance_error(nn.Identity(), x * np.nan, (1, 1)), ArrayError, "NaN"),
        (
            lambda x: equivariance_error(nn.Identity(), x[..., :4], (1, 1)),
            ArrayError,
            "equal sizes",
        ),
        (lambda x: transform_field(x, np.full((2, 2), 0.5), (1, 1)), ArrayError, "permutation"),
        (lambda x: transform_field(x, np.ones((2, 2)), (1, 1)), ArrayError, "permutation"),
        (lambda x: transform_blades(x, np.eye(4), (1, 1), [1]), ArrayError, "expected 2 blades"),
        (lambda x: SteerableConv2d(1, 1, 4), UsageError, "expected an odd number"),
        (lambda x: SteerableConv2d(0, 1), UsageError, "expected at least 1"),
        (lambda x: SteerableConv2d(1, 1, out_grades=[1]), UsageError, "no grade 0"),
        (
            lambda x: SteerableConv2d(1, 1, bias=False, in_grades=[0], out_grades=[2]),
            UsageError,
            "No equivariant map",
        ),
        (lambda x: GradeLinear((1, 1), 2, 1)(x), ArrayError, r"expected \(B, 2, 4, \*space\)"),
        (lambda x: GradeProduct((1, 1), 0), UsageError, "expected at least 1"),
    ],
)
def test_invalid_arguments_are_refused(make: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        make(torch.randn(1, 1, 4, 5, 5))
