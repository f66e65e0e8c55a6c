"""Batch and group norm, gates and products."""

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


def correlated(*shape: int) -> torch.Tensor:
    """A field whose blades are correlated and not centred."""
    torch.manual_seed(0)
    mixing = torch.randn(shape[2], shape[2], dtype=torch.float64)
    field = torch.randn(shape, dtype=torch.float64)
    return torch.einsum("ij,bcj...->bci...", mixing, field) + 3


def statistics(samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (I,) and covariance (I, I) of samples (I, N)."""
    return samples.mean(1), torch.cov(samples, correction=0)


def assert_white(samples: torch.Tensor) -> None:
    mean, cov = statistics(samples)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-9, rtol=0)
    torch.testing.assert_close(cov, torch.eye(len(cov)).to(cov), atol=1e-6, rtol=0)


@pytest.mark.parametrize("space", [(), (7,), (6, 5), (3, 4, 3)])
def test_batch_norm_makes_each_channel_white(space: tuple[int, ...]) -> None:
    x = correlated(64, 3, 4, *space)
    y = CliffordBatchNorm((1, 1), 3, eps=1e-12).double()(x)
    assert y.shape == x.shape
    for channel in range(3):
        assert_white(y[:, channel].movedim(1, 0).flatten(1))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm_makes_each_group_of_each_field_white(groups: int) -> None:
    x = correlated(2, 4, 8, 6, 6, 3) + torch.randn(4, 8, 1, 1, 1)
    norm = CliffordGroupNorm((1, 1, 1), groups, 4, eps=1e-12).double()
    y = norm(x)
    for field in y.reshape(2, groups, 4 // groups, 8, -1):
        for group in field:
            assert_white(group.movedim(1, 0).flatten(1))
    other = x.clone()
    other[:, 3] *= 5
    same = torch.allclose(norm(other)[:, 0], y[:, 0])
    assert same == (groups > 1)


def test_the_cholesky_factor_leads_back_to_the_centred_group() -> None:
    """Channels of a group have means of their own; only the group's is taken away."""
    x = correlated(2, 4, 4, 5, 6) + 10 * torch.randn(4, 4, 1, 1)
    y = CliffordGroupNorm((1, 1), 2, 4, eps=1e-12).double()(x)
    for field, made in zip(x.reshape(4, 2, 4, -1), y.reshape(4, 2, 4, -1), strict=True):
        samples, white = (part.movedim(1, 0).flatten(1) for part in (field, made))
        mean, cov = statistics(samples)
        back = torch.linalg.cholesky(cov) @ white
        torch.testing.assert_close(back, samples - mean[:, None], atol=1e-6, rtol=1e-7)
        assert (white.reshape(4, 2, -1).mean(2).abs() > 0.1).any(), "no channel alone is centred"


@pytest.mark.parametrize("size", [1, 2, 4, 8, 32])
def test_elimination_gives_the_inverse_cholesky_factor(size: int) -> None:
    torch.manual_seed(size)
    samples = torch.randn(3, size, 4 * size + 2, dtype=torch.float64)
    matrix = samples @ samples.mT
    wanted = torch.linalg.inv(torch.linalg.cholesky(matrix))
    torch.testing.assert_close(invert_cholesky_factor(matrix), wanted, atol=1e-11, rtol=1e-11)
    single = invert_cholesky_factor(matrix.float()).double()
    torch.testing.assert_close(single, wanted, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    "norm", [CliffordBatchNorm((1, 1), 2).eval(), CliffordGroupNorm((1, 1, 1), 2, 4)]
)
def test_exported_norms_have_no_operator_of_linear_algebra(norm: nn.Module) -> None:
    x = correlated(3, norm.double().channels, len(norm.blades), 6)
    program = torch.export.export(norm, (x,))
    assert not [n for n in program.graph.nodes if "linalg" in str(n.target)]
    torch.testing.assert_close(program.module()(x), norm(x))
    compiled = torch.compile(norm, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), norm(x))


def test_the_learned_matrix_and_multivector_come_last() -> None:
    x = correlated(16, 2, 2, 9)
    for norm in (CliffordBatchNorm((-1,), 2), CliffordGroupNorm((-1,), 1, 2)):
        norm.double()
        white = norm(x)
        with torch.no_grad():
            norm.weight.normal_()
            norm.bias.normal_()
        wanted = torch.einsum("cij,bcjn->bcin", norm.weight, white) + norm.bias[..., None]
        torch.testing.assert_close(norm(x), wanted)


