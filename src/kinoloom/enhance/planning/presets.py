"""Presets: named sets of options, as TOML files with one value for each option.

    summary = "a dark recording"
    denoise = "auto"
    lowlight = true

The names are those of the options of `enhance`, with _ for -.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from kinoloom.base.options import Preset, options_of
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.errors import RegistryError, UsageError

_SUFFIX = ".toml"
_NOT_IN_PRESETS = ("preset", "auto", "without", "memory", "try_", "preview")


def list_presets() -> list[Preset]:
    """Return the presets of kinoloom, in the order of their names."""
    return [find_preset(name) for name in _list_names()]


def find_preset(name: str) -> Preset:
    """Return a preset.

    Args:
        name: of a preset of kinoloom, or a path that ends with .toml.

    Raises:
        RegistryError: there is no preset of this name.
        UsageError: the file cannot be read, is not TOML, or has an unknown name or a wrong value.
    """
    if name.endswith(_SUFFIX):
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise UsageError(f"The preset {name} cannot be read: {why}.") from error
        return _parse(Path(name).stem, text, name)
    if name not in _list_names():
        raise RegistryError(
            f"Unknown preset '{name}'.",
            hint=f"Presets: {', '.join(_list_names())}, or a file that ends with {_SUFFIX}.",
        )
    return _parse(name, (_folder() / f"{name}{_SUFFIX}").read_text("utf-8"), name)


def _parse(name: str, text: str, source: str) -> Preset:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The preset {source} is not TOML: {error}.") from error
    summary = values.pop("summary", "")
    declared = {one.name: one for one in options_of(EnhanceOptions)}
    checked = {}
    for key, value in values.items():
        if key not in declared or key in _NOT_IN_PRESETS:
            known = ", ".join(one for one in declared if one not in _NOT_IN_PRESETS)
            raise UsageError(f"The preset {source} has the unknown option '{key}'.", hint=known)
        try:
            checked[key] = declared[key].parse(_to_text(value, declared[key].kind))
        except UsageError as error:
            raise UsageError(f"The preset {source}: {error.message}", hint=error.hint) from error
    return Preset(name, str(summary), checked, text)


def _to_text(value: object, kind: type) -> object:
    """Return a number as text where an option is text, such as denoise = 20."""
    return str(value) if kind is str and type(value) in (int, float) else value


def _list_names() -> list[str]:
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in _folder().iterdir()
        if entry.name.endswith(_SUFFIX)
    )


def _folder() -> Any:
    return resources.files("kinoloom.enhance") / "presets"
