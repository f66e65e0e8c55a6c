"""The order of cleaning, enlarging and interpolating a video, by estimated cost."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

from kinoloom.errors import UsageError

CLEAN, UPSCALE, INTERPOLATE = "clean", "upscale", "interpolate"
STEPS = (CLEAN, UPSCALE, INTERPOLATE)
_INTERPOLATION = 0.7
"""Processor seconds for a megapixel of a new frame, with the engine deep."""
_UPSCALING = {
    "live-x2": 0.2,
    "fast-x2": 0.45,
    "small-x2": 1.4,
    "small-x4": 1.5,
    "span-x2": 18.0,
    "span-x4": 18.0,
    "animevideov3": 28.0,
    "x4plus": 900.0,
    "x4plus-anime": 250.0,
}
"""Processor seconds for a megapixel of input."""
_OTHER_NETWORK = 18.0


@dataclass(frozen=True)
class Order:
    """The order of the steps.

    Attributes:
        steps: of `STEPS`, all of them.
        reason: why, a sentence; "" if there is nothing to choose.
    """

    steps: tuple[str, ...]
    reason: str = ""


def choose_order(
    requested: str | None, *, network: str, scale: int, frame_ratio: float, interpolates: bool
) -> Order:
    """Return the order of the steps.

    Args:
        requested: the value of `--order`; None or "auto" chooses the cheaper one.
        network: name of the first network that enlarges, "" for none.
        scale: factor of the networks.
        frame_ratio: frames of the output for each frame of the input.
        interpolates: whether frames are added.

    Raises:
        UsageError: `requested` is not an order of the steps.
    """
    if requested not in (None, "auto"):
        return Order(_parse(requested))
    if not interpolates or not network:
        return Order(STEPS)
    upscaling = estimate_upscaling_s(network)
    new = max(frame_ratio - 1, 0) * _INTERPOLATION
    first_upscale = upscaling + new * scale**2
    first_interpolate = upscaling * frame_ratio + new
    costs = f"{first_upscale:.1f} and {first_interpolate:.1f} s of processor time"
    if first_interpolate <= first_upscale:
        reason = f"Frames are interpolated before they are enlarged: {costs} per megapixel of input"
        steps: tuple[str, ...] = (CLEAN, INTERPOLATE, UPSCALE)
    else:
        reason = f"Frames are enlarged before they are interpolated: {costs} per megapixel of input"
        steps = STEPS
    return Order(steps, f"{reason}, upscaling first and last.")


def estimate_upscaling_s(network: str) -> float:
    """Return the processor seconds of a network for a megapixel of input."""
    return _UPSCALING.get(network, _OTHER_NETWORK)


def _parse(text: str) -> tuple[str, ...]:
    steps = tuple(one.strip() for one in text.split(","))
    if steps not in permutations(STEPS):
        raise UsageError(
            f"--order must be auto, or {', '.join(STEPS)} in any order, not '{text}'.",
            hint="For example --order clean,interpolate,upscale.",
        )
    return steps
