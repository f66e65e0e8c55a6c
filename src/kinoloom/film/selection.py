"""Selection of the engine that interpolates."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.machine import default_budget_bytes
from kinoloom.errors import MissingError, UsageError
from kinoloom.film.engine import Engine, EngineOptions, FrameLook
from kinoloom.film.options import InterpolateOptions

AUTO = "auto"


def build_engine_options(
    memory: int | None,
    flow_scale: float = 1.0,
    weights: Path | None = None,
    look: FrameLook = "mean",
) -> EngineOptions:
    """Return `EngineOptions`, with the default memory budget if `memory` is None."""
    return EngineOptions(memory or default_budget_bytes(), flow_scale, weights, look)


def derive_engine_options(options: InterpolateOptions) -> EngineOptions:
    """Return the engine's part of the options of `interpolate`."""
    return build_engine_options(options.memory, options.flow_scale, options.weights, options.look)


def list_engines() -> list[Engine]:
    """Return all registered engines, highest rank first."""
    found = [registry.load("interpolators", name) for name in registry.names("interpolators")]
    return sorted(found, key=lambda engine: -engine.rank)


def list_candidates(options: EngineOptions) -> list[Engine]:
    """Return the available engines that support the options, highest rank first."""
    return [
        engine
        for engine in list_engines()
        if options.look in engine.looks and not engine.missing(options)
    ]


def choose_engine(name: str, options: EngineOptions) -> Engine:
    """Return the engine of that name, or for "auto" the best available one that fits in memory.

    Raises:
        RegistryError: no engine has that name.
        MissingError: the engine lacks a requirement; the message says how to get it.
        UsageError: the engine does not support the requested look, or no engine fits.
    """
    if name == AUTO:
        best = next((engine for engine in list_engines() if _is_usable(engine, options)), None)
        if best is None:
            raise UsageError(
                f"No available engine supports the look '{options.look}' within the memory limit.",
                hint="Raise --memory and leave out --weights.",
            )
        return best
    engine: Engine = registry.load("interpolators", name)
    missing = engine.missing(options)
    if missing:
        raise MissingError(f"The engine '{name}' cannot run: {missing}")
    if options.look not in engine.looks:
        raise UsageError(
            f"The engine '{name}' does not support the look '{options.look}'; "
            f"expected {' or '.join(engine.looks)}.",
            hint="Use --engine deep, or leave out --look.",
        )
    return engine


def describe_engine(engine: Engine, options: EngineOptions) -> dict[str, str | Path]:
    """Return the provenance details of an engine: its name and its weight file, if any."""
    weights = engine.weights(options)
    return {"engine": engine.name} | ({"weights": weights} if weights else {})


def _is_usable(engine: Engine, options: EngineOptions) -> bool:
    fits = options.look in engine.looks and engine.min_memory_bytes <= options.memory_bytes
    return fits and not engine.missing(options)
