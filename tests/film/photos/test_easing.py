"""Easing functions: exact maps of 0..1 onto itself."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.film.photos.easing import EASINGS

FRACTIONS = st.fractions(0, 1)


@pytest.mark.parametrize("name", EASINGS)
@given(x=FRACTIONS, y=FRACTIONS)
def test_easing_is_exact_increasing_and_keeps_both_ends(
    name: str, x: Fraction, y: Fraction
) -> None:
    ease = EASINGS[name]
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
def test_easing_values(name: str, quarter: Fraction, three_quarters: Fraction) -> None:
    ease = EASINGS[name]
    assert (ease(Fraction(1, 4)), ease(Fraction(3, 4))) == (quarter, three_quarters)


@given(FRACTIONS)
def test_ease_out_is_ease_in_reversed_and_in_out_is_symmetric(x: Fraction) -> None:
    assert EASINGS["out"](x) == 1 - EASINGS["in"](1 - x)
    assert EASINGS["in-out"](x) == 1 - EASINGS["in-out"](1 - x)
