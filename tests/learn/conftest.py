"""Fixtures for the tests of training."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _narrow(one_core: None) -> Iterator[None]:
    """All networks here are tiny."""
    yield
