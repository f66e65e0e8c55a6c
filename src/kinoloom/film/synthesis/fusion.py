"""The input of the fusion network, and the frame from its weights, without torch.

The network (`nets.fusion_net`) sees both images of a pair, moved to a time by several motion
sources (`synthesis.warping`), and predicts a weight for each of these pictures at each pixel.
Training and inference build its input by the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    rows, columns = source.candidates[0].weights.shape[:2]
    across, down = np.zeros((2, rows, columns), np.float32)
    for each in source.candidates:
        weight = each.weights[..., 0] + each.weights[..., 1]
        for total, motion in zip((across, down), cv2.split(each.motion), strict=True):
            cv2.accumulateProduct(motion, weight, total)
    return np.asarray(cv2.magnitude(across * (width / columns), down * (height / rows)))


def build_fusion_input(pairs: Sequence[WarpedPair], speeds: Sequence[Field]) -> FusionInput:
    """Build the input of the network, padded to `SIZE_MULTIPLE` by repeating the edge.

    Copies of the last source that are not present take the places of missing ones.

    Args:
        pairs: one per source, at most `SOURCES`; channels beyond three are ignored.
        speeds: one per source, (H / 2, W / 2), rounded up: the length of the motion in pixels.
    """
    (height, width), count = pairs[0].share.shape, len(pairs)
    rows, columns = (side + -side % SIZE_MULTIPLE for side in (height, width))
    sides = np.empty((2, 2 * SOURCES, rows, columns), np.float32)
    common = np.empty((1, 1 + SOURCES, rows, columns), np.float32)
    inside = np.s_[:height, :width]
    lumas = [[_compute_luma(image) for image in (each.before, each.after)] for each in pairs]
    shares = [(each.presence * each.share, each.presence * (1 - each.share)) for each in pairs]
    mean = sum(
        share[0] * luma[0] + share[1] * luma[1] for share, luma in zip(shares, lumas, strict=True)
    ) / sum(each.presence for each in pairs)
    np.subtract(mean, np.float32(0.5), out=common[0, 0][inside])
    for k, (luma, share) in enumerate(zip(lumas, shares, strict=True)):
        _compress(np.float32(255) * cv2.absdiff(*luma), out=common[0, 1 + k][inside])
        for side in range(2):
            difference = sides[side, k][inside]
            np.subtract(luma[side], mean, out=difference)
            difference *= _DIFFERENCE_SCALE
            _log_share(share[side], out=sides[side, SOURCES + k][inside])
    common[:, 1 + count :] = common[:, count, None]
    sides[:, count:SOURCES] = sides[:, count - 1, None]
    sides[:, SOURCES + count :] = np.log(_MIN_SHARE) / np.float32(LOG_SHARE_SCALE)
    for planes in (sides, common):
        _repeat_edge(planes, height, width)
    return FusionInput(sides, common, _stack_speeds(speeds))


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


def _stack_speeds(speeds: Sequence[Field]) -> Field:
    """Return the plane of each source, padded; the last one takes the places of missing ones."""
    height, width = speeds[0].shape
    multiple = SIZE_MULTIPLE // 2
    rows, columns = (side + -side % multiple for side in (height, width))
    planes = np.empty((1, SOURCES, rows, columns), np.float32)
    for k, speed in enumerate(speeds):
        _compress(speed, out=planes[0, k, :height, :width])
    planes[:, len(speeds) :] = planes[:, len(speeds) - 1, None]
    _repeat_edge(planes, height, width)
    return planes


def _compress(values: Field, out: Field) -> None:
    """Write the scaled logarithm of 1 + `values`."""
    np.add(values, np.float32(1), out=out)
    np.log(out, out=out)
    out *= _LOG_SCALE


def _log_share(share: Field, out: Field) -> None:
    """Write the scaled logarithm of a share."""
    np.add(share, _MIN_SHARE, out=out)
    np.log(out, out=out)
    out /= np.float32(LOG_SHARE_SCALE)


def _repeat_edge(planes: Field, height: int, width: int) -> None:
    """Fill the last two axes beyond a height and a width by repeating the edge, in place."""
    planes[..., height:, :width] = planes[..., height - 1 : height, :width]
    planes[..., width:] = planes[..., width - 1 : width]
