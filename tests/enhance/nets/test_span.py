"""SPAN: its fold is exact, and it is the published graph."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from kinoloom.base.model import ModelCard
from kinoloom.enhance.cards import SPAN_X2, SPAN_X4
from kinoloom.enhance.nets.span import MEAN, Span, SpanConvolution
from kinoloom.runtime.models import find_weights

pytestmark = pytest.mark.usefixtures("one_core")


def count_parameters(net: torch.nn.Module) -> int:
    return sum(each.numel() for each in net.parameters())


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 5), (4, 4), (7, 2)])
def test_a_convolution_equals_its_branches_up_to_the_borders(inputs: int, outputs: int) -> None:
    torch.manual_seed(inputs)
    layer = SpanConvolution(inputs, outputs, is_folded=False).double()
    image = torch.rand(2, inputs, 7, 5, dtype=torch.float64)
    kernel = layer.fold_kernel()
    folded = functional.conv2d(image, kernel.weight, kernel.bias, padding=1)
    torch.testing.assert_close(folded, layer(image), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)], ids=str
)
@pytest.mark.parametrize(("channels", "scale"), [(8, 2), (6, 4)])
def test_the_folded_network_equals_its_training_form(
    channels: int, scale: int, dtype: torch.dtype, tolerance: float
) -> None:
    torch.manual_seed(channels)
    net = Span(channels, scale).to(dtype)
    image = torch.rand(2, 3, 9, 11, dtype=dtype)
    with torch.no_grad():
        expected = net(image)
        folded = net.fold()
        found = folded(image)
    assert found.shape == (2, 3, 9 * scale, 11 * scale)
    size = float(expected.abs().max())
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance * size)
    assert folded.is_folded and not folded.training
    assert count_parameters(folded) < count_parameters(net) / 3


@pytest.mark.parametrize(
    ("channels", "scale", "expected"), [(48, 2, 410_700), (48, 4, 426_288), (52, 2, 481_324)]
)
def test_the_folded_network_has_the_size_of_the_published_one(
    channels: int, scale: int, expected: int
) -> None:
    assert count_parameters(Span(channels, scale, is_folded=True)) == expected


def test_the_training_form_receives_gradients_everywhere() -> None:
    net = Span(6, 2)
    net(torch.rand(1, 3, 8, 8)).square().mean().backward()
    assert all(float(each.grad.abs().max()) > 0 for each in net.parameters())


def test_a_picture_of_the_mean_colour_passes_only_biases() -> None:
    net = Span(4, 2).eval()
    with torch.no_grad():
        net.conv_1.sk.bias.zero_()
        for layer in net.conv_1.conv:
            layer.bias.zero_()
        image = torch.tensor(MEAN)[None, :, None, None].expand(1, 3, 5, 5)
        features = net.conv_1((image - net.mean) * 255)
    assert float(features.abs().max()) < 1e-4


def test_a_pixel_reaches_no_further_than_stated() -> None:
    torch.manual_seed(1)
    net = Span(4, 2, is_folded=True).double().eval()
    image = torch.rand(1, 3, 61, 61, dtype=torch.float64)
    changed = image.clone()
    changed[0, :, 30, 30] += 1
    with torch.no_grad():
        rows = (net(image) != net(changed))[0].any(0).any(1).nonzero()[:, 0] // 2
    assert net.reach_px == 21
    assert (int(rows.min()), int(rows.max())) == (30 - 21, 30 + 21)


@pytest.mark.parametrize("card", [SPAN_X2, SPAN_X4], ids=lambda card: card.name)
def test_fetched_weights_give_the_recorded_results(card: ModelCard, shared_data: Path) -> None:
    found = find_weights(card)
    if found is None:
        pytest.skip(f"get the weights with: kinoloom models get {card.name}")
    scale = int(card.name[-1])
    net = Span(48, scale, is_folded=True).eval()
    net.load_state_dict(read_state(onnx.load(found.path), net))
    with np.load(shared_data / "enhance" / "conformance.npz") as vectors:
        image, expected = vectors["input_u8"], vectors[f"span_x{scale}"]
    with torch.inference_mode():
        output = net(torch.from_numpy(np.float32(image / np.float32(255)).transpose(2, 0, 1)[None]))
    np.testing.assert_allclose(output[0].numpy(), expected, rtol=0, atol=1e-5)


def read_state(model: onnx.ModelProto, net: Span) -> dict[str, Tensor]:
    """The weights of a converted model by the names of the network.

    ncnn names its layers /block_1/c1_r/eval_conv/Conv and /upsampler/upsampler.0/Conv.
    """
    state = {}
    for tensor in model.graph.initializer:
        if tensor.name.endswith((".weight", ".bias")):
            layer, _, kind = tensor.name.strip("/").rpartition("/Conv.")
            name = layer.replace("/", ".").replace("upsampler.upsampler", "upsampler")
            values = onnx.numpy_helper.to_array(tensor).astype(np.float32)
            state[f"{name}.{kind}"] = torch.from_numpy(values.copy())
    assert state.keys() == net.state_dict().keys()
    return state
