"""Selection of the engine that interpolates."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.machine import default_budget_bytes
from kinoloom.errors import MissingError, UsageError
from kinoloom.film.engine import Engine, EngineOptions
from kinoloom.film.options import InterpolateOptions

AUTO = "auto"
_FORMER_ENGINES = ("refine", "lite")
_BASELINES = ("dis", "blend")


def build_engine_options(
    memory: int | None, flow_scale: float = 1.0, weights: Path | None = None
) -> EngineOptions:
    """Return `EngineOptions`, with the default memory budget if `memory` is None."""
    return EngineOptions(memory or default_budget_bytes(), flow_scale, weights)


def derive_engine_options(options: InterpolateOptions) -> EngineOptions:
    """Return the engine's part of the options of `interpolate`."""
    return build_engine_options(options.memory, options.flow_scale, options.weights)


def list_engines() -> list[Engine]:
    """Return all registered engines, highest rank first."""
    found = [registry.load("interpolators", name) for name in registry.names("interpolators")]
    return sorted(found, key=lambda engine: -engine.rank)


def list_candidates(options: EngineOptions) -> list[Engine]:
    """Return the available engines that support the options, highest rank first."""
    return [engine for engine in list_engines() if not engine.missing(options)]


def choose_engine(name: str, options: EngineOptions) -> Engine:
    """Return the engine of that name, or for "auto" the best available one that fits in memory.

    Raises:
        RegistryError: no engine has that name.
        MissingError: the engine lacks a requirement; the message says how to get it.
        UsageError: the engine was removed or is only a baseline, or no engine fits.
    """
    if name == AUTO:
        best = next((engine for engine in list_engines() if _is_usable(engine, options)), None)
        if best is None:
            raise UsageError(
                "No available engine fits within the memory limit.",
                hint="Raise --memory and leave out --weights.",
            )
        return best
    _reject_former_name(name)
    engine: Engine = registry.load("interpolators", name)
    check_requirements(engine, options)
    return engine


def check_requirements(engine: Engine, options: EngineOptions) -> None:
    """Check that an engine has everything it needs.

    Raises:
        MissingError: it lacks a requirement; the message says how to get it.
    """
    missing = engine.missing(options)
    if missing:
        raise MissingError(f"The engine '{engine.name}' cannot run: {missing}")


def describe_engine(engine: Engine, options: EngineOptions) -> dict[str, str | Path]:
    """Return the provenance details of an engine: its name and its weight file, if any."""
    weights = engine.weights(options)
    return {"engine": engine.name} | ({"weights": weights} if weights else {})


def _reject_former_name(name: str) -> None:
    hint = "Use --engine deep, or --engine fast to save time."
    if name in _FORMER_ENGINES:
        raise UsageError(f"The engine '{name}' was removed.", hint=hint)
    if name in _BASELINES:
        raise UsageError(f"The engine '{name}' is a baseline of 'bench film' only.", hint=hint)


def _is_usable(engine: Engine, options: EngineOptions) -> bool:
    return engine.min_memory_bytes <= options.memory_bytes and not engine.missing(options)
