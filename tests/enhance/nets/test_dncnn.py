"""DnCNN: size, fold, and what it subtracts."""

import pytest
import torch
from torch import nn

from kinoloom.enhance.nets.dncnn import DnCNN

pytestmark = pytest.mark.usefixtures("one_core")


def with_statistics(net: DnCNN) -> DnCNN:
    """Give the normalisation statistics and factors that are not those of a new network."""
    torch.manual_seed(5)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return net.eval()


@pytest.mark.parametrize(("layers", "colours"), [(2, 3), (3, 1), (6, 3)])
def test_the_folded_network_equals_the_one_with_normalisation(layers: int, colours: int) -> None:
    net = with_statistics(DnCNN(8, layers, colours)).double()
    image = torch.rand(2, colours, 9, 7, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(net.fold()(image), net(image), rtol=0, atol=1e-10)
    assert not any(isinstance(each, nn.BatchNorm2d) for each in net.fold().modules())


@pytest.mark.parametrize(("layers", "colours", "expected"), [(17, 1, 555_137), (20, 3, 668_227)])
def test_the_folded_network_has_the_size_of_the_published_ones(
    layers: int, colours: int, expected: int
) -> None:
    net = DnCNN(64, layers, colours, is_folded=True)
    assert sum(each.numel() for each in net.parameters()) == expected


def test_the_estimated_noise_is_subtracted() -> None:
    net, image = DnCNN(4, 3, is_folded=True), torch.rand(1, 3, 6, 5)
    nn.init.zeros_(net.model[-1].weight)
    with torch.no_grad():
        net.model[-1].bias.copy_(torch.tensor([0.1, 0.2, 0.3]))
        found = net(image)
    torch.testing.assert_close(found, image - torch.tensor([0.1, 0.2, 0.3])[:, None, None])


def test_a_pixel_reaches_no_further_than_stated() -> None:
    torch.manual_seed(2)
    net = DnCNN(6, 4, is_folded=True).eval()
    image = torch.rand(1, 3, 21, 21)
    changed = image.clone()
    changed[0, :, 10, 10] += 1
    with torch.no_grad():
        rows = (net(image) != net(changed))[0].any(0).any(1).nonzero()[:, 0]
    assert net.reach_px == 4
    assert (int(rows.min()), int(rows.max())) == (6, 14)
