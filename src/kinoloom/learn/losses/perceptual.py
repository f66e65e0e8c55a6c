"""Perceptual losses: compare features of a network that is trained on ImageNet.

They follow FILM (github.com/google-research/frame-interpolation, losses/vgg19_loss.py): five layers
of VGG-19, weighted as in Chen & Koltun, "Photographic image synthesis with cascaded refinement
networks", ICCV 2017. The style loss is that of Gatys et al. 2015 with the same weights. Features of
inputs in 0..255 are divided by 255, those of other networks by their own gain (see `vgg`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from kinoloom.learn.losses.photometric import at_least_float32
from kinoloom.learn.losses.vgg import VggFeatures
from kinoloom.learn.schedules import Piecewise

LAYER_WEIGHTS = (1 / 2.6, 1 / 4.8, 1 / 3.7, 1 / 5.6, 10 / 1.5)
_SWITCH_STEP = 1_500_000
FILM_VGG_WEIGHT = Piecewise((_SWITCH_STEP,), (1.0, 0.25))
"""The weight of the VGG term in FILM's configurations "VGG" and "Style"; the weight of L1 is 1."""
FILM_STYLE_WEIGHT = Piecewise((_SWITCH_STEP,), (0.0, 40.0))
"""The weight of the style term in FILM's configuration "Style"."""

Features = list[Tensor]


def vgg_loss(prediction: Features, target: Features, gain: float) -> Tensor:
    """Return the weighted sum over layers of the mean absolute difference, divided by the gain."""
    terms = [
        weight * (at_least_float32(a) - at_least_float32(b)).abs().mean()
        for weight, a, b in zip(LAYER_WEIGHTS, prediction, target, strict=True)
    ]
    return torch.stack(terms).sum() / gain


def style_loss(prediction: Features, target: Features, gain: float) -> Tensor:
    """Return the weighted sum over layers of the mean squared difference of Gram matrices."""
    terms = [
        weight * (gram_matrix(a / gain) - gram_matrix(b / gain)).square().mean()
        for weight, a, b in zip(LAYER_WEIGHTS, prediction, target, strict=True)
    ]
    return torch.stack(terms).sum()


def gram_matrix(features: Tensor) -> Tensor:
    """Return the Gram matrices (B, C, C) of features (B, C, h, w), as means over pixels."""
    flat = at_least_float32(features).flatten(2)
    with torch.autocast(flat.device.type, enabled=False):  # long sums
        return flat @ flat.mT / flat.shape[2]


def perceptual_losses(
    network: VggFeatures, prediction: Tensor, target: Tensor
) -> dict[str, Tensor]:
    """Return the terms "vgg" and "style" of two (B, 3, H, W) images in 0..1.

    Each image passes through the network once. With the VGG-19 that FILM names, the result is
    exactly FILM's loss.
    """
    with torch.no_grad():
        target_features = network(target)
    features = network(prediction)
    return {
        "vgg": vgg_loss(features, target_features, network.gain),
        "style": style_loss(features, target_features, network.gain),
    }
