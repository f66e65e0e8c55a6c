"""Choices from measurements: which corrections an input needs, and why."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from kinoloom.enhance.estimate.measure import Measurement

VISIBLE_NOISE = 2.0
"""Standard deviation in 8-bit levels from which noise is visible."""
_JPEG_QUALITY = 88
BLOCKINESS = 0.15
"""From which on blocks are visible."""
_BANDING = 0.02
_DARK_MEAN, _DARK_HIGH = 60.0, 235.0
_SOFT_PX = 1.0
_TRUE_RESOLUTION = 0.6


@dataclass(frozen=True)
class Choice:
    """A decision.

    Attributes:
        option: that was set, "" if the decision is to leave something as it is.
        value: of the option.
        reason: a sentence.
    """

    option: str
    value: object
    reason: str


def choose(measured: Measurement) -> tuple[Choice, ...]:
    """Return the corrections that a measured input needs.

    Args:
        measured: estimates of a photo, or medians over a video.
    """
    found = measured.estimates
    choices = []
    sigma = found.noise.sigma
    if isfinite(sigma) and sigma >= VISIBLE_NOISE:
        choices.append(Choice("denoise", "auto", f"Noise of {sigma:.1f} levels is removed."))
    quality = found.jpeg_quality
    if quality is not None and quality <= _JPEG_QUALITY:
        choices.append(Choice("deblock", True, f"JPEG errors of quality {quality} are removed."))
    elif quality is None and isfinite(found.blockiness) and found.blockiness >= BLOCKINESS:
        choices.append(Choice("deblock", True, "Blocks of the compression are removed."))
    if isfinite(found.banding) and found.banding >= _BANDING:
        choices.append(
            Choice("deband", True, f"{found.banding:.0%} of the picture has steps; they go.")
        )
    if found.exposure.mean < _DARK_MEAN and found.exposure.high < _DARK_HIGH:
        mean = found.exposure.mean / 255
        choices.append(Choice("lowlight", True, f"Dark areas of a mean of {mean:.0%} get lighter."))
    if isfinite(found.blur_px) and found.blur_px >= _SOFT_PX:
        choices.append(Choice("sharpen", True, f"Edges are {found.blur_px:.1f} px soft."))
    if not choices:
        choices.append(Choice("", None, "Nothing needs a correction."))
    if isfinite(found.true_resolution) and found.true_resolution <= _TRUE_RESOLUTION:
        share = f"{found.true_resolution:.0%}"
        choices.append(
            Choice("", None, f"The detail is that of {share} of its size; enlarging adds none.")
        )
    return tuple(choices)
