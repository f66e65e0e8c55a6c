"""kinoloom: make, clean, read and learn from motion, on your own machine.

    import kinoloom
    clip = kinoloom.interpolate(["one.jpg", "two.jpg"], seconds=3)   # lazy
    kinoloom.write(clip, "film.mp4")

Importing this package loads no heavy library; each name below loads what it needs when it is first
used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinoloom import lazy

__version__ = "0.2.0"

if TYPE_CHECKING:
    from kinoloom.base import Audio, Clip, Frame, Report, Timeline, Tracks
    from kinoloom.enhance.api import Enhancer
    from kinoloom.film.api import interpolate
    from kinoloom.media.files import read, write

__all__ = [
    "Audio",
    "Clip",
    "Enhancer",
    "Frame",
    "Report",
    "Timeline",
    "Tracks",
    "__version__",
    "interpolate",
    "read",
    "write",
]
__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "Audio": "kinoloom.base",
        "Clip": "kinoloom.base",
        "Enhancer": "kinoloom.enhance.api",
        "Frame": "kinoloom.base",
        "Report": "kinoloom.base",
        "Timeline": "kinoloom.base",
        "Tracks": "kinoloom.base",
        "interpolate": "kinoloom.film.api",
        "read": "kinoloom.media.files",
        "write": "kinoloom.media.files",
    },
    __all__,
)
