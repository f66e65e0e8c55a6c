"""The path of a film through its photos, frame by frame."""

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.errors import UsageError
from kinoloom.film.photos.easing import EASINGS
from kinoloom.film.photos.path import SECONDS_PER_TRANSITION, PathPosition, PhotoPath, plan_path

F = Fraction
PLAIN: dict[str, Any] = {
    "rate": F(10),
    "seconds": None,
    "hold": F(0),
    "ease": "linear",
    "loop": False,
    "boomerang": False,
}


def plan(photos: int, **options: Any) -> PhotoPath:
    return plan_path(photos, **(PLAIN | options))


def photo_shown(path: PhotoPath, position: PathPosition) -> Fraction:
    """Return a position in photos: 0 is the first, 1.5 is between the second and the third."""
    first, second = path.stops[position.transition : position.transition + 2]
    return first + position.progress * (second - first)


def test_linear_easing_spaces_frames_evenly() -> None:
    path = plan(2, seconds=F(1, 2))
    assert path.stops == (0, 1)
    assert path.positions == tuple(PathPosition(0, F(k, 4)) for k in range(5))


@pytest.mark.parametrize(
    ("photos", "options", "stops"),
    [
        (4, {}, (0, 1, 2, 3)),
        (4, {"loop": True}, (0, 1, 2, 3, 0)),
        (4, {"boomerang": True}, (0, 1, 2, 3, 2, 1, 0)),
        (4, {"boomerang": True, "loop": True}, (0, 1, 2, 3, 2, 1, 0)),
        (2, {"loop": True}, (0, 1, 0)),
        (2, {"boomerang": True}, (0, 1, 0)),
    ],
)
def test_order_of_stops(photos: int, options: dict[str, Any], stops: tuple[int, ...]) -> None:
    path = plan(photos, **options)
    assert path.stops == stops
    assert {position.transition for position in path.positions} == set(range(len(stops) - 1))


def test_default_duration_is_transitions_plus_holds() -> None:
    assert len(plan(3).positions) == 10 * 2 * SECONDS_PER_TRANSITION
    assert len(plan(3, hold=F(1)).positions) == 10 * (2 * SECONDS_PER_TRANSITION + 3)
    assert len(plan(3, hold=F(1), loop=True).positions) == 10 * (3 * SECONDS_PER_TRANSITION + 3)


def test_loop_ends_one_frame_before_its_start() -> None:
    path = plan(3, seconds=F(3), loop=True)
    shown = [photo_shown(path, position) for position in path.positions]
    assert shown[0] == 0
    assert path.positions[-1] == PathPosition(2, F(9, 10))  # one step of a tenth before the end
    assert len(path.positions) == 30


def test_boomerang_is_symmetric() -> None:
    path = plan(4, seconds=F(5), boomerang=True, hold=F(1, 3), ease="in-out")
    shown = [photo_shown(path, position) for position in path.positions]
    assert shown == shown[::-1]
    assert max(shown) == 3


@pytest.mark.parametrize(
    ("photos", "options", "at_stops"),
    [
        (2, {"seconds": F(3), "loop": True}, [6, 6]),  # frames 0.1 s apart, 0.0 to 0.5 s held
        (3, {"seconds": F(7, 2)}, [5, 5, 5]),  # 35 frames over 3.5 s, 0.103 s apart
        (3, {"seconds": F(7, 2), "ease": "in-out"}, [5, 5, 5]),
    ],
)
def test_each_stop_is_held(photos: int, options: dict[str, Any], at_stops: list[int]) -> None:
    path = plan(photos, hold=F(1, 2), **options)
    shown = Counter(photo_shown(path, position) for position in path.positions)
    assert [shown[F(k)] for k in range(photos)] == at_stops


def test_easing_applies_to_every_transition() -> None:
    straight, eased = plan(3), plan(3, ease="in")
    for one, two in zip(straight.positions, eased.positions, strict=True):
        assert (two.transition, two.progress) == (one.transition, one.progress**2)


@given(
    photos=st.integers(2, 6),
    rate=st.sampled_from([F(1), F(24000, 1001), F(30), F(60)]),
    seconds=st.none() | st.fractions(F(1, 10), 9, max_denominator=100),
    hold=st.fractions(0, 1, max_denominator=30),
    ease=st.sampled_from(list(EASINGS)),
    loop=st.booleans(),
    boomerang=st.booleans(),
)
def test_path_starts_and_ends_at_the_right_stops(photos: int, **options: Any) -> None:
    try:
        path = plan_path(photos, **options)
    except UsageError:
        held = options["hold"] * (photos - 1)  # every path has at least this many holds
        assert options["seconds"] is not None
        assert options["seconds"] <= 2 * held + 2 * options["hold"] or (
            round(options["seconds"] * options["rate"]) < 2
        )
        return
    positions = path.positions
    assert positions[0] == PathPosition(0, F(0))
    assert (positions[-1] == PathPosition(len(path.stops) - 2, F(1))) is (not options["loop"])
    order = [(each.transition, each.progress) for each in positions]
    assert order == sorted(order)
    assert all(0 <= progress <= 1 for _, progress in order)
    if options["seconds"] is not None:
        assert abs(len(positions) / options["rate"] - options["seconds"]) <= 1 / options["rate"] / 2


@pytest.mark.parametrize(
    ("photos", "options", "message"),
    [
        (
            3,
            {"seconds": F(3), "hold": F(1)},
            "Holding 3 stops for 1 s each leaves no time for motion in 3",
        ),
        (2, {"seconds": F(2), "hold": F(1), "loop": True}, "Holding 2 stops for 1 s each"),
        (3, {"seconds": F(2), "hold": F(1, 2), "boomerang": True}, "Holding 5 stops for 0.5 s"),
        (2, {"seconds": F(1, 10)}, "A film of 0.1 s at 10 fps has fewer than two frames"),
        (2, {"seconds": F(0)}, "leaves no time for motion in 0 s"),
        (
            2,
            {"rate": F(1, 2)},
            "A film of 1.5 s at 1/2 fps has fewer than two frames. Raise --seconds",
        ),
    ],
)
def test_film_without_time_for_motion_is_rejected(
    photos: int, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        plan(photos, **options)
    assert message in str(caught.value)
