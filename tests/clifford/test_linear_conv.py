"""Tests of linear layers and convolutions against the oracle, the kernel cache and export."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from cayley import metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_layers import CONVS, TRANSPOSED, convolve, full_weight, multiply
from torch import nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.conv import (
    CliffordConv1d,
    CliffordConv2d,
    CliffordConv3d,
    CliffordConvTranspose1d,
    CliffordConvTranspose2d,
    CliffordConvTranspose3d,
)
from kinoloom.clifford.layers.layout import blades_first, blades_last
from kinoloom.clifford.layers.linear import CliffordLinear
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
from kinoloom.clifford.layers.spectral import CliffordSpectralConv2d
from kinoloom.errors import ArrayError, UsageError


def double(layer: nn.Module) -> nn.Module:
    return layer.to(torch.float64)


@settings(max_examples=25, deadline=None)
@given(metric=metrics(1, 3), seed=st.integers(0, 999), data=st.data())
def test_linear_layer_with_selected_grades_matches_oracle(
    metric: tuple[int, ...], seed: int, data: st.DataObject
) -> None:
    torch.manual_seed(seed)
    grades = st.sets(st.integers(0, len(metric)), min_size=1)
    chosen = data.draw(grades), data.draw(grades | st.none())
    try:
        layer = double(CliffordLinear(metric, 3, 2, in_grades=chosen[0], out_grades=chosen[1]))
    except UsageError:  # no product connects the grades; the table must agree
        algebra = Algebra.of(metric)
        assert not algebra.sign[np.ix_(*map(algebra.blades_of_grades, reversed(chosen)))].any()
        return
    x = torch.randn(5, 3, len(layer.in_blades), dtype=torch.float64)
    weight, bias = full_weight(layer), layer.bias.detach().numpy()
    expected = np.array(
        [
            [
                sum(multiply(layer, row[i], weight[:, o, i]) for i in range(3)) + bias[o]
                for o in range(2)
            ]
            for row in x.numpy()
        ]
    )
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize(
    ("space", "metric", "groups", "dilation"),
    [(1, (-1,), 2, 2), (1, (1, 0), 1, 1), (2, (1, 1), 1, 1), (2, (-1, 1), 2, 1), (3, (1, 0), 1, 1)],
)
def test_convolutions_with_dilation_and_groups_match_oracle(
    mode: str, space: int, metric: tuple[int, ...], groups: int, dilation: int
) -> None:
    torch.manual_seed(space)
    layer = double(
        CONVS[space](metric, 2, 4, (3, 2, 2)[:space], 1, 1, dilation, groups, padding_mode=mode)
    )
    x = torch.randn(1, 2, 2 ** len(metric), *(5, 3, 3)[:space], dtype=torch.float64)
    expected = convolve(layer, x.numpy(), 1, mode)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=1e-12)


def test_convolution_in_three_dimensions_matches_oracle() -> None:
    torch.manual_seed(0)
    layer = double(CliffordConv3d((1, 1, 1), 1, 1, 2))
    x = torch.randn(1, 1, 8, 2, 3, 2, dtype=torch.float64)
    expected = convolve(layer, x.numpy(), 0, "zeros")
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=1e-12)


def test_stride_subsamples_the_dense_convolution() -> None:
    torch.manual_seed(0)
    dense = CliffordConv2d((1, 1), 2, 3, 3, padding=1)
    sparse = CliffordConv2d((1, 1), 2, 3, 3, stride=2, padding=1)
    sparse.load_state_dict(dense.state_dict())
    x = torch.randn(2, 2, 4, 7, 6)
    torch.testing.assert_close(sparse(x), dense(x)[..., ::2, ::2])


@pytest.mark.parametrize("space", [1, 2, 3])
def test_groups_are_independent(space: int) -> None:
    layer = CONVS[space]((1, -1), 4, 4, 3, padding=1, groups=2)
    x = torch.randn(1, 4, 4, *[4] * space)
    other = x.clone()
    other[:, 2:] += 1
    before, after = layer(x), layer(other)
    torch.testing.assert_close(before[:, :2], after[:, :2])
    assert (before[:, 2:] != after[:, 2:]).any()


@pytest.mark.parametrize("space", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolution_is_the_adjoint_with_reversed_weights(
    space: int, groups: int
) -> None:
    """<y, conv(x)> = <convT(y), x> in Cl(n, 0), if the transposed weights are reversed."""
    torch.manual_seed(1)
    g = (1,) * space
    conv = double(CONVS[space](g, 4, 2, 3, 2, 1, groups=groups, bias=False))
    back = double(TRANSPOSED[space](g, 2, 4, 3, 2, 1, groups=groups, bias=False))
    signs = Algebra.of(g).reverse(torch.ones(2**space, dtype=torch.float64))
    with torch.no_grad():
        back.weight.copy_(conv.weight * signs.reshape(-1, *[1] * (space + 2)))
    x = torch.randn(2, 4, 2**space, *[5] * space, dtype=torch.float64)
    y = torch.randn_like(conv(x))
    torch.testing.assert_close((y * conv(x)).sum(), (back(y) * x).sum())


def test_output_size_of_transposed_convolution() -> None:
    layer = CliffordConvTranspose2d((1, 1), 2, 3, (3, 4), 2, (1, 0), (1, 0), dilation=(1, 2))
    output = layer(torch.randn(1, 2, 4, 5, 6))
    assert output.shape == (1, 3, 4, (5 - 1) * 2 - 2 + 2 + 1 + 1, (6 - 1) * 2 + 2 * 3 + 1)


def test_layer_between_vectors_has_two_weight_blades() -> None:
    sparse = CliffordConv2d((1, 1), 3, 5, 3, in_grades=[1], out_grades=[1])
    assert sparse.weight_blades == (0, 3)
    assert sparse(torch.randn(2, 3, 2, 6, 6)).shape == (2, 5, 2, 4, 4)
    full = CliffordConv2d((1, 1), 3, 5, 3)
    with torch.no_grad():
        full.weight.zero_()
        full.weight[[0, 3]] = sparse.weight
        full.bias.zero_()
        full.bias[:, 1:3] = sparse.bias
    x = torch.zeros(2, 3, 4, 6, 6)
    x[:, :, 1:3] = torch.randn(2, 3, 2, 6, 6)
    torch.testing.assert_close(full(x)[:, :, 1:3], sparse(x[:, :, 1:3]))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda b: CliffordLinear((1, 1, 0), 2, 3, b), (2, 2, 8)),
        (lambda b: CliffordLinear((1, -1), 2, 3, b, in_grades=[1], out_grades=[0, 2]), (2, 2, 2)),
        (
            lambda b: CliffordConv1d((-1,), 2, 2, 3, 2, 1, bias=b, padding_mode="reflect"),
            (2, 2, 2, 5),
        ),
        (lambda b: CliffordConv2d((1, 1), 2, 2, 2, 1, 1, 1, 2, b, "circular"), (1, 2, 4, 3, 3)),
        (lambda b: CliffordConv3d((1, 1), 1, 1, 2, bias=b), (1, 1, 4, 2, 3, 2)),
        (lambda b: CliffordConvTranspose2d((0, 1), 2, 1, 2, 2, bias=b), (1, 2, 4, 2, 2)),
    ],
)
def test_layers_pass_gradcheck(layer: object, shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    built = double(layer(bias))
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    names = list(dict(built.named_parameters()))

    def run(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(built, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (x, *built.parameters()))


def test_initial_range_depends_on_fan_in() -> None:
    torch.manual_seed(0)
    layer = CliffordConv2d((1, 1), 8, 64, 3, groups=2, in_grades=[1])
    bound = 1 / math.sqrt(4 * 9 * 2)
    assert 0.98 * bound < layer.weight.abs().max() <= bound
    assert 0.9 * bound < layer.bias.abs().max() <= bound


# ---- kernel cache ----


def count_expansions(layer: nn.Module, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    expand = layer.expand_kernel

    def counting_expand() -> torch.Tensor:
        calls.append(1)
        return expand()

    monkeypatch.setattr(layer, "expand_kernel", counting_expand)
    return calls


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_kernel_is_expanded_once_in_evaluation(
    context: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = CliffordLinear((1, 1), 2, 2).eval()
    x = torch.randn(3, 2, 4)
    calls = count_expansions(layer, monkeypatch)
    trained = layer(x)
    with context():
        outputs = [layer(x) for _ in range(3)]
    assert len(calls) == 2
    torch.testing.assert_close(outputs[2], trained.detach())


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.weight.mul_(2),
        lambda layer: layer.load_state_dict({k: 2 * v for k, v in layer.state_dict().items()}),
        lambda layer: setattr(layer.weight, "data", layer.weight.data * 2),
        lambda layer: layer.weight.data.mul_(2),
        lambda layer: layer.weight.data.copy_(2 * layer.weight),
        lambda layer: layer.weight.data[0, 0, 0].fill_(9),
        lambda layer: layer.weight.numpy().__imul__(2),
        lambda layer: torch.utils.dlpack.from_dlpack(layer.weight.detach()).mul_(2),
        lambda layer: torch.optim.SGD([layer.weight], lr=0.5).step(),
    ],
)
def test_cached_kernel_follows_the_weights(change: object) -> None:
    layer = CliffordLinear((1, 1), 2, 2).eval()
    layer.weight.grad = torch.ones_like(layer.weight)
    x = torch.randn(3, 2, 4)
    with torch.no_grad():
        before = layer(x)
        change(layer)
        after = layer(x)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, layer(x).detach())


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (CliffordConv2d((1, 1), 4, 4, 3, padding=1), (2, 4, 4, 8, 8)),
        (CliffordConvTranspose2d((1, 1), 2, 3, 2), (2, 2, 4, 4, 4)),
        (CliffordSpectralConv2d((1, 1), 2, 3, 2, 2), (2, 2, 4, 6, 6)),
        (CliffordRotationConv2d(2, 3), (2, 2, 4, 6, 6)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_moving_average_of_weights_is_used_at_once(
    layer: nn.Module, shape: tuple[int, ...], context: type
) -> None:
    layer, x = copy.deepcopy(layer).eval(), torch.randn(shape)
    averaged = copy.deepcopy(layer)
    for decay in (0.5, 0.9):
        with context():
            layer(x)
            for parameter in layer.parameters():
                parameter.data.mul_(decay).add_(torch.randn_like(parameter), alpha=1 - decay)
            after = layer(x)
        averaged.load_state_dict(layer.state_dict())
        torch.testing.assert_close(after, averaged(x).detach())


def test_cached_kernel_follows_autocast() -> None:
    layer = CliffordConv2d((1, 1), 8, 8, 3, padding=1).eval()
    assert layer.ideals is not None
    x = torch.randn(2, 8, 4, 8, 8)
    with torch.no_grad():
        expected = layer(x)
        layer.clear_kernel_cache()
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(x).dtype == torch.bfloat16
        assert torch.equal(layer(x), expected)


def test_cached_kernel_follows_the_type_and_is_not_copied() -> None:
    layer = CliffordLinear((1, 1), 2, 2).eval()
    with torch.no_grad():
        layer(torch.randn(3, 2, 4))
        assert layer.double()(torch.randn(3, 2, 4).double()).dtype == torch.float64
    reread = pickle.loads(pickle.dumps(layer))  # noqa: S301  its own bytes
    for twin in (copy.deepcopy(layer), reread):
        with torch.no_grad():
            twin.weight.zero_()
            twin.bias.zero_()
            assert not twin(torch.ones(1, 2, 4).double()).any()


# ---- export and layout ----


@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_exported_program_matches_layer(mode: str) -> None:
    layer = CliffordConv2d((1, 1), 2, 3, 3, padding=1, padding_mode=mode).eval()
    x = torch.randn(2, 2, 4, 6, 6)
    program = torch.export.export(layer, (x,))
    torch.testing.assert_close(program.module()(x), layer(x))


def test_compile_produces_one_graph() -> None:
    layer = CliffordConv2d((1, 1), 2, 3, 3)
    x = torch.randn(2, 2, 4, 6, 6)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x))


def test_layout_conversions_are_views() -> None:
    x = torch.randn(2, 3, 4, 5, 6)
    assert blades_last(x).shape == (2, 3, 5, 6, 4)
    assert blades_first(blades_last(x)).data_ptr() == x.data_ptr()
    torch.testing.assert_close(blades_first(blades_last(x)), x)
    with pytest.raises(ArrayError, match="expected batch, channels and blades"):
        blades_last(torch.zeros(2, 3))


# ---- errors ----


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CliffordLinear((2, 1), 1, 1), "each entry must be"),
        (lambda: CliffordLinear((1,) * 6, 1, 1), "has 6 generators"),
        (lambda: CliffordLinear((1,), 0, 1), "expected at least 1"),
        (lambda: CliffordLinear((1,), 1, 1, in_grades=[2]), "grades 0 to 1"),
        (lambda: CliffordLinear((0,), 1, 1, in_grades=[1], out_grades=[0]), "No product"),
        (lambda: CliffordConv2d((1, 1), 3, 4, groups=2), "groups=2: expected a divisor"),
        (lambda: CliffordConv2d((1, 1), 4, 4, groups=0), "groups=0: expected a divisor"),
        (lambda: CliffordConv2d((1, 1), 4, 4, padding_mode="wrap"), "Unknown padding_mode 'wrap'"),
        (
            lambda: CliffordConv2d((1, 1), 4, 4, (3, 3, 3)),
            r"kernel_size \(3, 3, 3\): expected an integer or 2",
        ),
        (
            lambda: CliffordConv2d((1, 1), 4, 4, stride=0),
            "stride 0: expected an integer or 2 integers of at least 1",
        ),
        (
            lambda: CliffordConv1d((1, 1), 4, 4, padding=-1),
            "padding -1: expected an integer of at least 0",
        ),
        (lambda: CliffordConvTranspose3d((1,), 4, 3, groups=2), "expected a divisor"),
    ],
)
def test_invalid_layers_are_refused(make: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (CliffordLinear((1, 1), 2, 2), (3, 2, 3), r"\(..., 2, 4\)"),
        (
            CliffordConv2d((1, 1), 2, 2),
            (1, 2, 8, 8, 4),
            r"shape \(1, 2, 8, 8, 4\): expected \(B, 2, 4, H, W\)",
        ),
        (CliffordConv2d((1, 1), 2, 2), (1, 3, 4, 8, 8), r"\(B, 2, 4, H, W\)"),
        (CliffordConv1d((1, 1), 2, 2), (1, 2, 4, 8, 8), r"\(B, 2, 4, W\)"),
        (CliffordConv3d((1, 1), 2, 2), (1, 2, 4, 8, 8), r"\(B, 2, 4, D, H, W\)"),
        (CliffordConvTranspose1d((1, 1), 2, 2), (1, 2), r"\(B, 2, 4, W\)"),
        (
            CliffordConv1d((1,), 1, 1, 5, padding=3, padding_mode="reflect"),
            (1, 1, 2, 3),
            "too small",
        ),
        (
            CliffordConv1d((1,), 1, 1, 5, padding=4, padding_mode="circular"),
            (1, 1, 2, 3),
            "too small",
        ),
    ],
)
def test_inputs_of_wrong_shape_are_refused(
    layer: nn.Module, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ArrayError, match=message):
        layer(torch.zeros(shape))
