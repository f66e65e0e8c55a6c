"""The input of the fusion network, and the frame from its weights, without torch.

The network (`nets.fusion_net`) sees both images of a pair, moved to a time by several motion
sources (`synthesis.warping`), and predicts a weight for each of these pictures at each pixel.
Training and inference build its input by the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.film.synthesis.warping import MotionSource, WarpedPair
from kinoloom.motion.flow import Field

SOURCES = 4
"""Number of motion sources that the network sees."""
COARSE_SOURCES = 2
"""The first of them, without the flow network at full size."""
SIZE_MULTIPLE = 8
"""Height and width of the input are multiples of this."""
LOG_SHARE_SCALE = 3.0
"""The planes of shares contain their logarithm divided by this."""
_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
_MIN_SHARE = np.float32(1e-3)
_TRUSTED_PX = 12.0, 36.0
"""The network was trained on motion up to 24 px; between these speeds its weights fade to the mean
of the sources, which is better on larger motion."""
_DIFFERENCE_SCALE = np.float32(10)
_LOG_SCALE = np.float32(1 / 3)


@dataclass(frozen=True)
class FusionInput:
    """The input of the network for S = `SOURCES` sources.

    Attributes:
        sides: (2, 2 S, H, W): of the first and of the second image, for each source the luma of
            the moved image, relative to the mean of all, and then for each source the logarithm
            of its share where it is present.
        common: (1, 1 + S, H, W): the luma of the mean, and for each source the logarithm of the
            difference between its two images.
        speeds: (1, S, H / 2, W / 2): the logarithm of the length of the motion in pixels.
    """

    sides: Field
    common: Field
    speeds: Field


def measure_speed(source: MotionSource, height: int, width: int) -> Field:
    """Return the length of the mean motion of a source, (h, w), in pixels of an image.

    Args:
        source: on a grid of any size, which the result has, too.
        height, width: of the image.
    """
    motion = np.sum(
        [each.motion * each.weights.sum(axis=2)[..., None] for each in source.candidates], axis=0
    )
    rows, columns = motion.shape[:2]
    return np.asarray(
        np.hypot(motion[..., 0] * (width / columns), motion[..., 1] * (height / rows)), np.float32
    )


def build_fusion_input(pairs: Sequence[WarpedPair], speeds: Sequence[Field]) -> FusionInput:
    """Build the input of the network, padded to `SIZE_MULTIPLE` by repeating the edge.

    Copies of the last source that are not present take the places of missing ones.

    Args:
        pairs: one per source, at most `SOURCES`; channels beyond three are ignored.
        speeds: one per source, (H / 2, W / 2), rounded up: the length of the motion in pixels.
    """
    missing = SOURCES - len(pairs)
    absent = replace(pairs[-1], presence=np.zeros_like(pairs[-1].presence))
    pairs, speeds = [*pairs, *[absent] * missing], [*speeds, *[speeds[-1]] * missing]
    lumas = [[_compute_luma(image) for image in (each.before, each.after)] for each in pairs]
    shares = [(each.presence * each.share, each.presence * (1 - each.share)) for each in pairs]
    mean = sum(
        share[0] * luma[0] + share[1] * luma[1] for share, luma in zip(shares, lumas, strict=True)
    ) / sum(each.presence for each in pairs)
    sides = np.stack(
        [
            [
                *((luma[k] - mean) * _DIFFERENCE_SCALE for luma in lumas),
                *(np.log(share[k] + _MIN_SHARE) / LOG_SHARE_SCALE for share in shares),
            ]
            for k in range(2)
        ]
    )
    gaps = [_compress(np.float32(255) * np.abs(one - other)) for one, other in lumas]
    common = np.stack([mean - np.float32(0.5), *gaps])[None]
    return FusionInput(
        _pad(np.asarray(sides, np.float32), SIZE_MULTIPLE),
        _pad(np.asarray(common, np.float32), SIZE_MULTIPLE),
        _pad(
            np.asarray(np.stack([_compress(speed) for speed in speeds])[None], np.float32),
            SIZE_MULTIPLE // 2,
        ),
    )


def fade_to_mean(weights: Field, pairs: Sequence[WarpedPair], speeds: Sequence[Field]) -> Field:
    """Return weights that fade to the mean of the sources where motion is larger than in training.

    Args:
        weights: (2 S, h, w), of the network.
        pairs, speeds: as passed to `build_fusion_input`.
    """
    height, width = pairs[0].share.shape
    speed = cv2.resize(np.max(np.stack(speeds), axis=0), (width, height))
    slow, fast = _TRUSTED_PX
    trust = np.clip((fast - speed) / (fast - slow), 0, 1)
    if trust.min() == 1:
        return weights
    mean = np.zeros_like(weights)
    for k, pair in enumerate(pairs):
        mean[k] = pair.presence * pair.share
        mean[SOURCES + k] = pair.presence - mean[k]
    mean /= mean.sum(axis=0)
    return np.asarray(mean + trust * (weights - mean), np.float32)


def merge_copies(weights: Field, sources: int) -> Field:
    """Add the weights of the last source's copies to its own.

    Args:
        weights: (2 S, h, w), of the network.
        sources: number of sources without copies.

    Returns:
        (2, sources, h, w): of the first and of the second image, for each source.
    """
    sides = weights.reshape(2, -1, *weights.shape[1:])
    if sides.shape[1] == sources:
        return sides
    last = sides[:, sources - 1 :].sum(axis=1, keepdims=True)
    return np.concatenate([sides[:, : sources - 1], last], axis=1)


def fuse(pairs: Sequence[WarpedPair], weights: Field) -> NDArray[np.float32]:
    """Blend moved images by the network's weights.

    Args:
        pairs: as passed to `build_fusion_input`, (h, w, C).
        weights: (2 S, h, w), of all first and then of all second images; their sum is 1.

    Returns:
        (h, w, C).
    """
    frame = np.zeros_like(pairs[0].before)
    channels = frame.shape[2]
    merged = merge_copies(weights, len(pairs))
    for k, pair in enumerate(pairs):
        for image, side in zip((pair.before, pair.after), merged, strict=True):
            cv2.accumulateProduct(image, cv2.merge([side[k]] * channels), frame)
    return frame


def _compute_luma(image: NDArray[np.float32]) -> Field:
    return np.asarray(cv2.transform(image[..., :3], _LUMA), np.float32)


def _compress(values: Field) -> Field:
    return np.asarray(np.log1p(values) * _LOG_SCALE, np.float32)


def _pad(planes: Field, multiple: int) -> Field:
    """Pad the last two axes to a multiple by repeating the edge."""
    padding = [(0, -side % multiple) for side in planes.shape[-2:]]
    widths = [(0, 0)] * (planes.ndim - 2) + padding
    return np.ascontiguousarray(np.pad(planes, widths, mode="edge"), np.float32)
