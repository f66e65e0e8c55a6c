"""Filters by name."""

from pathlib import Path

import pytest
from filter_pictures import FILTERS as EXAMPLES

from kinoloom.enhance.filters.catalogue import FILTERS, build_filter, find_filter
from kinoloom.enhance.filters.deblock.filter import Deblock
from kinoloom.enhance.filters.filter import Filter
from kinoloom.enhance.filters.lut.filter import Lut
from kinoloom.enhance.filters.sharpen import Sharpen
from kinoloom.errors import InputNotFoundError, RegistryError, UsageError


@pytest.mark.parametrize("name", FILTERS)
def test_every_name_is_a_filter_with_a_summary(name: str) -> None:
    cls = find_filter(name)
    assert issubclass(cls, Filter)
    assert (cls.__doc__ or "").splitlines()[0].endswith(".")


def test_the_contract_is_tested_for_all_filters() -> None:
    assert {type(one) for one in EXAMPLES} | {Lut} == {find_filter(name) for name in FILTERS}


def test_values_may_be_text() -> None:
    assert build_filter("sharpen", {"strength": "0.25"}) == Sharpen(strength=0.25)
    assert build_filter("deblock", {"quality": "30", "method": "borders"}) == Deblock(
        quality=30, method="borders"
    )


def test_unknown_filters_and_options_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"Unknown filter 'blur'\. Filters: chroma, curves"):
        build_filter("blur", {})
    with pytest.raises(UsageError, match="Unknown option 'amount'"):
        build_filter("sharpen", {"amount": 1})
    with pytest.raises(UsageError, match="--strength must be from 0 to 1, not 2"):
        build_filter("sharpen", {"strength": "2"})
    with pytest.raises(InputNotFoundError):
        build_filter("lut", {"file": str(tmp_path / "none.cube")})
