"""ST-LPIPS: how different two pictures look to people, and little moved by a shift of a pixel.

Source: Ghildyal & Liu, "Shift-tolerant perceptual similarity metric", ECCV 2022, with the VGG-16
and the calibration of the wheel stlpips-pytorch 0.0.2 (BSD-2); LPIPS itself: Zhang et al., "The
unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018. At five layers the
features of each pixel are brought to length 1; the squared differences are weighed by channel and
averaged over the picture. 0 for equal pictures; about 0.1 to 0.5 for clearly different ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kinoloom.errors import WeightsError
from kinoloom.learn.cards import VGG16_ST
from kinoloom.learn.losses.vgg import VggFeatures
from kinoloom.learn.losses.vgg_weights import read_state, vgg_of_state
from kinoloom.runtime.models import require_weights
from kinoloom.runtime.models.find import format_hint

LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
_TINY = 1e-10


class StLpips(nn.Module):
    """The distance of pictures (B, 3, H, W) RGB in 0..1; never trained."""

    def __init__(self, network: VggFeatures, weights: Sequence[Tensor]) -> None:
        """Build from features at `LAYERS` and the weights (1, C, 1, 1) of their channels."""
        super().__init__()
        self.network = network
        self.weights = nn.ParameterList(list(weights))
        self.requires_grad_(False)

    def forward(self, made: Tensor, truth: Tensor) -> Tensor:
        """The distance of each pair: (B,)."""
        return self.apart(self.network(made), self.network(truth))

    def apart(self, made: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
        """The distance of each pair, (B,), of which the features at `LAYERS` are known."""
        terms = []
        for one, other, weight in zip(made, truth, self.weights, strict=True):
            squared = (_unit(one) - _unit(other)).square()
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
    network = vgg_of_state(tensors, path.name, LAYERS)
    return StLpips(network, [tensors[name].float() for name in names])


def _unit(features: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return features / (length + _TINY)
