"""Eases: exact maps of 0..1 onto itself."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.film.photos.ease import EASES

PLACES = st.fractions(0, 1)


@pytest.mark.parametrize("name", EASES)
@given(x=PLACES, y=PLACES)
def test_an_ease_is_exact_increases_and_keeps_both_ends(
    name: str, x: Fraction, y: Fraction
) -> None:
    ease = EASES[name]
    assert isinstance(ease(x), Fraction)
    assert (ease(Fraction(0)), ease(Fraction(1))) == (0, 1)
    if x < y:
        assert ease(x) < ease(y)


@pytest.mark.parametrize(
    ("name", "quarter", "three_quarters"),
    [
        ("linear", Fraction(1, 4), Fraction(3, 4)),
        ("in", Fraction(1, 16), Fraction(9, 16)),
        ("out", Fraction(7, 16), Fraction(15, 16)),
        ("in-out", Fraction(5, 32), Fraction(27, 32)),
    ],
)
def test_an_ease_sets_out_and_arrives_as_its_name_says(
    name: str, quarter: Fraction, three_quarters: Fraction
) -> None:
    ease = EASES[name]
    assert (ease(Fraction(1, 4)), ease(Fraction(3, 4))) == (quarter, three_quarters)


@given(PLACES)
def test_out_is_in_reversed_and_in_out_is_its_own_reverse(x: Fraction) -> None:
    assert EASES["out"](x) == 1 - EASES["in"](1 - x)
    assert EASES["in-out"](x) == 1 - EASES["in-out"](1 - x)
