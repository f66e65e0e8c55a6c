"""The way of a film through its photos, frame by frame, exact."""

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.errors import UsageError
from kinoloom.film.photos.ease import EASES
from kinoloom.film.photos.path import SECONDS_A_LEG, Path, Place, plan_path

F = Fraction
PLAIN: dict[str, Any] = {
    "rate": F(10),
    "seconds": None,
    "hold": F(0),
    "ease": "linear",
    "loop": False,
    "boomerang": False,
}


def plan(photos: int, **wishes: Any) -> Path:
    return plan_path(photos, **(PLAIN | wishes))


def photo_shown(path: Path, place: Place) -> Fraction:
    """Where a place is, as a number of photos: 0 is the first, 1.5 between second and third."""
    first, second = path.stops[place.leg], path.stops[place.leg + 1]
    return first + place.position * (second - first)


def test_two_photos_are_walked_evenly() -> None:
    path = plan(2, seconds=F(1, 2))
    assert path.stops == (0, 1)
    assert path.places == tuple(Place(0, F(k, 4)) for k in range(5))


@pytest.mark.parametrize(
    ("photos", "wishes", "stops"),
    [
        (4, {}, (0, 1, 2, 3)),
        (4, {"loop": True}, (0, 1, 2, 3, 0)),
        (4, {"boomerang": True}, (0, 1, 2, 3, 2, 1, 0)),
        (4, {"boomerang": True, "loop": True}, (0, 1, 2, 3, 2, 1, 0)),
        (2, {"loop": True}, (0, 1, 0)),
        (2, {"boomerang": True}, (0, 1, 0)),
    ],
)
def test_the_order_of_the_visit(
    photos: int, wishes: dict[str, Any], stops: tuple[int, ...]
) -> None:
    path = plan(photos, **wishes)
    assert path.stops == stops
    assert {place.leg for place in path.places} == set(range(len(stops) - 1))


def test_without_a_length_each_leg_has_its_time_and_holds_are_added() -> None:
    assert len(plan(3).places) == 10 * 2 * SECONDS_A_LEG
    assert len(plan(3, hold=F(1)).places) == 10 * (2 * SECONDS_A_LEG + 3)
    assert len(plan(3, hold=F(1), loop=True).places) == 10 * (3 * SECONDS_A_LEG + 3)


def test_a_loop_ends_one_frame_before_its_beginning() -> None:
    path = plan(3, seconds=F(3), loop=True)
    shown = [photo_shown(path, place) for place in path.places]
    assert shown[0] == 0
    assert path.places[-1] == Place(2, F(9, 10))  # one step of a tenth before the end
    assert len(path.places) == 30


def test_a_boomerang_comes_back_as_it_went() -> None:
    path = plan(4, seconds=F(5), boomerang=True, hold=F(1, 3), ease="in-out")
    shown = [photo_shown(path, place) for place in path.places]
    assert shown == shown[::-1]
    assert max(shown) == 3


@pytest.mark.parametrize(
    ("photos", "wishes", "at_stops"),
    [
        (2, {"seconds": F(3), "loop": True}, [6, 6]),  # frames 0.1 s apart, 0.0 to 0.5 s held
        (3, {"seconds": F(7, 2)}, [5, 5, 5]),  # 35 frames over 3.5 s, 0.103 s apart
        (3, {"seconds": F(7, 2), "ease": "in-out"}, [5, 5, 5]),
    ],
)
def test_each_stop_is_held(photos: int, wishes: dict[str, Any], at_stops: list[int]) -> None:
    path = plan(photos, hold=F(1, 2), **wishes)
    shown = Counter(photo_shown(path, place) for place in path.places)
    assert [shown[F(k)] for k in range(photos)] == at_stops


def test_the_ease_bends_every_leg_alike() -> None:
    straight, eased = plan(3), plan(3, ease="in")
    for one, two in zip(straight.places, eased.places, strict=True):
        assert (two.leg, two.position) == (one.leg, one.position**2)


@given(
    photos=st.integers(2, 6),
    rate=st.sampled_from([F(1), F(24000, 1001), F(30), F(60)]),
    seconds=st.none() | st.fractions(F(1, 10), 9, max_denominator=100),
    hold=st.fractions(0, 1, max_denominator=30),
    ease=st.sampled_from(list(EASES)),
    loop=st.booleans(),
    boomerang=st.booleans(),
)
def test_every_way_begins_and_ends_where_it_must(photos: int, **wishes: Any) -> None:
    try:
        path = plan_path(photos, **wishes)
    except UsageError:
        held = wishes["hold"] * (photos - 1)  # any way holds this many at least
        assert wishes["seconds"] is not None
        assert wishes["seconds"] <= 2 * held + 2 * wishes["hold"] or (
            round(wishes["seconds"] * wishes["rate"]) < 2
        )
        return
    places = path.places
    assert places[0] == Place(0, F(0))
    assert (places[-1] == Place(len(path.stops) - 2, F(1))) is (not wishes["loop"])
    order = [(place.leg, place.position) for place in places]
    assert order == sorted(order)
    assert all(0 <= position <= 1 for _, position in order)
    if wishes["seconds"] is not None:
        assert abs(len(places) / wishes["rate"] - wishes["seconds"]) <= 1 / wishes["rate"] / 2


@pytest.mark.parametrize(
    ("photos", "wishes", "message"),
    [
        (3, {"seconds": F(3), "hold": F(1)}, "Holding 3 stops for 1 s each leaves no motion in 3"),
        (2, {"seconds": F(2), "hold": F(1), "loop": True}, "Holding 2 stops for 1 s each"),
        (3, {"seconds": F(2), "hold": F(1, 2), "boomerang": True}, "Holding 5 stops for 0.5 s"),
        (2, {"seconds": F(1, 10)}, "0.1 s at 10 fps is fewer than two frames"),
        (2, {"seconds": F(0)}, "leaves no motion in 0 s"),
        (2, {"rate": F(1, 2)}, "1.5 s at 1/2 fps is fewer than two frames. Give more --seconds"),
    ],
)
def test_a_film_without_time_for_motion_is_refused(
    photos: int, wishes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        plan(photos, **wishes)
    assert message in str(caught.value)
