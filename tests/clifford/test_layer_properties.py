"""Property tests of layers of all signatures up to four generators against the oracle."""

import numpy as np
import pytest
import torch
from cayley import metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_layers import CONVS, TRANSPOSED, convolve, full_weight, multiply
from torch import nn

from kinoloom.clifford.layers import conv as conv_module
from kinoloom.clifford.layers.conv import CliffordConv2d
from kinoloom.clifford.layers.linear import CliffordLinear
from kinoloom.clifford.layers.padding import pad_images

MODES = ("zeros", "circular", "reflect", "replicate")
SEEDS = st.integers(0, 999)


def assert_both_types(layer: nn.Module, x: torch.Tensor, expected: np.ndarray) -> None:
    """Compare to 1e-12 in double precision and to a relative 1e-6 in single precision."""
    double = layer.double()(x)
    assert np.abs(double.detach().numpy() - expected).max() < 1e-12
    size = float(x.norm()) * sum(float(p.detach().norm()) for p in layer.parameters())
    single = layer.float()(x.float())
    assert single.dtype == torch.float32
    assert np.abs(single.detach().numpy() - expected).max() <= 1e-6 * max(size, 1)


@settings(max_examples=15, deadline=None)
@given(metric=metrics(1, 4), channels=st.tuples(*[st.integers(1, 3)] * 3), seed=SEEDS)
def test_linear_layer_matches_oracle(
    metric: tuple[int, ...], channels: tuple[int, int, int], seed: int
) -> None:
    torch.manual_seed(seed)
    batch, going_in, out = channels
    layer = CliffordLinear(metric, going_in, out).double()
    x = torch.randn(batch, going_in, 2 ** len(metric), dtype=torch.float64)
    weight = full_weight(layer)
    expected = np.array([
        [sum(multiply(layer, row[i], weight[:, o, i]) for i in range(going_in)) for o in range(out)]
        for row in x.numpy()
    ])  # fmt: skip
    assert_both_types(layer, x, expected + layer.bias.detach().numpy())


@settings(max_examples=12, deadline=None)
@given(
    metric=metrics(1, 4), space=st.integers(1, 2), groups=st.integers(1, 2),
    mode=st.sampled_from(MODES), wide=st.booleans(), seed=SEEDS,
)  # fmt: skip
def test_convolutions_match_oracle(
    metric: tuple[int, ...], space: int, groups: int, mode: str, wide: bool, seed: int
) -> None:
    """With and without ideal coordinates."""
    torch.manual_seed(seed)
    before, conv_module._MIN_SAVED_MULTIPLIES = (
        conv_module._MIN_SAVED_MULTIPLIES,
        0.0 if wide else float("inf"),
    )
    try:
        layer = CONVS[space](metric, 2, 2, 2, 1, 1, 1, groups, padding_mode=mode).double()
    finally:
        conv_module._MIN_SAVED_MULTIPLIES = before
    x = torch.randn(1, 2, 2 ** len(metric), *(3, 2)[:space], dtype=torch.float64)
    assert_both_types(layer, x, convolve(layer, x.numpy(), 1, mode))


@settings(max_examples=10, deadline=None)
@given(metric=metrics(1, 4), space=st.integers(1, 3), seed=SEEDS)
def test_non_overlapping_transposed_convolutions_match_oracle(
    metric: tuple[int, ...], space: int, seed: int
) -> None:
    """With kernel and stride 2 each cell becomes a block of products x w, one for each offset."""
    torch.manual_seed(seed)
    layer = TRANSPOSED[space](metric, 1, 1, 2, 2, bias=False).double()
    x = torch.randn(1, 1, 2 ** len(metric), *[2] * space, dtype=torch.float64)
    weight = full_weight(layer)
    expected = np.zeros((1, 1, 2 ** len(metric), *[4] * space))
    for at in np.ndindex(*[4] * space):
        place, offset = tuple(k // 2 for k in at), tuple(k % 2 for k in at)
        factors = x.numpy()[(0, 0, ..., *place)], weight[(slice(None), 0, 0, *offset)]
        expected[(0, 0, slice(None), *at)] = multiply(layer, *factors)
    assert_both_types(layer, x, expected)


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), min_size=1, max_size=3),
    seed=SEEDS,
)
def test_circular_padding_matches_numpy(sizes: list[tuple[int, int]], seed: int) -> None:
    torch.manual_seed(seed)
    widths = tuple(min(size, width) for size, width in sizes)
    shape = (1, 2, *(size for size, _ in sizes))
    x = torch.randn(shape)
    padded = pad_images(x, widths, "circular")
    around = [(0, 0), (0, 0), *((width, width) for width in widths)]
    np.testing.assert_array_equal(padded, np.pad(x, around, mode="wrap"))


def test_circular_padding_passes_gradcheck_and_gradgradcheck() -> None:
    x = torch.randn(1, 1, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: pad_images(v, (1, 3), "circular"), (x,))
    assert torch.autograd.gradgradcheck(lambda v: pad_images(v, (1, 3), "circular") ** 2, (x,))


@pytest.mark.parametrize("mode", MODES)
def test_nan_spreads_to_the_receptive_field_only(mode: str) -> None:
    """Ideal coordinates mix blades, never cells."""
    layer = CliffordConv2d((1, 1), 4, 4, 3, padding=1, padding_mode=mode)
    assert layer.ideals is not None
    x = torch.randn(1, 4, 4, 8, 8)
    x[0, 1, 2, 4, 4] = torch.nan
    bad = layer(x).isnan()
    assert bad[..., 3:6, 3:6].all()
    bad[..., 3:6, 3:6] = False
    assert not bad.any()
