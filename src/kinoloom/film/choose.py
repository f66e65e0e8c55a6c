"""Which engine does the work."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.machine import default_budget_bytes
from kinoloom.errors import MissingError
from kinoloom.film.engine import Engine, EngineOptions

AUTO = "auto"


def engine_options(
    memory: int | None, flow_scale: float = 1.0, weights: Path | None = None
) -> EngineOptions:
    """`EngineOptions` with the default memory budget filled in."""
    return EngineOptions(memory or default_budget_bytes(), flow_scale, weights)


def engines() -> list[Engine]:
    """All engines of the registry, the highest rank first."""
    found = [registry.load("interpolators", name) for name in registry.names("interpolators")]
    return sorted(found, key=lambda engine: -engine.rank)


def choose(name: str, options: EngineOptions) -> Engine:
    """The engine of that name, or for "auto" the best one that is present and fits the memory.

    Raises:
        RegistryError: there is no engine of that name.
        MissingError: it lacks something; says what and how to get it.
    """
    if name == AUTO:
        return next(engine for engine in engines() if _usable(engine, options))
    engine: Engine = registry.load("interpolators", name)
    missing = engine.missing(options)
    if missing:
        raise MissingError(f"The engine '{name}' cannot run: {missing}")
    return engine


def made_with(engine: Engine, options: EngineOptions) -> dict[str, str | Path]:
    """What a record of provenance should tell of an engine: its name, its file of weights."""
    weights = engine.weights(options)
    return {"engine": engine.name} | ({"weights": weights} if weights else {})


def _usable(engine: Engine, options: EngineOptions) -> bool:
    return not engine.missing(options) and engine.least_bytes <= options.memory_bytes
