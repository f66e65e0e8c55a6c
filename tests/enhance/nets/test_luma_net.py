"""The luma network: its branches, its folded form, and what it computes before training."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.enhance.nets.folding import EDGE_FILTERS, Foldable
from kinoloom.enhance.nets.luma import EdgeConvolution, Luma


@pytest.fixture(autouse=True)
def _narrow(one_core: None) -> None:
    """Run on one core: all networks here are tiny."""


def randomise(net: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return net


def apply_branches(layer: EdgeConvolution, features: Tensor) -> Tensor:
    """Compute each branch of a layer on the features, as the architecture defines it."""
    padded = functional.pad(features, (1,) * 4)
    result = layer.plain(padded) + layer.squeeze(layer.expand(padded))
    for k, mix in enumerate(layer.mix):
        out = mix.out_channels
        weight = torch.tensor(EDGE_FILTERS[k]).to(features).expand(out, 1, 3, 3)
        edges = functional.conv2d(mix(padded), weight, groups=out)
        result = result + edges * layer.edge_scale[k][:, None, None]
        result = result + layer.edge_bias[k][:, None, None]
    return result + features if features.shape[1] == result.shape[1] else result


@pytest.mark.parametrize(("channels", "out"), [(8, 8), (1, 8), (8, 4)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-13)])
def test_a_layer_equals_the_sum_of_its_branches(
    channels: int, out: int, dtype: torch.dtype, tolerance: float
) -> None:
    layer = randomise(EdgeConvolution(channels, out)).to(dtype)
    assert isinstance(layer, EdgeConvolution)
    image = torch.rand(2, channels, 9, 7, dtype=dtype)
    expected = apply_branches(layer, image)
    torch.testing.assert_close(
        layer(image), expected, rtol=0, atol=tolerance * float(expected.detach().abs().max())
    )


def test_every_parameter_of_a_layer_is_trained() -> None:
    layer = randomise(EdgeConvolution(8, 8))
    layer(torch.rand(1, 8, 9, 7)).square().sum().backward()
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in layer.parameters())


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_the_folded_form_equals_the_training_form(
    scale: int, dtype: torch.dtype, tolerance: float
) -> None:
    net = randomise(Luma(8, 2, scale)).to(dtype)
    assert isinstance(net, Luma)
    assert isinstance(net, Foldable)
    before = copy.deepcopy(net.state_dict())
    folded, image = net.fold(), torch.rand(1, 1, 12, 10, dtype=dtype)
    expected = net(image)
    assert expected.shape == (1, 1, 12 * scale, 10 * scale)
    torch.testing.assert_close(
        folded(image), expected, rtol=0, atol=tolerance * float(expected.detach().abs().max())
    )
    assert torch.equal(folded.fold()(image), folded(image))
    assert not folded.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize(("channels", "blocks", "expected"), [(8, 4, 2_808), (16, 4, 10_120)])
def test_the_tiers_have_the_intended_size(channels: int, blocks: int, expected: int) -> None:
    folded = Luma(channels, blocks, 2).fold()
    assert sum(p.numel() for p in folded.parameters()) == expected


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_convolution_of_the_input_starts_as_bicubic_interpolation(scale: int) -> None:
    net = Luma(4, 1, scale)
    nn.init.zeros_(net.layers[-1].plain.weight)
    folded = net.fold()
    last = folded.layers[-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    x = torch.arange(12.0)
    image = 0.3 + 0.05 * x - 0.004 * x**2 + 0.02 * x[:, None]
    found = folded(image[None, None])[0, 0].detach().numpy()
    position = (np.arange(12 * scale) + 0.5) / scale - 0.5
    expected = 0.3 + 0.05 * position - 0.004 * position**2 + 0.02 * position[:, None]
    inside = np.s_[2 * scale : -2 * scale, 2 * scale : -2 * scale]
    np.testing.assert_allclose(found[inside], expected[inside], atol=2e-6)  # exact to degree 2


def test_a_grey_image_stays_grey_at_its_edges() -> None:
    net = Luma(4, 1, 2).fold()
    last = net.layers[-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    torch.testing.assert_close(
        net(torch.full((1, 1, 5, 4), 0.5)), torch.full((1, 1, 10, 8), 0.5), rtol=0, atol=1e-6
    )


def test_the_reach_is_how_far_a_pixel_matters() -> None:
    net = randomise(Luma(4, 3, 2)).fold()  # type: ignore[operator]  # a Luma
    image = torch.rand(1, 1, 31, 31)
    changed = image.clone()
    changed[0, 0, 15, 15] += 1
    rows = (net(image) != net(changed))[0, 0].any(1).nonzero()[:, 0] // 2
    assert net.reach_px == 5
    assert (int(rows.min()), int(rows.max())) == (15 - 5, 15 + 5)
