"""What `kinoloom doctor` looks at for frame interpolation."""

from __future__ import annotations

from kinoloom.base.checks import Check, check_extra
from kinoloom.base.machine import default_budget_bytes
from kinoloom.base.units import format_bytes
from kinoloom.film.choose import choose, engine_options, engines


def checks() -> list[Check]:
    """Each engine, torch, and the memory to work in."""
    allowed = engine_options(None)
    found = [
        Check(
            f"engine {engine.name}",
            present=not engine.missing(allowed),
            detail=engine.missing(allowed) or engine.summary,
            needed_for=engine.summary,
        )
        for engine in engines()
    ]
    budget = format_bytes(default_budget_bytes())
    best = choose("auto", allowed).name
    return [
        *found,
        Check("engine auto", present=True, detail=f"takes {best}", needed_for=""),
        check_extra("torch", extra="train", needed_for="the engine film, and training"),
        Check("memory", present=True, detail=f"{budget} to work in (see --memory)", needed_for=""),
    ]
