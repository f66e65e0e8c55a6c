"""The memory of an interpolation: what its parts need, and what is left for the engine.

In: the source, the options and the format of the new frames. Out: an engine that fits the limit of
the user, or an error that states the least sufficient limit. Nothing is decoded for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip
from kinoloom.film.engine import Engine, EngineOptions, PictureFormat
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.selection import AUTO, choose_engine, derive_engine_options, list_candidates
from kinoloom.media.memory import estimate_encoding

_LARGEST_CODEC = "av1"
"""The video codec that needs most memory; assumed before the output is known."""


@dataclass(frozen=True)
class FilmNeeds:
    """What a film needs besides the engine.

    Attributes:
        pictures: the format that the engine receives.
        width, height, bits, frames: of the film; frames is None if unknown.
        held_bytes: memory of the pictures that the film holds.
    """

    pictures: PictureFormat
    width: int
    height: int
    bits: int
    frames: int | None
    held_bytes: int


def choose_engine_within_budget(
    clip: Clip, options: InterpolateOptions, needs: FilmNeeds
) -> tuple[Engine, EngineOptions, Budget]:
    """Return an engine that fits the memory limit, its options, and the budget of the film.

    Args:
        clip: the source; receives a note if the limit forces another engine than `auto` prefers.
        options: of the command.
        needs: of the film.

    Raises:
        BudgetError: the parts do not fit the limit of the user.
        MissingError, UsageError, RegistryError: as `selection.choose_engine`.
    """
    budget = clip.budget or Budget(options.memory)
    given = derive_engine_options(options)
    if not budget.is_enforced:
        engine = choose_engine(options.engine, given)
        _declare(budget, clip, needs, engine, given)
        return engine, given, budget
    _declare(budget, clip, needs, None, given)
    free = max(budget.share("computing") - needs.held_bytes, 1)
    given = replace(given, memory_bytes=free)
    best, engine = _choose(options.engine, given, needs.pictures)
    _declare(budget, clip, needs, best, given)
    preferred = budget.describe_limit()
    _declare(budget, clip, needs, engine, given)
    budget.check()
    if engine is not best:
        clip.notes.add(
            "memory",
            f"The memory limit is too low for the engine {best.name}; {engine.name} is used. "
            f"--memory {preferred} is sufficient for {best.name}.",
            "warning",
        )
    return engine, given, budget


def _declare(
    budget: Budget, clip: Clip, needs: FilmNeeds, engine: Engine | None, options: EngineOptions
) -> None:
    """Declare the needs of all parts; without an engine, those of the others."""
    budget.require("reading", "to read the input", clip.reading_bytes)
    size = (needs.width, needs.height, needs.bits, needs.frames)
    if budget.estimate_writing is not None:
        writing = budget.estimate_writing(*size)
    else:
        writing = estimate_encoding(_LARGEST_CODEC, *size)
    budget.require("writing", "to write the output", writing)
    if engine is not None:
        least = engine.least_bytes(needs.pictures, options) + needs.held_bytes
        budget.require("computing", f"to interpolate with the engine {engine.name}", least)


def _choose(name: str, options: EngineOptions, pictures: PictureFormat) -> tuple[Engine, Engine]:
    """Return the engine requested or preferred, and the one to use within the limit."""
    best = choose_engine(name, replace(options, memory_bytes=1 << 62))
    if name != AUTO:
        return best, best
    needs = [(each.least_bytes(pictures, options), each) for each in list_candidates(options)]
    fitting = (engine for least, engine in needs if least <= options.memory_bytes)
    return best, next(fitting, None) or min(needs, key=lambda need: need[0])[1]
