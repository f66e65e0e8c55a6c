"""Perceptual losses: pictures compared by features of a network that knows photographs.

As FILM is trained (github.com/google-research/frame-interpolation, losses/vgg19_loss.py): five
layers of VGG-19, weighted as in Chen & Koltun, "Photographic image synthesis with cascaded
refinement networks", ICCV 2017. The style loss is that of Gatys et al. 2015 with the same weights.
Features of 255-fold pictures are divided by 255; other networks' by their own gain (see `vgg`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from kinoloom.learn.losses.photometric import exact
from kinoloom.learn.losses.vgg import VggFeatures
from kinoloom.learn.schedules import Piecewise

LAYER_WEIGHTS = (1 / 2.6, 1 / 4.8, 1 / 3.7, 1 / 5.6, 10 / 1.5)
_TURN = 1_500_000
FILM_VGG_WEIGHT = Piecewise((_TURN,), (1.0, 0.25))
"""The weight of the VGG term in FILM's VGG and style configurations, beside L1 with weight 1."""
FILM_STYLE_WEIGHT = Piecewise((_TURN,), (0.0, 40.0))
"""The weight of the style term in FILM's style configuration."""

Features = list[Tensor]


def vgg_loss(made: Features, truth: Features, gain: float) -> Tensor:
    """The weighted sum over layers of the mean absolute difference, divided by the gain."""
    terms = [
        weight * (exact(a) - exact(b)).abs().mean()
        for weight, a, b in zip(LAYER_WEIGHTS, made, truth, strict=True)
    ]
    return torch.stack(terms).sum() / gain


def style_loss(made: Features, truth: Features, gain: float) -> Tensor:
    """The weighted sum over layers of the mean squared difference of Gram matrices."""
    terms = [
        weight * (gram(a / gain) - gram(b / gain)).square().mean()
        for weight, a, b in zip(LAYER_WEIGHTS, made, truth, strict=True)
    ]
    return torch.stack(terms).sum()


def gram(features: Tensor) -> Tensor:
    """How the channels of (B, C, h, w) features go together: (B, C, C), the mean over pixels."""
    flat = exact(features).flatten(2)
    with torch.autocast(flat.device.type, enabled=False):  # sums over many pixels
        return flat @ flat.mT / flat.shape[2]


def perceptual_losses(network: VggFeatures, made: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """ "vgg" and "style" of two (B, 3, H, W) pictures in 0..1, from one run over each.

    With the VGG-19 that FILM names this is FILM's loss exactly.
    """
    with torch.no_grad():
        wanted = network(truth)
    found = network(made)
    return {
        "vgg": vgg_loss(found, wanted, network.gain),
        "style": style_loss(found, wanted, network.gain),
    }
