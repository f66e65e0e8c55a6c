"""Measurements with chosen estimates."""

from dataclasses import replace

from kinoloom.enhance.estimate.light import Exposure
from kinoloom.enhance.estimate.measure import Estimates, Measurement
from kinoloom.enhance.estimate.noise import Noise

PERFECT = Estimates(
    noise=Noise(0.5, 0.25, 0.0),
    jpeg_quality=None,
    blockiness=0.0,
    blur_px=0.5,
    banding=0.0,
    true_resolution=1.0,
    exposure=Exposure(118.0, 5.0, 240.0, 0.0, 0.0),
)


def measured(**estimates: object) -> Measurement:
    """Return the measurement of a good picture, except for some estimates."""
    return Measurement("", 64, 48, 1, replace(PERFECT, **estimates))  # type: ignore[arg-type]
