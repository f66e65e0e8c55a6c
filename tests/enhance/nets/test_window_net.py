"""WindowNet: the order and number of neighbours, its reach, and that it can learn."""

import pytest
import torch
from torch import nn

from kinoloom.enhance.nets.window import WindowNet
from kinoloom.errors import ArrayError

pytestmark = pytest.mark.usefixtures("one_core")
NOISE = torch.full((1, 1, 8, 10), 0.1)


def random_net() -> WindowNet:
    torch.manual_seed(4)
    return WindowNet(8, 3).eval()


@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_window_may_have_any_odd_number_of_frames(count: int) -> None:
    with torch.no_grad():
        found = random_net()(torch.rand(2, count, 3, 8, 10), NOISE.expand(2, -1, -1, -1))
    assert found.shape == (2, 3, 8, 10)


def test_an_even_number_of_frames_is_rejected() -> None:
    with pytest.raises(ArrayError, match="has 4 frames; expected an odd number"):
        random_net()(torch.rand(1, 4, 3, 8, 10), NOISE)


def test_the_order_of_the_neighbours_does_not_matter() -> None:
    net, frames = random_net(), torch.rand(1, 5, 3, 8, 10)
    with torch.no_grad():
        one, other = net(frames, NOISE), net(frames[:, [4, 0, 2, 1, 3]], NOISE)
        middle = net(frames[:, [2, 0, 1, 3, 4]], NOISE)
    torch.testing.assert_close(one, other)
    assert float((one - middle).abs().max()) > 1e-3


def test_without_a_residual_the_result_is_a_mean_of_the_frames() -> None:
    net, frames = random_net(), torch.rand(1, 3, 3, 8, 10)
    nn.init.zeros_(net.trunk[-1].weight)
    nn.init.zeros_(net.trunk[-1].bias)
    with torch.no_grad():
        found = net(frames, NOISE)[:, None]
    assert bool((found >= frames.amin(1, keepdim=True) - 1e-6).all())
    assert bool((found <= frames.amax(1, keepdim=True) + 1e-6).all())
    with torch.no_grad():
        same = net(frames[:, :1].expand(-1, 3, -1, -1, -1), NOISE)
    torch.testing.assert_close(same, frames[:, 0])


def test_a_pixel_reaches_no_further_than_stated() -> None:
    net = random_net()
    frames, noise = torch.rand(1, 3, 3, 40, 40), torch.full((1, 1, 40, 40), 0.1)
    changed = frames.clone()
    changed[0, :, :, 21, 21] += 1
    with torch.no_grad():
        rows = (net(frames, noise) != net(changed, noise))[0].any(0).any(1).nonzero()[:, 0]
    assert net.reach_px == 13
    assert 21 - int(rows.min()) == 13
    assert int(rows.max()) - 21 <= 13


def test_it_learns_to_average_noise_and_ignore_an_occlusion() -> None:
    net = random_net().train()
    clean = torch.rand(1, 1, 3, 16, 16)
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(0)
    noise = torch.full((1, 1, 16, 16), 0.1)
    losses = []
    for _ in range(60):
        frames = clean + 0.1 * torch.randn(1, 5, 3, 16, 16, generator=generator)
        frames[:, 0] = torch.rand(1, 3, 16, 16, generator=generator)  # another scene
        loss = (net(frames, noise) - clean[:, 0]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1**2 / 2
    assert losses[-1] < losses[0] / 2
