"""The path of a film through its photos: which transition each frame is in, and how far.

A film visits photos in an order of stops, with a transition between consecutive stops. The
position of a frame is the index of its transition and an exact fraction of the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from kinoloom.errors import UsageError
from kinoloom.film.photos.easing import EASINGS

SECONDS_PER_TRANSITION = Fraction(3, 2)


@dataclass(frozen=True)
class PathPosition:
    """The position of one frame on the path.

    Attributes:
        transition: index of the transition.
        progress: 0 is the transition's first photo, 1 its second, after easing.
    """

    transition: int
    progress: Fraction


@dataclass(frozen=True)
class PhotoPath:
    """The path of a film through its photos.

    Attributes:
        stops: photo indices in visiting order; transitions connect consecutive ones.
        positions: the position of each frame, in order.
    """

    stops: tuple[int, ...]
    positions: tuple[PathPosition, ...]


def plan_path(
    photos: int,
    *,
    rate: Fraction,
    seconds: Fraction | None,
    hold: Fraction,
    ease: str,
    loop: bool,
    boomerang: bool,
) -> PhotoPath:
    """Plan the frames of a film of photos.

    The first frame is the first photo. A film that does not loop ends on its last stop; one that
    loops ends one frame before its first photo repeats.

    Args:
        photos: number of photos, at least 2.
        rate: frames per second.
        seconds: duration of the film; None for 1.5 s per transition plus the holds.
        hold: time each stop is held, in seconds.
        ease: a key of `easing.EASINGS`.
        loop: return from the last photo to the first.
        boomerang: visit the photos back to the first in reverse.

    Raises:
        UsageError: the holds leave no time for motion, or there would be fewer than 2 frames.
    """
    forward = tuple(range(photos))
    stops = forward + forward[-2::-1] if boomerang else forward + ((0,) if loop else ())
    transitions = len(stops) - 1
    holds = transitions if loop else len(stops)
    held = hold * holds
    total = SECONDS_PER_TRANSITION * transitions + held if seconds is None else seconds
    frames = round(total * rate)
    if total <= held:
        raise UsageError(
            f"Holding {holds} stops for {float(hold):g} s each leaves no time for motion in "
            f"{float(total):g} s.",
            hint="Raise --seconds or lower --hold.",
        )
    if frames < 2:
        raise UsageError(
            f"A film of {float(total):g} s at {rate} fps has fewer than two frames.",
            hint="Raise --seconds or --fps.",
        )
    steps = frames if loop else frames - 1
    transition_s = (total - held) / transitions
    positions = (_locate(total * k / steps, hold, transition_s, transitions) for k in range(frames))
    eased = (PathPosition(at.transition, EASINGS[ease](at.progress)) for at in positions)
    return PhotoPath(stops, tuple(eased))


def _locate(
    time: Fraction, hold: Fraction, transition_s: Fraction, transitions: int
) -> PathPosition:
    """Return the position at a time, before easing.

    Each transition starts with the hold of its first stop; the last hold follows the last one.
    """
    transition = min(int(time / (hold + transition_s)), transitions - 1)
    elapsed = time - transition * (hold + transition_s) - hold
    return PathPosition(transition, min(max(elapsed / transition_s, Fraction(0)), Fraction(1)))
