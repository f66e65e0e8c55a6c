"""Compact and FFDNet: sizes, reach, and the published weights where they are present."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.enhance.nets.compact import Compact
from kinoloom.enhance.nets.ffdnet import FFDNet
from kinoloom.media.photo.reading import read_photo
from kinoloom.metrics import psnr

HALF_FLAG = 0x01306B47
"""Precedes the weights of a convolution that ncnn stores in 16 bits."""


@pytest.fixture(autouse=True)
def _narrow(one_core: None) -> None:
    """Run on one core: the images are tiny."""


def count_parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def to_tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32) / 255)


def read_ncnn(file: Path, net: Compact) -> dict[str, Tensor]:
    """Read the weights of a .bin of ncnn with the layers of a network, in order."""
    data, position = file.read_bytes(), 0

    def take(dtype: type, count: int) -> np.ndarray:
        nonlocal position
        found = np.frombuffer(data, dtype, count, position)
        position += -(-found.nbytes // 4) * 4
        return found

    state = {}
    for name, value in net.state_dict().items():
        if value.ndim == 4:
            dtype = np.float16 if take(np.uint32, 1)[0] == HALF_FLAG else np.float32
            state[name] = take(dtype, value.numel())
        else:
            state[name] = take(np.float32, value.numel())
    assert position == len(data)
    shapes = {name: value.shape for name, value in net.state_dict().items()}
    return {
        name: torch.from_numpy(found.astype(np.float32)).reshape(shapes[name])
        for name, found in state.items()
    }


@pytest.mark.parametrize(
    ("channels", "blocks", "scale", "expected"),
    [(24, 8, 2, 45_156), (64, 16, 4, 621_424), (64, 32, 4, 1_213_296)],
)
def test_compact_has_the_size_of_its_models(
    channels: int, blocks: int, scale: int, expected: int
) -> None:
    net = Compact(channels, blocks, scale)
    assert count_parameters(net) == expected


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_compact_adds_its_result_to_the_enlarged_input(scale: int) -> None:
    net, image = Compact(4, 1, scale), torch.rand(1, 3, 6, 5)
    with torch.no_grad():
        net.body[-1].weight.zero_()
        net.body[-1].bias.copy_(torch.arange(3 * scale**2) / 10)
        found = net(image)
    expected = image.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    added = functional.pixel_shuffle((torch.arange(3 * scale**2) / 10)[None, :, None, None], scale)
    torch.testing.assert_close(found, expected + added.repeat(1, 1, 6, 5))


@pytest.mark.parametrize(
    ("name", "recorded"),
    [
        ("RealESRGAN_General_x4_v3.bin", "general_x4v3"),
        ("RealESRGAN_General_WDN_x4_v3.bin", "general_wdn_x4v3"),
    ],
)
def test_compact_reproduces_the_published_results(
    shared_data: Path, name: str, recorded: str
) -> None:
    net = Compact(64, 32, 4).eval()
    net.load_state_dict(read_ncnn(shared_data / "enhance" / "weights" / name, net))
    with np.load(shared_data / "enhance" / "conformance.npz") as cases:
        image, expected = cases["input_u8"], cases[recorded]
    with torch.inference_mode():
        found = net(to_tensor(image))[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_compact_depends_on_pixels_within_its_reach() -> None:
    torch.manual_seed(0)
    net = Compact(6, 2, 2).eval()
    image = torch.rand(1, 3, 21, 21)
    changed = image.clone()
    changed[0, :, 10, 10] += 1
    rows = (net(image) != net(changed))[0].any(0).any(1).nonzero()[:, 0] // 2
    assert net.reach_px == 4
    assert (int(rows.min()), int(rows.max())) == (10 - 4, 10 + 4)


@pytest.mark.parametrize(("size", "expected"), [((96, 12), 852_108), ((48, 8), 135_564)])
def test_ffdnet_has_the_intended_size(size: tuple[int, int], expected: int) -> None:
    assert count_parameters(FFDNet(*size)) == expected


def test_ffdnet_without_convolutions_returns_the_image() -> None:
    net, image = FFDNet(13, 2), torch.rand(2, 3, 6, 8)
    nn.init.dirac_(net.model[0].weight)
    nn.init.dirac_(net.model[2].weight)
    nn.init.zeros_(net.model[0].bias)
    nn.init.zeros_(net.model[2].bias)
    torch.testing.assert_close(net(image, torch.rand(2, 1, 6, 8)), image)


def test_ffdnet_reads_the_noise_of_each_pixel() -> None:
    """The network whose convolutions pass only the noise shows its mean over 2x2 pixels."""
    net = FFDNet(1, 2)
    for layer in (net.model[0], net.model[2]):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        with torch.no_grad():
            layer.weight[:, -1, 1, 1] = 1
    noise = torch.tensor([[0.1, 0.3], [0.2, 0.4]]).repeat_interleave(2, 0).repeat_interleave(2, 1)
    noise[0, 0] = 0.5
    found = net(torch.rand(1, 3, 4, 4), noise[None, None])[0, 0]
    torch.testing.assert_close(found[::2, ::2], torch.tensor([[0.2, 0.3], [0.2, 0.4]]))
    assert torch.equal(found[::2, ::2], found[1::2, 1::2])


def test_ffdnet_depends_on_pixels_within_its_reach() -> None:
    torch.manual_seed(0)
    net = FFDNet(8, 3).eval()
    image, noise = torch.rand(1, 3, 40, 40), torch.full((1, 1, 40, 40), 0.1)
    changed = image.clone()
    changed[0, :, 21, 21] += 1
    rows = (net(image, noise) != net(changed, noise))[0].any(0).any(1).nonzero()[:, 0]
    assert net.reach_px == 7
    assert 21 - int(rows.min()) == 7
    assert int(rows.max()) - 21 <= 7


def test_ffdnet_removes_noise_with_the_published_weights(shared_data: Path) -> None:
    net = FFDNet().eval()
    weights = shared_data / "enhance" / "weights" / "ffdnet_color.pth"
    net.load_state_dict(torch.load(weights, weights_only=True))
    photo = read_photo(shared_data / "enhance" / "set5" / "HR" / "img_002.png").image[:128, :160]
    noise = np.random.default_rng(0).normal(0, 25 / 255, photo.shape).astype(np.float32)
    noisy = to_tensor(photo) + torch.from_numpy(noise.transpose(2, 0, 1))
    level = torch.full((1, 1, 128, 160), 25 / 255)
    with torch.inference_mode():
        cleaned = net(noisy, level)[0].clamp(0, 1).mul(255).round().byte()
    assert psnr(np.ascontiguousarray(cleaned.permute(1, 2, 0).numpy()), photo) > 30
