"""Photos and films as the inputs of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def write_photos(folder: Path, *names: str, size: int = 48) -> list[str]:
    """Write photos of a ramp that moves; return their names."""
    names = names or ("a.png", "b.png")
    ramp = np.add.outer(np.arange(size), np.arange(size * 3 // 2)).astype(np.uint8)
    for k, name in enumerate(names):
        image = np.stack([np.roll(ramp, 4 * k, 1)] * 3, axis=2)
        Image.fromarray(image).save(folder / name)
    return list(names)


def write_film(folder: Path, name: str, frames: int, size: int = 96) -> str:
    """Write a film of a moving ramp at 25 fps; return its name."""
    from fractions import Fraction

    from kinoloom import Clip, Frame, write

    ramp = np.add.outer(np.arange(size), np.arange(size * 3 // 2)).astype(np.uint8)

    def image(k: int) -> Any:
        return np.ascontiguousarray(np.stack([np.roll(ramp, 2 * k, 1)] * 3, axis=2))

    shown = [Frame(image(k), Fraction(k, 25), Fraction(1, 25)) for k in range(frames)]
    write(Clip.from_frames(shown, rate=Fraction(25)), folder / name, codec="ffv1")
    return name
