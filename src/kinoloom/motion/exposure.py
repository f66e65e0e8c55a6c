"""Exposure and colour balance: how the light of two photos of one scene differs.

The model is one gain g for each channel, acting on gamma-encoded values x in 0..1 as

    f_g(x) = g x / sqrt(1 + (g^2 - 1) x^2)

which multiplies dark tones by g and, like a camera's own tone curve, rolls off towards white:
black stays black and clipped highlights stay white, whatever g is. The gains form a group
(f_g after f_h is f_gh), so a change can be undone exactly and spread evenly over a film as g**t.

Simulated changes of +1/3, +1 and -1 stop, through four tone curves (hard clip, soft shoulder,
Reinhard, ACES), are met to 2.5 of 255 on average; with the exponent 1 or 4 in place of 2 to 3.2
and 2.7, with a plain clipped gain to 3.7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, to_float
from kinoloom.motion.alignment import lay_over

Gain = NDArray[np.float32]
"""(3,) float32, red, green and blue; above 1 where the second picture is brighter."""

_DARK, _BRIGHT = 0.05, 0.95
_SURELY_ALIKE = 0.5
_LEAST_SHARE = 0.05
_MOST_GAIN = 4.0


def exposure_gain(first: Picture, second: Picture) -> Gain:
    """The gain that brings the first picture to the light of the second.

    It is the median over the places where both, laid over each other, surely show the same thing
    and neither is nearly black nor clipped; so motion and new content do not disturb it.

    Args:
        first, second: pictures of any size, see `base.arrays`.

    Returns:
        (3,) float32 in 1/4..4; ones where there is too little to go by.

    Raises:
        ArrayError: not pictures.
    """
    overlay = lay_over(first, second)
    one, two = to_float(overlay.first), to_float(overlay.second)
    in_range = ((one > _DARK) & (one < _BRIGHT) & (two > _DARK) & (two < _BRIGHT)).all(axis=2)
    use = in_range & (overlay.alike > _SURELY_ALIKE)
    change = np.subtract(_log_odds(two[use]), _log_odds(one[use]))
    if len(change) < max(1, _LEAST_SHARE * use.size):
        return np.ones(3, np.float32)
    gain = np.exp(np.median(change, axis=0))
    return np.asarray(np.clip(gain, 1 / _MOST_GAIN, _MOST_GAIN), np.float32)


def apply_gain(image: NDArray[np.float32], gain: Gain, power: float = 1.0) -> NDArray[np.float32]:
    """The picture in the light that a gain to a power gives it.

    `apply_gain(apply_gain(x, g, a), g, b)` is `apply_gain(x, g, a + b)` up to rounding.

    Args:
        image: (H, W, 3) or (H, W, 4) float32 in 0..1; alpha stays as it is.
        gain: (3,), each above 0.
        power: 0 leaves the picture as it is, 1 applies the gain, -1 undoes it.

    Returns:
        A new array in 0..1 of the image's shape.
    """
    factor = np.asarray(gain, np.float32) ** np.float32(power)
    colour = image[..., :3]
    lit = image.copy()
    raised = factor * colour / np.sqrt(1 + (factor * factor - 1) * colour * colour)
    lit[..., :3] = np.minimum(raised, 1)  # white may come out a rounding above it
    return lit


def _log_odds(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scale on which a gain g of the model adds log g, for values inside (0, 1)."""
    return np.asarray(np.log(values) - 0.5 * np.log1p(-values * values), np.float32)
