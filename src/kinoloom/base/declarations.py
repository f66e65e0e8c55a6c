"""What a package adds to kinoloom, declared without importing it.

Each package has a module `entries.py` with one `ENTRIES`; `base.registry` reads it. Paths are
"module:attribute", relative to the package, so that listing names, and `kinoloom --help`, import
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class OpEntry:
    """An op or a command that a package declares.

    Attributes:
        path: where its `base.op.Op`, or the command's function, is.
        summary: its one-line summary, as in its docstring, for `kinoloom --help`.
    """

    path: str
    summary: str


@dataclass(frozen=True)
class Entries:
    """The names that a package adds to the registry.

    Attributes:
        ops: by name; a dot puts the command into a group ("bench.film").
        groups: one sentence of help for each command group, by name ("fields.make").
        files: paths of `base.files.Files` objects, by the class name of what they read and write.
        interpolators: paths of `film.engine.Engine` objects.
        cards: paths of `base.model.ModelCard` objects.
        recognizers: paths of functions (file, target) -> `base.model.ModelCard` for `models add`:
            write the network of a user's file to target, an .onnx file, and describe it; raise
            WeightsError if it is not supported.
        checks: paths of functions () -> list of `base.checks.Check`, for `kinoloom doctor`.
        pages: paths of `base.page.Page` objects, by name.
        presets: paths of functions () -> list of `base.options.Preset`, by the op they belong to.
        commands: commands other than ops: functions (folders, options) -> exit code.
    """

    ops: Mapping[str, OpEntry] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    interpolators: Mapping[str, str] = field(default_factory=dict)
    cards: Mapping[str, str] = field(default_factory=dict)
    recognizers: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)
    presets: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, OpEntry] = field(default_factory=dict)
