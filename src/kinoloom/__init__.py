"""kinoloom weaves new frames between the ones you have.

    import kinoloom
    clip = kinoloom.interpolate(["one.jpg", "two.jpg"], seconds=3)   # lazy
    kinoloom.write(clip, "film.mp4")

Importing this package loads none of the heavy libraries; each name below loads what it needs
when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from kinoloom.base import Audio, Clip, Frame, Report
    from kinoloom.film.api import interpolate
    from kinoloom.media.files import read, write

_LAZY = {
    "Audio": "kinoloom.base",
    "Clip": "kinoloom.base",
    "Frame": "kinoloom.base",
    "Report": "kinoloom.base",
    "interpolate": "kinoloom.film.api",
    "read": "kinoloom.media.files",
    "write": "kinoloom.media.files",
}

__all__ = ["Audio", "Clip", "Frame", "Report", "__version__", "interpolate", "read", "write"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'kinoloom' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
