"""Names and orders of files, on any text."""

import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.studio.folders.listing import Entry, Order, select
from kinoloom.studio.folders.names import (
    MAX_NEW_NAME_BYTES,
    clean_name,
    kind_of,
    natural_key,
    numbered_names,
)
from kinoloom.studio.folders.tree import is_valid_name

ANY_TEXT = st.text(st.characters(codec=None), max_size=300)
"""Also control characters, and halves of characters."""


@given(ANY_TEXT)
def test_a_clean_name_is_valid_and_stays(name: str) -> None:
    clean = clean_name(name)
    assert is_valid_name(clean)
    assert len(clean.encode()) <= MAX_NEW_NAME_BYTES
    assert clean_name(clean) == clean
    assert os.path.basename(clean) == clean  # noqa: PTH119  as the system sees it


@given(ANY_TEXT)
def test_numbered_names_differ_are_valid_and_keep_the_suffix(name: str) -> None:
    clean = clean_name(name)
    found = list(itertools.islice(numbered_names(clean), 12))
    assert found[0] == clean
    assert len(set(found)) == 12
    assert all(is_valid_name(one) for one in found)
    assert all(len(one.encode()) <= MAX_NEW_NAME_BYTES for one in found)
    assert {kind_of(one) for one in found} == {kind_of(clean)}


@pytest.mark.parametrize(
    "names",
    [
        ["2.jpg", "10.jpg"],
        ["a", "B", "c"],
        ["frame 9 take 10", "frame 10 take 9"],
        ["a.jpg", "a1.jpg", "a01b.jpg", "a2.jpg"],
    ],
)
def test_names_are_in_the_order_in_which_people_count(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(backwards, key=natural_key) == names


ENTRIES = st.lists(
    st.builds(
        lambda name, is_folder, size, time: Entry(
            name, name, "folder" if is_folder else kind_of(name), size, time
        ),
        st.text("ab1290. ", min_size=1, max_size=6),
        st.booleans(),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=40,
    unique_by=lambda entry: entry.path,
)


@given(
    ENTRIES,
    st.sampled_from(["name", "date", "size", "kind"]),
    st.booleans(),
    st.integers(1, 9),
)
def test_pages_join_to_the_sorted_list(
    entries: list[Entry], sort: str, is_descending: bool, limit: int
) -> None:
    order = Order(sort, is_descending)  # type: ignore[arg-type]
    seen: list[Entry] = []
    after = ""
    for _ in range(len(entries) + 1):
        page, after = select(entries, order, after, limit)
        seen += page
        if not after:
            break
    assert seen == order.apply(entries)
    assert sorted(seen, key=lambda one: one.path) == sorted(entries, key=lambda one: one.path)
