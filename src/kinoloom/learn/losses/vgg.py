"""Features of VGG networks, frozen, for perceptual losses.

Which weights are at hand decides which features; each says in words what it is, for model cards:

    imagenet-vgg-verydeep-19.mat   VGG-19 of MatConvNet, as FILM is trained with: pictures times
                                   255 minus the mean colour, average pooling
    a torchvision-style file       VGG-16 or VGG-19 (.pt, .pth, .safetensors; "features.0.weight"
                                   and so on): ImageNet mean and deviation, average pooling
    the wheel stlpips-pytorch      VGG-16 with blurred pooling (BSD-2), found when it is installed

Sources: Simonyan & Zisserman, "Very deep convolutional networks for large-scale image
recognition", ICLR 2015; pooling by average: Gatys et al., "A neural algorithm of artistic style",
2015; blurred pooling: Zhang, "Making convolutional networks shift-invariant again", ICML 2019, in
the form of Ghildyal & Liu, "Shift-tolerant perceptual similarity metric", ECCV 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from kinoloom.learn.losses.photometric import exact

BLOCKS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)
FILM_LAYERS = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")

Pooling = Literal["average", "blurred"]


@dataclass(frozen=True)
class Intake:
    """What a network expects of a picture: (picture * scale - mean) / deviation, RGB.

    Attributes:
        scale: 255 or 1.
        mean, deviation: of each colour, in that scale.
        gain: what to divide features by to bring them back to the range of pictures in 0..1.
    """

    scale: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    gain: float


CAFFE = Intake(255.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0), 255.0)
IMAGENET = Intake(1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1 / 0.226)


class VggFeatures(nn.Module):
    """The outputs of some layers of VGG, after their ReLU; never trained.

    Attributes:
        words: what it is, for a model card.
        gain: what the losses divide features by.
    """

    mean: Tensor
    deviation: Tensor
    blur: Tensor

    def __init__(
        self,
        depth: Literal[16, 19],
        convolutions: list[tuple[Tensor, Tensor]],
        intake: Intake,
        pooling: Pooling,
        words: str,
        layers: tuple[str, ...] = FILM_LAYERS,
    ) -> None:
        """Build from weights (out, in, 3, 3) and biases, in order, at least up to the last layer.

        Args:
            depth: 16 or 19.
            convolutions: of each layer, from the first on.
            intake: what these weights expect of a picture.
            pooling: "average", or "blurred": maximum over 2x2 at every pixel, then (1, 2, 1)/4
                both ways at every second.
            words: what it is.
            layers: names of the layers to give, such as "conv1_2", in order.
        """
        super().__init__()
        self.intake, self.pooling, self.words, self.layers = intake, pooling, words, layers
        self.gain = intake.gain
        self.names = layer_names(depth)[: layer_names(depth).index(layers[-1]) + 1]
        used = convolutions[: len(self.names)]
        self.weights = nn.ParameterList([weight.float() for weight, _ in used])
        self.biases = nn.ParameterList([bias.float() for _, bias in used])
        self.register_buffer("mean", torch.tensor(intake.mean).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(intake.deviation).view(1, 3, 1, 1))
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("blur", (row[:, None] * row)[None, None])
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of pictures (B, 3, H, W) RGB in 0..1, one (B, C, h, w) for each layer."""
        x = (exact(image) * self.intake.scale - self.mean) / self.deviation
        found = []
        for name, weight, bias in zip(self.names, self.weights, self.biases, strict=True):
            if name.endswith("_1") and name != "conv1_1":
                x = self._pool(x)
            x = fn.conv2d(x, weight, bias, padding=1).relu()
            if name in self.layers:
                found.append(x)
        return found

    def _pool(self, x: Tensor) -> Tensor:
        if self.pooling == "average":  # windows that stick out count what is inside, as in "SAME"
            return fn.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
        channels = x.shape[1]
        padded = fn.pad(fn.max_pool2d(x, 2, 1), (2, 2, 2, 2), "reflect")
        kernel = self.blur.to(x.dtype).expand(channels, 1, 3, 3)
        return fn.conv2d(padded, kernel, stride=2, groups=channels)


def layer_names(depth: Literal[16, 19]) -> list[str]:
    """ "conv1_1", "conv1_2", "conv2_1" and so on."""
    counts = enumerate(BLOCKS[depth], 1)
    return [f"conv{block}_{i}" for block, count in counts for i in range(1, count + 1)]


def layer_shapes(depth: Literal[16, 19]) -> list[tuple[int, int, int, int]]:
    """The shape of the weights of each layer."""
    widths = [
        width for width, count in zip(CHANNELS, BLOCKS[depth], strict=True) for _ in range(count)
    ]
    return [(out, into, 3, 3) for into, out in zip([3, *widths], widths, strict=False)]
