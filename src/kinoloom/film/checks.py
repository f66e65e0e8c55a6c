"""Checks of `kinoloom doctor` for frame interpolation."""

from __future__ import annotations

from kinoloom.base.checks import Check, check_extra
from kinoloom.base.machine import default_budget_bytes
from kinoloom.base.units import format_bytes
from kinoloom.film.selection import build_engine_options, choose_engine, list_engines


def checks() -> list[Check]:
    """Check every engine, torch and the memory budget."""
    options = build_engine_options(None)
    found = [
        Check(
            f"engine {engine.name}",
            present=not engine.missing(options),
            detail=engine.missing(options) or engine.summary,
            needed_for=engine.summary,
        )
        for engine in list_engines()
    ]
    budget = format_bytes(default_budget_bytes())
    best = choose_engine("auto", options).name
    return [
        *found,
        Check("engine auto", present=True, detail=f"selects {best}", needed_for=""),
        check_extra("torch", extra="train", needed_for="the engine film, and training"),
        Check("memory", present=True, detail=f"budget of {budget} (see --memory)", needed_for=""),
    ]
