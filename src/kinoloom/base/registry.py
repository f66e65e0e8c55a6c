"""The registry: names to things, loaded only when asked for.

Built-in things are listed here as dotted paths ("module:attribute"), so that listing names
imports nothing. Third parties add theirs through entry points: a package that declares

    [project.entry-points."kinoloom.ops"]
    sparkle = "sparkle.ops:sparkle"

has its op listed and run beside the built-in ones. A name claimed twice is an error.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from functools import cache
from importlib import metadata
from typing import Any, Literal

from kinoloom.errors import RegistryError

Kind = Literal["ops", "nouns", "interpolators", "cards", "checks"]

BUILT_IN: dict[Kind, dict[str, str]] = {
    # What can be done: `base.op.Op` objects. A dot in the name makes a command in a group.
    "ops": {
        "interpolate": "kinoloom.film.ops:interpolate",
        "bench.film": "kinoloom.film.ops:bench_film",
        "train.film": "kinoloom.film.ops:train_film",
        "fields.make.smoke": "kinoloom.clifford.ops:make_smoke",
        "fields.make.shallow-water": "kinoloom.clifford.ops:make_shallow_water",
        "fields.make.maxwell": "kinoloom.clifford.ops:make_maxwell",
        "fields.from-clip": "kinoloom.clifford.ops:from_clip",
        "train.clifford": "kinoloom.clifford.ops:train_clifford",
        "tiny.compile": "kinoloom.tiny.ops:compile_model",
        "tiny.report": "kinoloom.tiny.ops:report",
        "tiny.simulate": "kinoloom.tiny.ops:simulate",
        "tiny.search": "kinoloom.tiny.ops:search",
        "tiny.flash-size": "kinoloom.tiny.ops:flash_size",
        "pipeline.validate": "kinoloom.pipelines.ops:validate",
        "pipeline.run": "kinoloom.pipelines.ops:run",
        "pipeline.start": "kinoloom.pipelines.ops:start",
        "pipeline.status": "kinoloom.pipelines.ops:status",
        "pipeline.show": "kinoloom.pipelines.ops:show",
        "pipeline.logs": "kinoloom.pipelines.ops:logs",
        "pipeline.explain": "kinoloom.pipelines.ops:explain",
        "pipeline.resume": "kinoloom.pipelines.ops:resume",
        "pipeline.stop": "kinoloom.pipelines.ops:stop",
        "pipeline.models": "kinoloom.pipelines.ops:models",
        "pipeline.approve": "kinoloom.pipelines.ops:approve",
        "pipeline.answer": "kinoloom.pipelines.ops:answer",
        "pipeline.export": "kinoloom.pipelines.ops:export",
        "pipeline.gc": "kinoloom.pipelines.ops:gc",
    },
    # How nouns come from files and go to files: `base.files.Files` objects, by class name.
    "nouns": {
        "Clip": "kinoloom.media.files:CLIP_FILES",
        "Report": "kinoloom.base.report.files:REPORT_FILES",
        "Fields": "kinoloom.clifford.fields.files:FIELDS_FILES",
    },
    # Engines of frame interpolation: `film.engine.Engine` objects.
    "interpolators": {
        "film": "kinoloom.film.engines.film:FILM",
        "deep": "kinoloom.film.engines.deep:DEEP",
        "refine": "kinoloom.film.engines.refine:REFINE",
        "fast": "kinoloom.film.engines.fast:FAST",
        "lite": "kinoloom.film.engines.lite:LITE",
        "dis": "kinoloom.film.engines.plain:DIS",
        "blend": "kinoloom.film.engines.blend:BLEND",
    },
    # Model cards: `base.model.ModelCard` objects.
    "cards": {
        "film": "kinoloom.film.cards:FILM",
        "deep": "kinoloom.film.cards:DEEP",
        "lite": "kinoloom.film.cards:LITE",
        "refine": "kinoloom.film.cards:REFINE",
    },
    # What `kinoloom doctor` looks at: functions () -> list of `base.checks.Check`.
    "checks": {
        "media": "kinoloom.media.checks:checks",
        "film": "kinoloom.film.checks:checks",
    },
}


def names(kind: Kind) -> list[str]:
    """All names of a kind, built-in ones first, in the order of their declaration."""
    return list(_table(kind))


def load(kind: Kind, name: str) -> Any:
    """Import and return the thing of that name.

    Raises:
        RegistryError: there is no such name (the message lists close ones), or the path
            declared for it leads nowhere or to something that cannot be imported.
    """
    table = _table(kind)
    if name not in table:
        close = get_close_matches(name, table)
        raise RegistryError(
            f"There is no {kind.removesuffix('s')} named '{name}'.",
            hint=f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(table)}.",
        )
    return at(table[name], name)


def at(path: str, name: str) -> Any:
    """Import and return what lies at a dotted path.

    Args:
        path: "module:attribute".
        name: what is declared to lie there, for the message.

    Raises:
        RegistryError: the module cannot be imported, or has no such attribute.
    """
    module_name, _, attribute = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise RegistryError(
            f"'{name}' is declared as {path}, which cannot be imported: {error}."
        ) from error
    if not hasattr(module, attribute):
        raise RegistryError(
            f"'{name}' is declared as {path}, but {module_name} has no '{attribute}'."
        )
    return getattr(module, attribute)


@cache
def _table(kind: Kind) -> dict[str, str]:
    table = dict(BUILT_IN[kind])
    for entry in metadata.entry_points(group=f"kinoloom.{kind}"):
        if entry.name in table:
            raise RegistryError(
                f"Two things claim the {kind.removesuffix('s')} name '{entry.name}': "
                f"{table[entry.name]} and {entry.value}.",
                hint="Uninstall one of them, or rename its entry point.",
            )
        table[entry.name] = entry.value
    return table