@pytest.mark.parametrize("momentum", [0.25, None])
def test_running_statistics(momentum: float | None) -> None:
    norm = CliffordBatchNorm((1, 1), 2, momentum=momentum, affine=False).double()
    mean, cov = torch.zeros(2, 4).double(), torch.eye(4).double().repeat(2, 1, 1)
    for step in range(1, 4):
        x = correlated(8, 2, 4, 5) * step
        norm(x)
        share = momentum or 1 / step
        for c in range(2):
            new_mean, new_cov = statistics(x[:, c].movedim(1, 0).flatten(1))
            mean[c] += share * (new_mean - mean[c])
            cov[c] += share * (new_cov - cov[c])
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_cov, cov)
    norm.eval()
    x = correlated(1, 2, 4, 5)
    both = norm(torch.cat([x, 7 * x]))
    torch.testing.assert_close(both[:1], norm(x))
    assert norm.num_batches_tracked == 3


def test_fields_that_always_have_a_blade_of_zero_do_no_harm() -> None:
    for scale in (1e-6, 1.0, 1e6):
        x = torch.randn(8, 2, 4, 5, 5) * scale
        x[:, :, 3] = 0
        x[:, :, 2] = x[:, :, 1]
        for norm in (CliffordBatchNorm((1, 1), 2), CliffordGroupNorm((1, 1), 2, 2)):
            y = norm(x)
            assert y.isfinite().all()
            assert y.abs().max() < 100


def test_norms_of_some_grades_only() -> None:
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
def test_norm_gradcheck(norm: nn.Module) -> None:
    torch.manual_seed(3)
    x = torch.randn(3, norm.channels, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm.double(), (x,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CliffordBatchNorm((1,), 0), "at least 1 channel"),
        (lambda: CliffordBatchNorm((1,), 1, eps=0.0), "eps > 0"),
        (lambda: CliffordBatchNorm((1,), 1, momentum=1.5), "momentum must be"),
        (lambda: CliffordGroupNorm((1,), 3, 4), "num_groups=3 must divide channels=4"),
        (lambda: MultivectorGate((1,), 2, "max"), "linear, sum or mean"),
        (lambda: MultivectorGate((1, 1), 2, grades=[1], gate_grades=[0]), "looks at blades"),
        (lambda: MultivectorProduct((1, 1), 4, 2, 4), "must divide both"),
    ],
)
def test_norms_and_gates_that_cannot_be_are_refused(make: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (CliffordBatchNorm((1, 1), 2), torch.zeros(1, 2, 4), "more than one sample"),
        (CliffordGroupNorm((1, 1), 2, 2), torch.zeros(3, 2, 4), "more than one sample"),
        (CliffordBatchNorm((1, 1), 2), torch.full((3, 2, 4, 2), torch.nan), "NaN"),
        (CliffordBatchNorm((1, 1), 2), torch.zeros(3, 2, 5), r"\(B, 2, 4, \*space\)"),
        (CliffordGroupNorm((1, 1), 1, 2), torch.zeros(3, 2, 5), r"\(B, 2, 4, \*space\)"),
        (MultivectorGate((1, 1), 2), torch.zeros(3, 4, 4), r"\(B, 2, 4, \*space\)"),
    ],
)
def test_fields_that_cannot_be_normalized_are_refused(
    layer: nn.Module, x: torch.Tensor, message: str
) -> None:
    with pytest.raises(ArrayError, match=message):
        layer(x)


# ---- gates and products ----


@pytest.mark.parametrize("mode", ["linear", "sum", "mean"])
@pytest.mark.parametrize("space", [(), (3, 2)])
def test_a_gate_is_one_number_for_each_multivector(mode: str, space: tuple[int, ...]) -> None:
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


def test_a_gate_may_look_at_some_grades_of_a_field_of_some() -> None:
    gate = MultivectorGate((1, 1), 1, "sum", grades=[0, 1], gate_grades=[0])
    x = torch.randn(2, 1, 3, 4)
    torch.testing.assert_close(gate(x), x * x[:, :, :1].sigmoid())


def test_products_of_fields_are_the_oracles() -> None:
    torch.manual_seed(0)
    layer = MultivectorProduct((1, -1, 0), 4, 2, groups=2).double()
    x, z = (torch.randn(1, 4, 8, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    made = layer(x, z).detach().numpy()
    left, right = x.detach().numpy(), z.detach().numpy()
    weight = layer.weight.detach().numpy()
    for o in range(2):
        for place in range(3):
            wanted = sum(
                weight[o, c]
                * product(left[0, 2 * o + c, :, place], right[0, 2 * o + c, :, place], (1, -1, 0))
                for c in range(2)
            )
            np.testing.assert_allclose(made[0, o, :, place], wanted, atol=1e-12)
    assert layer(x[..., 0], z[..., 0]).shape == (1, 2, 8)
    assert torch.autograd.gradcheck(layer, (x, z))
