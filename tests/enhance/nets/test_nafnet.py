"""NAFNet: any size, its levels, its blocks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kinoloom.enhance.nets.nafnet import ChannelNorm, NAFBlock, NAFNet

pytestmark = pytest.mark.usefixtures("one_core")


def random_net(levels: int = 2) -> NAFNet:
    """A network whose blocks are not the identity."""
    torch.manual_seed(3)
    net = NAFNet(4, [1] * levels, 1, [1] * levels).eval()
    for name, each in net.named_parameters():
        if name.endswith(("beta", "gamma")):
            nn.init.normal_(each)
    return net


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 17), st.integers(1, 17))
def test_any_size_is_kept_and_equals_the_padded_image(height: int, width: int) -> None:
    net = random_net()
    image = torch.rand(1, 3, height, width)
    padded = nn.functional.pad(image, (0, -width % 4, 0, -height % 4))
    with torch.no_grad():
        found = net(image)
        torch.testing.assert_close(found, net(padded)[:, :, :height, :width])
    assert found.shape == image.shape


def test_a_new_block_is_the_identity() -> None:
    features = torch.rand(2, 6, 5, 4)
    assert torch.equal(NAFBlock(6)(features), features)


def test_the_normalisation_is_that_of_the_channels() -> None:
    features = torch.rand(2, 6, 5, 4)
    norm = ChannelNorm(6)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    expected = nn.functional.layer_norm(
        features.permute(0, 2, 3, 1), (6,), norm.weight, norm.bias, eps=1e-6
    ).permute(0, 3, 1, 2)
    torch.testing.assert_close(norm(features), expected)


def test_the_result_is_added_to_the_image() -> None:
    net, image = random_net(), torch.rand(1, 3, 8, 8)
    nn.init.zeros_(net.ending.weight)
    nn.init.constant_(net.ending.bias, 0.25)
    with torch.no_grad():
        torch.testing.assert_close(net(image), image + 0.25)


def test_every_weight_receives_a_gradient() -> None:
    net = random_net()
    net(torch.rand(1, 3, 8, 8)).square().mean().backward()
    assert all(float(each.grad.abs().max()) > 0 for each in net.parameters())


def test_the_published_width_has_the_published_size() -> None:
    with torch.device("meta"):
        net = NAFNet(32, (2, 2, 4, 8), 12, (2, 2, 2, 2))
    millions = sum(each.numel() for each in net.parameters()) / 1e6
    assert millions == pytest.approx(29.16, abs=0.01)
    assert net.size_multiple == 16
