"""Labelled panels in rows, and where the pictures of the gallery are stored."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import kinoloom

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "examples" / "clips" / "bunny.mp4"
PHOTOS = [ROOT / "examples" / "photos" / f"aloe{n}.jpg" for n in (1, 2)]
GAP_PX = 8
_DARK_STYLE = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)\s*\{(?:[^{}]*\{[^}]*\})*\}")
_INK, _PILL = (255, 255, 255), (16, 19, 28)


def clip_frames() -> list[NDArray[np.uint8]]:
    """Return the frames of the example clip, (540, 960, 3) RGB each."""
    return [frame.image for frame in kinoloom.read(CLIP)]


def read_photos() -> list[NDArray[np.uint8]]:
    """Return the two photos of the demo, (1110, 1282, 3) RGB each."""
    return [np.asarray(Image.open(path)) for path in PHOTOS]


def labelled(picture: NDArray[np.uint8], text: str, scaled_px: int | None = None) -> Image.Image:
    """Return a picture, scaled to a width, with a label in its corner."""
    image = Image.fromarray(picture)
    if scaled_px is not None:
        height_px = round(image.height * scaled_px / image.width)
        image = image.resize((scaled_px, height_px), Image.Resampling.LANCZOS)
    if text:
        size_px = max(15, image.width // 26)
        font = ImageFont.load_default(size=size_px)
        draw = ImageDraw.Draw(image, "RGBA")
        right = 24 + round(draw.textlength(text, font=font))
        draw.rounded_rectangle((8, 8, right, 18 + size_px), radius=6, fill=(*_PILL, 215))
        draw.text((16, 12 + size_px), text, font=font, fill=_INK, anchor="ls")
    return image


def row(images: Sequence[Image.Image]) -> Image.Image:
    """Return images of one height next to each other, with transparent gaps."""
    return _joined(images, across=True)


def column(images: Sequence[Image.Image]) -> Image.Image:
    """Return images of one width below each other, with transparent gaps."""
    return _joined(images, across=False)


def _joined(images: Sequence[Image.Image], *, across: bool) -> Image.Image:
    gaps = GAP_PX * (len(images) - 1)
    widths, heights = [i.width for i in images], [i.height for i in images]
    size = (sum(widths) + gaps, max(heights)) if across else (max(widths), sum(heights) + gaps)
    canvas = Image.new("RGBA", size)
    at = 0
    for image in images:
        canvas.paste(image, (at, 0) if across else (0, at))
        at += (image.width if across else image.height) + GAP_PX
    return canvas


def save(image: Image.Image, name: str) -> None:
    """Write a picture as WebP to the folder given as argument, or to docs/gallery."""
    path = output_path(f"{name}.webp")
    image.save(path, quality=86, method=6)
    print(f"{path.name}: {image.width} x {image.height}, {path.stat().st_size // 1024} KB")


def save_svg(page: Path, name: str) -> None:
    """Write the first vector drawing of a report, in its light colours."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r"data:image/svg\+xml;base64,([\w+/=]+)", text)
    if found is None:
        raise SystemExit(f"{page.name} has no drawing.")
    drawing = base64.b64decode(found[1]).decode()
    light = _DARK_STYLE.sub("", drawing)
    path = output_path(f"{name}.svg")
    path.write_text(light, encoding="utf-8")
    print(f"{path.name}: {len(light) // 1024} KB")


def run_kinoloom(*words: str | Path) -> None:
    """Run a kinoloom command and stop when it fails."""
    subprocess.run([sys.executable, "-m", "kinoloom", *map(str, words)], check=True)


def output_path(name: str) -> Path:
    """Return the path of a picture in the folder given as argument, or in docs/gallery."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "gallery"
    return folder / name
