"""Which engine does the work."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.machine import default_budget_bytes
from kinoloom.errors import MissingError, UsageError
from kinoloom.film.engine import Engine, EngineOptions, Look
from kinoloom.film.options import InterpolateOptions

AUTO = "auto"


def engine_options(
    memory: int | None,
    flow_scale: float = 1.0,
    weights: Path | None = None,
    look: Look = "mean",
) -> EngineOptions:
    """`EngineOptions` with the default memory budget filled in."""
    return EngineOptions(memory or default_budget_bytes(), flow_scale, weights, look)


def allowed_by(options: InterpolateOptions) -> EngineOptions:
    """What the user of `interpolate` allows an engine."""
    return engine_options(options.memory, options.flow_scale, options.weights, options.look)


def engines() -> list[Engine]:
    """All engines of the registry, the highest rank first."""
    found = [registry.load("interpolators", name) for name in registry.names("interpolators")]
    return sorted(found, key=lambda engine: -engine.rank)


def choose(name: str, options: EngineOptions) -> Engine:
    """The engine of that name, or for "auto" the best one that is present and fits the memory.

    Raises:
        RegistryError: there is no engine of that name.
        MissingError: it lacks something; says what and how to get it.
        UsageError: it does not know the look that is asked for.
    """
    if name == AUTO:
        best = next((engine for engine in engines() if _usable(engine, options)), None)
        if best is None:
            raise UsageError(
                f"No engine that fits the memory makes frames that look '{options.look}'.",
                hint="Allow more with --memory, and leave out --weights.",
            )
        return best
    engine: Engine = registry.load("interpolators", name)
    missing = engine.missing(options)
    if missing:
        raise MissingError(f"The engine '{name}' cannot run: {missing}")
    if options.look not in engine.looks:
        raise UsageError(
            f"The engine '{name}' cannot make frames that look '{options.look}'.",
            hint="Use --engine deep, or leave out --look.",
        )
    return engine


def made_with(engine: Engine, options: EngineOptions) -> dict[str, str | Path]:
    """What a record of provenance should tell of an engine: its name, its file of weights."""
    weights = engine.weights(options)
    return {"engine": engine.name} | ({"weights": weights} if weights else {})


def _usable(engine: Engine, options: EngineOptions) -> bool:
    fits = options.look in engine.looks and engine.least_bytes <= options.memory_bytes
    return fits and not engine.missing(options)
