"""Tests of batch and group norm, gates and products."""

import numpy as np
import pytest
import torch
from cayley import product
from torch import nn

from kinoloom.clifford.layers.gate import MultivectorGate, MultivectorProduct
from kinoloom.clifford.layers.norm import (
    CliffordBatchNorm,
    CliffordGroupNorm,
    invert_cholesky_factor,
)
from kinoloom.errors import ArrayError, UsageError


def sample_correlated_field(*shape: int) -> torch.Tensor:
    """Return a field whose blades are correlated and not centred."""
    torch.manual_seed(0)
    mixing = torch.randn(shape[2], shape[2], dtype=torch.float64)
    field = torch.randn(shape, dtype=torch.float64)
    return torch.einsum("ij,bcj...->bci...", mixing, field) + 3


def statistics(samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean (I,) and covariance (I, I) of samples (I, N)."""
    return samples.mean(1), torch.cov(samples, correction=0)


def assert_white(samples: torch.Tensor) -> None:
    mean, cov = statistics(samples)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-9, rtol=0)
    torch.testing.assert_close(cov, torch.eye(len(cov)).to(cov), atol=1e-6, rtol=0)


@pytest.mark.parametrize("space", [(), (7,), (6, 5), (3, 4, 3)])
def test_batch_norm_whitens_each_channel(space: tuple[int, ...]) -> None:
    x = sample_correlated_field(64, 3, 4, *space)
    y = CliffordBatchNorm((1, 1), 3, eps=1e-12).double()(x)
    assert y.shape == x.shape
    for channel in range(3):
        assert_white(y[:, channel].movedim(1, 0).flatten(1))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm_whitens_each_group_of_each_field(groups: int) -> None:
    x = sample_correlated_field(2, 4, 8, 6, 6, 3) + torch.randn(4, 8, 1, 1, 1)
    norm = CliffordGroupNorm((1, 1, 1), groups, 4, eps=1e-12).double()
    y = norm(x)
    for field in y.reshape(2, groups, 4 // groups, 8, -1):
        for group in field:
            assert_white(group.movedim(1, 0).flatten(1))
    other = x.clone()
    other[:, 3] *= 5
    same = torch.allclose(norm(other)[:, 0], y[:, 0])
    assert same == (groups > 1)


def test_group_norm_is_inverted_by_the_cholesky_factor() -> None:
    """Channels of a group have different means, and only the mean of the group is removed."""
    x = sample_correlated_field(2, 4, 4, 5, 6) + 10 * torch.randn(4, 4, 1, 1)
    y = CliffordGroupNorm((1, 1), 2, 4, eps=1e-12).double()(x)
    for field, output in zip(x.reshape(4, 2, 4, -1), y.reshape(4, 2, 4, -1), strict=True):
        samples, white = (part.movedim(1, 0).flatten(1) for part in (field, output))
        mean, cov = statistics(samples)
        back = torch.linalg.cholesky(cov) @ white
        torch.testing.assert_close(back, samples - mean[:, None], atol=1e-6, rtol=1e-7)
        assert (white.reshape(4, 2, -1).mean(2).abs() > 0.1).any(), "no channel alone is centred"


@pytest.mark.parametrize("size", [1, 2, 4, 8, 32])
def test_elimination_matches_inverse_cholesky_factor(size: int) -> None:
    torch.manual_seed(size)
    samples = torch.randn(3, size, 4 * size + 2, dtype=torch.float64)
    matrix = samples @ samples.mT
    expected = torch.linalg.inv(torch.linalg.cholesky(matrix))
    torch.testing.assert_close(invert_cholesky_factor(matrix), expected, atol=1e-11, rtol=1e-11)
    single = invert_cholesky_factor(matrix.float()).double()
    torch.testing.assert_close(single, expected, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    "norm", [CliffordBatchNorm((1, 1), 2).eval(), CliffordGroupNorm((1, 1, 1), 2, 4)]
)
def test_exported_norms_use_no_linear_algebra_operators(norm: nn.Module) -> None:
    x = sample_correlated_field(3, norm.double().channels, len(norm.blades), 6)
    program = torch.export.export(norm, (x,))
    assert not [n for n in program.graph.nodes if "linalg" in str(n.target)]
    torch.testing.assert_close(program.module()(x), norm(x))
    compiled = torch.compile(norm, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), norm(x))


def test_learned_matrix_and_multivector_are_applied_last() -> None:
    x = sample_correlated_field(16, 2, 2, 9)
    for norm in (CliffordBatchNorm((-1,), 2), CliffordGroupNorm((-1,), 1, 2)):
        norm.double()
        white = norm(x)
        with torch.no_grad():
            norm.weight.normal_()
            norm.bias.normal_()
        expected = torch.einsum("cij,bcjn->bcin", norm.weight, white) + norm.bias[..., None]
        torch.testing.assert_close(norm(x), expected)


@pytest.mark.parametrize("momentum", [0.25, None])
def test_running_statistics_match_their_definition(momentum: float | None) -> None:
    norm = CliffordBatchNorm((1, 1), 2, momentum=momentum, affine=False).double()
    mean, cov = torch.zeros(2, 4).double(), torch.eye(4).double().repeat(2, 1, 1)
    for step in range(1, 4):
        x = sample_correlated_field(8, 2, 4, 5) * step
        norm(x)
        share = momentum or 1 / step
        for c in range(2):
            new_mean, new_cov = statistics(x[:, c].movedim(1, 0).flatten(1))
            mean[c] += share * (new_mean - mean[c])
            cov[c] += share * (new_cov - cov[c])
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_cov, cov)
    norm.eval()
    x = sample_correlated_field(1, 2, 4, 5)
    both = norm(torch.cat([x, 7 * x]))
    torch.testing.assert_close(both[:1], norm(x))
    assert norm.num_batches_tracked == 3


def test_norms_are_stable_for_degenerate_blades() -> None:
    for scale in (1e-6, 1.0, 1e6):
        x = torch.randn(8, 2, 4, 5, 5) * scale
        x[:, :, 3] = 0
        x[:, :, 2] = x[:, :, 1]
        for norm in (CliffordBatchNorm((1, 1), 2), CliffordGroupNorm((1, 1), 2, 2)):
            y = norm(x)
            assert y.isfinite().all()
            assert y.abs().max() < 100


def test_norms_support_selected_grades() -> None:
    norm = CliffordBatchNorm((1, 1), 2, grades=[1])
    assert norm.weight.shape == (2, 2, 2)
    assert norm(torch.randn(4, 2, 2, 3)).shape == (4, 2, 2, 3)


@pytest.mark.parametrize(
    "norm",
    [
        CliffordBatchNorm((1, 1), 2),
        CliffordBatchNorm((1, 1), 2, affine=False, track_running_stats=False).eval(),
        CliffordBatchNorm((1, 1), 2).eval(),
        CliffordGroupNorm((1, 1), 2, 4),
    ],
)
def test_norms_pass_gradcheck(norm: nn.Module) -> None:
    torch.manual_seed(3)
    x = torch.randn(3, norm.channels, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm.double(), (x,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CliffordBatchNorm((1,), 0), "expected at least 1 channel"),
        (lambda: CliffordBatchNorm((1,), 1, eps=0.0), "eps > 0"),
        (lambda: CliffordBatchNorm((1,), 1, momentum=1.5), "Invalid momentum 1.5"),
        (lambda: CliffordGroupNorm((1,), 3, 4), "num_groups=3: expected a divisor of channels=4"),
        (lambda: MultivectorGate((1,), 2, "max"), "expected linear, sum or mean"),
        (lambda: MultivectorGate((1, 1), 2, grades=[1], gate_grades=[0]), "depends on the blades"),
        (lambda: MultivectorProduct((1, 1), 4, 2, 4), "expected a divisor"),
    ],
)
def test_invalid_norms_and_gates_are_refused(make: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (CliffordBatchNorm((1, 1), 2), torch.zeros(1, 2, 4), "at least two samples"),
        (CliffordGroupNorm((1, 1), 2, 2), torch.zeros(3, 2, 4), "at least two samples"),
        (CliffordBatchNorm((1, 1), 2), torch.full((3, 2, 4, 2), torch.nan), "NaN"),
        (CliffordBatchNorm((1, 1), 2), torch.zeros(3, 2, 5), r"\(B, 2, 4, \*space\)"),
        (CliffordGroupNorm((1, 1), 1, 2), torch.zeros(3, 2, 5), r"\(B, 2, 4, \*space\)"),
        (MultivectorGate((1, 1), 2), torch.zeros(3, 4, 4), r"\(B, 2, 4, \*space\)"),
    ],
)
def test_inputs_that_cannot_be_normalised_are_refused(
    layer: nn.Module, x: torch.Tensor, message: str
) -> None:
    with pytest.raises(ArrayError, match=message):
        layer(x)


# ---- gates and products ----


@pytest.mark.parametrize("mode", ["linear", "sum", "mean"])
@pytest.mark.parametrize("space", [(), (3, 2)])
def test_gate_multiplies_multivectors_by_a_scalar(mode: str, space: tuple[int, ...]) -> None:
    gate = MultivectorGate((1, 1), 2, mode).double()
    x = torch.randn(3, 2, 4, *space, dtype=torch.float64, requires_grad=True)
    shares = gate(x) / x
    torch.testing.assert_close(shares, shares[:, :, :1].expand_as(shares))
    number = {"sum": x.sum(2), "mean": x.mean(2)}.get(mode)
    if number is None:
        tail = [1] * len(space)
        number = (x * gate.weight.reshape(2, 4, *tail)).sum(2) + gate.bias.reshape(2, *tail)
    torch.testing.assert_close(shares[:, :, 0], number.sigmoid())
    assert torch.autograd.gradcheck(gate, (x,))


def test_gate_can_depend_on_selected_grades() -> None:
    gate = MultivectorGate((1, 1), 1, "sum", grades=[0, 1], gate_grades=[0])
    x = torch.randn(2, 1, 3, 4)
    torch.testing.assert_close(gate(x), x * x[:, :, :1].sigmoid())


def test_product_layer_matches_oracle() -> None:
    torch.manual_seed(0)
    layer = MultivectorProduct((1, -1, 0), 4, 2, groups=2).double()
    x, z = (torch.randn(1, 4, 8, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    result = layer(x, z).detach().numpy()
    left, right = x.detach().numpy(), z.detach().numpy()
    weight = layer.weight.detach().numpy()
    for o in range(2):
        for place in range(3):
            expected = sum(
                weight[o, c]
                * product(left[0, 2 * o + c, :, place], right[0, 2 * o + c, :, place], (1, -1, 0))
                for c in range(2)
            )
            np.testing.assert_allclose(result[0, o, :, place], expected, atol=1e-12)
    assert layer(x[..., 0], z[..., 0]).shape == (1, 2, 8)
    assert torch.autograd.gradcheck(layer, (x, z))
