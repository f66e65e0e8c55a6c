"""Enhancement: clean, sharpen and enlarge pictures, photos and video.

from kinoloom.enhance import enhance
kinoloom.write(enhance("in.mp4", scale=2), "out.mp4")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinoloom import lazy

if TYPE_CHECKING:
    from kinoloom.enhance.api import Enhancer, enhance

__all__ = ["Enhancer", "enhance"]
__getattr__, __dir__ = lazy.attach(
    __name__,
    {"Enhancer": "kinoloom.enhance.api", "enhance": "kinoloom.enhance.api"},
    __all__,
)
