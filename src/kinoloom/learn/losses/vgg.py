"""Frozen features of VGG networks, for perceptual losses.

The weights decide the preprocessing and the pooling:

    imagenet-vgg-verydeep-19.mat   VGG-19 of MatConvNet, used to train FILM: images times 255
                                   minus the mean colour, average pooling
    a torchvision-style file       VGG-16 or VGG-19 (.pt, .pth, .safetensors; "features.0.weight"
                                   etc.): ImageNet mean and standard deviation, average pooling
    the model vgg16-st             VGG-16 of ST-LPIPS with blurred pooling (BSD-2)

Sources: Simonyan & Zisserman, "Very deep convolutional networks for large-scale image
recognition", ICLR 2015; average pooling: Gatys et al., "A neural algorithm of artistic style",
2015; blurred pooling: Zhang, "Making convolutional networks shift-invariant again", ICML 2019, in
the form of Ghildyal & Liu, "Shift-tolerant perceptual similarity metric", ECCV 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from kinoloom.learn.losses.photometric import at_least_float32

BLOCKS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)
FILM_LAYERS = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")

Pooling = Literal["average", "blurred"]


@dataclass(frozen=True)
class Preprocessing:
    """The normalisation of a network's input: (image * scale - mean) / deviation, RGB.

    Attributes:
        scale: 255 or 1.
        mean, deviation: per channel, after scaling.
        gain: divisor that brings features to the scale of images in 0..1.
    """

    scale: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    gain: float


CAFFE = Preprocessing(255.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0), 255.0)
IMAGENET = Preprocessing(1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1 / 0.226)


class VggFeatures(nn.Module):
    """The outputs of some layers of VGG after their ReLU, with frozen weights.

    Attributes:
        description: of the weights, for model cards.
        gain: divisor of the features in losses.
    """

    mean: Tensor
    deviation: Tensor
    blur: Tensor

    def __init__(
        self,
        depth: Literal[16, 19],
        convolutions: list[tuple[Tensor, Tensor]],
        preprocessing: Preprocessing,
        pooling: Pooling,
        description: str,
        layers: tuple[str, ...] = FILM_LAYERS,
    ) -> None:
        """Build from weights (out, in, 3, 3) and biases in order, at least up to the last layer.

        Args:
            depth: 16 or 19.
            convolutions: weight and bias of each layer, from the first on.
            preprocessing: of the input, as the weights require.
            pooling: "average", or "blurred": maximum over 2x2 with stride 1, then the separable
                filter (1, 2, 1)/4 with stride 2.
            description: of the weights, for model cards.
            layers: names of the output layers, such as "conv1_2", in order.
        """
        super().__init__()
        self.preprocessing, self.pooling, self.description, self.layers = (
            preprocessing,
            pooling,
            description,
            layers,
        )
        self.gain = preprocessing.gain
        self.names = layer_names(depth)[: layer_names(depth).index(layers[-1]) + 1]
        used = convolutions[: len(self.names)]
        self.weights = nn.ParameterList([weight.float() for weight, _ in used])
        self.biases = nn.ParameterList([bias.float() for _, bias in used])
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(preprocessing.deviation).view(1, 3, 1, 1))
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("blur", (row[:, None] * row)[None, None])
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return features (B, C, h, w) per layer, of images (B, 3, H, W) RGB in 0..1."""
        x = (at_least_float32(image) * self.preprocessing.scale - self.mean) / self.deviation
        outputs = []
        for name, weight, bias in zip(self.names, self.weights, self.biases, strict=True):
            if name.endswith("_1") and name != "conv1_1":
                x = self._pool(x)
            x = fn.conv2d(x, weight, bias, padding=1).relu()
            if name in self.layers:
                outputs.append(x)
        return outputs

    def _pool(self, x: Tensor) -> Tensor:
        if self.pooling == "average":  # as TensorFlow's padding "SAME"
            return fn.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
        channels = x.shape[1]
        padded = fn.pad(fn.max_pool2d(x, 2, 1), (2, 2, 2, 2), "reflect")
        kernel = self.blur.to(x.dtype).expand(channels, 1, 3, 3)
        return fn.conv2d(padded, kernel, stride=2, groups=channels)


def layer_names(depth: Literal[16, 19]) -> list[str]:
    """Return the names of the convolutions: "conv1_1", "conv1_2", "conv2_1" and so on."""
    counts = enumerate(BLOCKS[depth], 1)
    return [f"conv{block}_{i}" for block, count in counts for i in range(1, count + 1)]


def layer_shapes(depth: Literal[16, 19]) -> list[tuple[int, int, int, int]]:
    """Return the shape (out, in, 3, 3) of each convolution's weights."""
    widths = [
        width for width, count in zip(CHANNELS, BLOCKS[depth], strict=True) for _ in range(count)
    ]
    return [(out, into, 3, 3) for into, out in zip([3, *widths], widths, strict=False)]
