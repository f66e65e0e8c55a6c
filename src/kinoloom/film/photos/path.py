"""Where a film of photos is at each of its frames: on a photo, or between two.

A film visits photos in an order of stops; from stop to stop runs a leg. Each frame is at one
place: leg `leg`, `position` of the way along it, exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from kinoloom.errors import UsageError
from kinoloom.film.photos.ease import EASES

SECONDS_A_LEG = Fraction(3, 2)


@dataclass(frozen=True)
class Place:
    """Where one frame is.

    Attributes:
        leg: index of the leg.
        position: 0 is the leg's first photo, 1 its second, eased.
    """

    leg: int
    position: Fraction


@dataclass(frozen=True)
class Path:
    """The way of a film through its photos.

    Attributes:
        stops: indices of photos in the order of the visit; legs run between neighbours.
        places: where each frame is, in order.
    """

    stops: tuple[int, ...]
    places: tuple[Place, ...]


def plan_path(
    photos: int,
    *,
    rate: Fraction,
    seconds: Fraction | None,
    hold: Fraction,
    ease: str,
    loop: bool,
    boomerang: bool,
) -> Path:
    """Plan the frames of a film of photos.

    The first frame is the first photo. A film that does not loop ends on its last stop; one that
    loops ends one frame before its first photo would come again.

    Args:
        photos: how many, at least 2.
        rate: frames a second.
        seconds: how long the film lasts; None for 1.5 s a leg and the holds.
        hold: how long each stop is held, in seconds.
        ease: a name of `ease.EASES`.
        loop: return from the last photo to the first.
        boomerang: visit the photos back to the first in reverse.

    Raises:
        UsageError: the holds leave no time for motion, or there would be fewer than 2 frames.
    """
    there = tuple(range(photos))
    stops = there + there[-2::-1] if boomerang else there + ((0,) if loop else ())
    legs = len(stops) - 1
    held = hold * (legs if loop else len(stops))
    total = SECONDS_A_LEG * legs + held if seconds is None else seconds
    frames = round(total * rate)
    if total <= held:
        raise UsageError(
            f"Holding {legs if loop else len(stops)} stops for {float(hold):g} s each leaves no "
            f"motion in {float(total):g} s.",
            hint="Give more --seconds or less --hold.",
        )
    if frames < 2:
        raise UsageError(
            f"{float(total):g} s at {rate} fps is fewer than two frames.",
            hint="Give more --seconds or more --fps.",
        )
    steps = frames if loop else frames - 1
    leg_s = (total - held) / legs
    places = (_place(total * k / steps, hold, leg_s, legs) for k in range(frames))
    return Path(stops, tuple(Place(p.leg, EASES[ease](p.position)) for p in places))


def _place(time: Fraction, hold: Fraction, leg_s: Fraction, legs: int) -> Place:
    """Each leg begins with the hold of its first stop; after the last comes the last hold."""
    leg = min(int(time / (hold + leg_s)), legs - 1)
    moved = time - leg * (hold + leg_s) - hold
    return Place(leg, min(max(moved / leg_s, Fraction(0)), Fraction(1)))
