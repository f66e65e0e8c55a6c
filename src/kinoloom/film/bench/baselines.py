"""The baselines of the benchmark, which are not offered for interpolation."""

from __future__ import annotations

from kinoloom.base import registry
from kinoloom.film.engine import Engine
from kinoloom.film.engines.blend import BLEND
from kinoloom.film.engines.dis import DIS

BASELINES = (DIS, BLEND)


def find_contestant(name: str) -> Engine:
    """Return a baseline or a registered engine.

    Raises:
        RegistryError: neither has that name.
    """
    for baseline in BASELINES:
        if baseline.name == name:
            return baseline
    engine: Engine = registry.load("interpolators", name)
    return engine
