"""Frame rates and sizes as people write them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.base.units import format_bytes, parse_bytes, parse_fraction, parse_rate
from kinoloom.errors import UsageError


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        (Fraction("29.97"), Fraction(30000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        (" 25 ", Fraction(25)),
        (24, Fraction(24)),
        ("12.5", Fraction(25, 2)),
        ("23.9", Fraction(239, 10)),
        ("1e3", Fraction(1000)),
    ],
)
def test_rates_are_exact(written: object, rate: Fraction) -> None:
    assert parse_rate(written) == rate


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("0", "above 0, not 0"),
        ("-25", "above 0, not -25"),
        ("fast", "'fast' is not a number"),
        ("25fps", "not a number"),
        ("", "'' is not a number"),
        ("1/0", "'1/0' is not a number"),
        ("nan", "not a number"),
        (float("inf"), "'inf' is not a number"),
        (None, "'None' is not a number"),
        (True, "'True' is not a number"),
        ("1/2/3", "not a number"),
    ],
)
def test_invalid_rates_are_rejected(written: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_rate(written)


@given(st.fractions())
def test_fraction_round_trips_through_text(value: Fraction) -> None:
    assert parse_fraction(str(value)) == value


@given(st.integers(-(10**6), 10**6), st.integers(0, 4))
def test_float_is_read_by_its_shortest_decimal(digits: int, places: int) -> None:
    assert parse_fraction(digits / 10**places) == Fraction(digits, 10**places)


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("2GB", 2 * 10**9),
        ("2g", 2 * 10**9),
        ("512 MiB", 512 << 20),
        ("1.5Ki", 1536),
        (".5 kb", 500),
        ("3TiB", 3 << 40),
        ("845", 845),
        ("845 B", 845),
        (10**10, 10**10),
        (" 7m ", 7 * 10**6),
    ],
)
def test_sizes_are_parsed(written: object, size: int) -> None:
    assert parse_bytes(written) == size


@pytest.mark.parametrize(
    "written", ["", "GB", "two GB", "-2GB", "1.2.3", ".", "2 GBit", "2ib", "2 PB", "nan", None]
)
def test_invalid_sizes_are_rejected(written: object) -> None:
    with pytest.raises(UsageError, match=r"is not a size\. Write it like 2GB"):
        parse_bytes(written)


@pytest.mark.parametrize("written", ["0", "0.4", "0.0001k"])
def test_size_below_one_byte_is_rejected(written: str) -> None:
    with pytest.raises(UsageError, match=f"at least 1 byte, not {written}"):
        parse_bytes(written)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (1024, "1 KiB"),
        (256 << 20, "256 MiB"),
        (3 << 30, "3 GiB"),
        (12_000_000, "12.0 MB"),
        (999_400, "999 kB"),
        (999_999, "1.00 MB"),
        (1_500_000_000, "1.50 GB"),
        (16_384_000_000, "16.4 GB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_are_formatted_with_three_digits(size: int, text: str) -> None:
    assert format_bytes(size) == text


@given(st.integers(1, 10**15))
def test_formatted_size_is_within_rounding(size: int) -> None:
    assert abs(parse_bytes(format_bytes(size)) - size) <= 0.0051 * size
