"""All filters by name, for presets and options."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from kinoloom.base.options import build
from kinoloom.enhance.filters.filter import Filter
from kinoloom.errors import RegistryError

FILTERS = {
    "chroma": "chroma:ChromaDenoise",
    "curves": "curves:Curves",
    "deband": "deband:Deband",
    "deblock": "deblock.filter:Deblock",
    "grain": "grain:Grain",
    "lowlight": "lowlight:LowLight",
    "lut": "lut.filter:Lut",
    "sharpen": "sharpen:Sharpen",
    "white-balance": "white_balance:WhiteBalance",
}
"""Module and class of each filter, below this package."""


def find_filter(name: str) -> type[Filter]:
    """Return the class of a filter.

    Raises:
        RegistryError: an unknown name.
    """
    if name not in FILTERS:
        raise RegistryError(f"Unknown filter '{name}'.", hint=f"Filters: {', '.join(FILTERS)}.")
    module, _, cls = FILTERS[name].partition(":")
    package = __name__.rpartition(".")[0]
    return cast("type[Filter]", getattr(import_module(f"{package}.{module}"), cls))


def build_filter(name: str, values: Mapping[str, Any]) -> Filter:
    """Build a filter from the values of its options, which may be text.

    Args:
        name: of the filter, as in `FILTERS`.
        values: by the names of the options; others keep their defaults.

    Raises:
        RegistryError: an unknown filter.
        UsageError: an unknown option, or an invalid value.
        MediaError: a LUT file that is missing or damaged.
    """
    return cast("Filter", build(find_filter(name), values))
