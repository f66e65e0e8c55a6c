"""ST-LPIPS: perceptual distance of two images, tolerant to shifts of about a pixel.

Source: Ghildyal & Liu, "Shift-tolerant perceptual similarity metric", ECCV 2022, with the VGG-16
and the calibration of the wheel stlpips-pytorch 0.0.2 (BSD-2); LPIPS: Zhang et al., "The
unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018. The feature vectors
of five layers are normalised to unit length; the squared differences are weighted by channel and
averaged over the image. The distance is 0 for equal images and about 0.1 to 0.5 for clearly
different ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kinoloom.errors import WeightsError
from kinoloom.learn.cards import VGG16_ST
from kinoloom.learn.losses.vgg import VggFeatures
from kinoloom.learn.losses.vgg_weights import build_vgg, read_state
from kinoloom.runtime.models import require_weights
from kinoloom.runtime.models.find import format_hint

LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
_EPSILON = 1e-10


class StLpips(nn.Module):
    """The distance of images (B, 3, H, W) RGB in 0..1, with frozen weights."""

    def __init__(self, network: VggFeatures, weights: Sequence[Tensor]) -> None:
        """Build from a network with outputs at `LAYERS` and their channel weights (1, C, 1, 1)."""
        super().__init__()
        self.network = network
        self.weights = nn.ParameterList(list(weights))
        self.requires_grad_(False)

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the distance of each pair of images, (B,)."""
        return self.compare_features(self.network(prediction), self.network(target))

    def compare_features(self, prediction: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
        """Return the distance of each pair of images, (B,), from their features at `LAYERS`."""
        terms = []
        for one, other, weight in zip(prediction, target, self.weights, strict=True):
            squared = (_normalise(one) - _normalise(other)).square()
            terms.append((squared * weight).sum(1).mean((1, 2)))
        return torch.stack(terms).sum(0)


def load_st_lpips() -> StLpips:
    """Load the metric with its published weights, the model vgg16-st.

    Raises:
        WeightsError: the weights are missing, or the file contains other ones.
    """
    path = require_weights(VGG16_ST)
    tensors = read_state(path)
    names = [f"lin{i}.model.1.weight" for i in range(len(LAYERS))]
    missing = [name for name in names if name not in tensors]
    if missing:
        raise WeightsError(f"{path.name} has no tensor {missing[0]}.", hint=format_hint(VGG16_ST))
    network = build_vgg(tensors, path.name, LAYERS)
    return StLpips(network, [tensors[name].float() for name in names])


def _normalise(features: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return features / (length + _EPSILON)
