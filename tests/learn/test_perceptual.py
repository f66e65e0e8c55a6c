"""VGG features and the perceptual losses."""

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from kinoloom.errors import WeightsError
from kinoloom.learn.cards import VGG16_ST
from kinoloom.learn.losses.perceptual import (
    FILM_STYLE_WEIGHT,
    FILM_VGG_WEIGHT,
    gram_matrix,
    perceptual_losses,
    style_loss,
    vgg_loss,
)
from kinoloom.learn.losses.vgg import (
    CAFFE,
    IMAGENET,
    VggFeatures,
    layer_names,
    layer_shapes,
)
from kinoloom.learn.losses.vgg_weights import load_vgg
from kinoloom.runtime.models import require_weights

PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "basketball1.png"


def random_weights(depth: Literal[16, 19], seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Random ones that keep the size of what passes through."""
    prediction = torch.Generator().manual_seed(seed)
    return [
        (
            torch.randn(shape, generator=prediction) * (2 / (9 * shape[1])) ** 0.5,
            torch.randn(shape[0], generator=prediction) * 0.1,
        )
        for shape in layer_shapes(depth)
    ]


def photo(size: int = 48) -> Tensor:
    from PIL import Image

    with Image.open(PHOTO) as image:
        small = np.asarray(image.convert("RGB").resize((size, size)), np.float32) / 255
    return torch.from_numpy(small).permute(2, 0, 1)[None]


def test_features_match_a_plain_sequence_of_layers() -> None:
    """VGG-19 written out, with average pooling, from a picture of 255 minus the mean colour."""
    found = random_weights(19)
    layers: list[nn.Module] = []
    taken = []
    for (weight, bias), name in zip(found, layer_names(19), strict=True):
        if name.endswith("_1") and name != "conv1_1":
            layers.append(nn.AvgPool2d(2))
        layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
        layer.weight.data, layer.bias.data = weight, bias
        layers += [layer, nn.ReLU()]
        if name in ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"):
            taken.append(len(layers))
    image = photo(32)
    features = VggFeatures(19, found, CAFFE, "average", "random")(image)
    x = image * 255 - torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)
    for end, feature in zip(taken, features, strict=True):
        torch.testing.assert_close(feature, nn.Sequential(*layers[:end])(x))
    assert [f.shape[1:] for f in features] == [
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
        (512, 4, 4),
        (512, 2, 2),
    ]


def pooled(values: Tensor, pooling: Literal["average", "blurred"]) -> Tensor:
    return VggFeatures(16, random_weights(16), IMAGENET, pooling, "random")._pool(values)


def test_average_pooling_ignores_padding() -> None:
    values = torch.arange(9.0).view(1, 1, 3, 3)
    assert pooled(values, "average").tolist() == [[[[2.0, 3.5], [6.5, 8.0]]]]


def test_blurred_pooling_matches_a_case_by_hand() -> None:
    values = torch.arange(16.0).view(1, 1, 4, 4)
    # The maxima are 5 6 7 / 9 10 11 / 13 14 15. Mirrored by two and blurred at every second place:
    # the place before the first sees 6 and both neighbours of it, in x and likewise in y.
    rows = np.pad(np.array([[5, 6, 7], [9, 10, 11], [13, 14, 15]]), 2, "reflect")
    kernel = np.array([1, 2, 1]) / 4
    expected = [
        [kernel @ rows[y : y + 3, x : x + 3] @ kernel for x in (0, 2, 4)] for y in (0, 2, 4)
    ]
    np.testing.assert_allclose(pooled(values, "blurred")[0, 0].numpy(), expected)


def test_vgg_loss_matches_a_case_by_hand() -> None:
    prediction = [torch.full((1, 2, 3, 3), float(i)) for i in range(1, 6)]
    target = [torch.zeros(1, 2, 3, 3)] * 5
    expected = (1 / 2.6 + 2 / 4.8 + 3 / 3.7 + 4 / 5.6 + 5 * 10 / 1.5) / 255
    assert float(vgg_loss(prediction, target, 255.0)) == pytest.approx(expected)


def test_style_loss_matches_a_case_by_hand() -> None:
    one = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # two channels, two pixels
    assert gram_matrix(one).tolist() == [[[2.5, 5.5], [5.5, 12.5]]]
    zero = torch.zeros_like(one)
    squares = (2.5**2 + 2 * 5.5**2 + 12.5**2) / 4
    prediction = [255 * one, zero, zero, zero, 255 * one]
    expected = squares / 2.6 + squares * 10 / 1.5
    assert float(style_loss(prediction, [zero] * 5, 255.0)) == pytest.approx(expected)


def test_weights_follow_the_schedules_of_film() -> None:
    steps = (0, 1_500_000, 1_500_001, 3_000_000)
    assert [FILM_VGG_WEIGHT.at(step) for step in steps] == [1.0, 1.0, 0.25, 0.25]
    assert [FILM_STYLE_WEIGHT.at(step) for step in steps] == [0.0, 0.0, 40.0, 40.0]


def test_gradients_match_finite_differences() -> None:
    network = VggFeatures(16, random_weights(16), IMAGENET, "blurred", "random").double()
    target = photo(32).double()
    prediction = (target.flip(-1) * 0.9).requires_grad_()
    direction = torch.from_numpy(np.random.default_rng(5).standard_normal(prediction.shape))
    for name in ("vgg", "style"):
        (gradient,) = torch.autograd.grad(
            perceptual_losses(network, prediction, target)[name], prediction
        )
        with torch.no_grad():
            ends = [
                perceptual_losses(network, prediction + s * direction, target)[name]
                for s in (1e-8, -1e-8)
            ]
        numeric = float(ends[0] - ends[1]) / 2e-8
        assert float((gradient * direction).sum()) == pytest.approx(numeric, rel=1e-3)
    assert not any(parameter.requires_grad for parameter in network.parameters())


def write_matconvnet(path: Path, found: list[tuple[Tensor, Tensor]]) -> None:
    """Write VGG-19 as MatConvNet does: a cell of structs, kernels (H, W, C, K), row biases."""
    from scipy.io import savemat

    cells: list[dict[str, Any]] = []
    for (weight, bias), name in zip(found, layer_names(19), strict=True):
        pair = np.empty((1, 2), object)
        pair[0, 0], pair[0, 1] = weight.numpy().transpose(2, 3, 1, 0), bias.numpy()[None]
        cells.append({"name": name, "type": "conv", "weights": pair, "stride": [1, 1]})
        cells.append({"name": name.replace("conv", "relu"), "type": "relu"})
    cells.append({"name": "fc6", "type": "conv", "weights": np.zeros((1, 2), object)})
    layers = np.empty((1, len(cells)), object)
    layers[0, :] = cells
    savemat(path, {"layers": layers, "meta": {"classes": "none"}})


def test_matconvnet_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "imagenet-vgg-verydeep-19.mat"
    found = random_weights(19)
    write_matconvnet(path, found)
    network = load_vgg(path)
    assert (network.description, network.gain) == ("VGG-19 of MatConvNet, average pooling", 255.0)
    assert len(network.weights) == 14
    for weight, bias, (w, b) in zip(network.weights, network.biases, found, strict=False):
        assert torch.equal(weight, w)
        assert torch.equal(bias, b)


def name_as_torchvision(
    found: list[tuple[Tensor, Tensor]], depth: Literal[16, 19]
) -> dict[str, Tensor]:
    """Named by place in the sequence of layers, as name_as_torchvision does."""
    place, named = (
        0,
        {"classifier.0.weight": torch.zeros(4, 4), "classifier.0.bias": torch.zeros(4)},
    )
    for (weight, bias), name in zip(found, layer_names(depth), strict=True):
        place += 1 if name.endswith("_1") and name != "conv1_1" else 0
        named |= {f"features.{place}.weight": weight, f"features.{place}.bias": bias}
        place += 2
    return named


@pytest.mark.parametrize("depth", [16, 19])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_torchvision_files_are_read(depth: Literal[16, 19], suffix: str, tmp_path: Path) -> None:
    found = random_weights(depth)
    path = tmp_path / f"vgg{suffix}"
    named = name_as_torchvision(found, depth)
    save_file(named, path) if suffix == ".safetensors" else torch.save(named, path)
    network = load_vgg(path)
    assert network.description == f"VGG-{depth} of torchvision, average pooling"
    expected = VggFeatures(depth, found, IMAGENET, "average", "")(photo(16))
    for one, other in zip(network(photo(16)), expected, strict=True):
        assert torch.equal(one, other)


def test_files_without_vgg_are_rejected(tmp_path: Path) -> None:
    def assert_rejected(name: str, message: str) -> None:
        with pytest.raises(WeightsError, match=message) as caught:
            load_vgg(tmp_path / name)
        assert "kinoloom models get vgg16-st" in str(caught.value)

    assert_rejected("none.pth", "does not exist")
    (tmp_path / "text.mat").write_text("not a matrix")
    assert_rejected("text.mat", "cannot be read as a MatConvNet network")
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04 cut")
    assert_rejected("cut.pth", "is damaged")
    (tmp_path / "text.pth").write_text("text")
    assert_rejected("text.pth", "is damaged")
    torch.save({"features.0.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "small.pth")
    assert_rejected("small.pth", "contains 0 convolutions, which are not those of")
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    assert_rejected("tensor.pth", "no named tensors")


@pytest.mark.usefixtures("no_models")
def test_missing_weights_name_the_command_that_gets_them() -> None:
    with pytest.raises(WeightsError, match=r"'vgg16-st' are missing.*kinoloom models get vgg16-st"):
        load_vgg()


def test_user_supplied_weights_take_precedence(no_models: Path) -> None:
    found = random_weights(19)
    save_file(name_as_torchvision(found, 19), no_models / "vgg19.safetensors")
    assert load_vgg().description == "VGG-19 of torchvision, average pooling"


class Bomb:
    """Creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickled_code_is_not_run(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "vgg.pth"
    state = {**name_as_torchvision(random_weights(16), 16), "bomb": Bomb(tmp_path / "trace")}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match="damaged, or contains more than named tensors"):
        load_vgg(path)
    assert not (tmp_path / "trace").exists()


def test_the_published_features_tell_blur_from_brightness() -> None:
    """Real random_weights: a blurred photo is further off than one as much brighter in L1."""
    network = load_vgg(require_weights(VGG16_ST))
    assert network.description == "VGG-16 of ST-LPIPS (blurred pooling)"
    target = photo(64)
    blurred = nn.functional.avg_pool2d(target, 5, 1, 2, count_include_pad=False)
    offset = target + float((blurred - target).abs().mean())
    losses = [
        perceptual_losses(network, prediction, target) for prediction in (target, offset, blurred)
    ]
    for name in ("vgg", "style"):
        same, brighter, softer = (float(found[name]) for found in losses)
        assert same == 0
        assert softer > 2 * brighter > 0
