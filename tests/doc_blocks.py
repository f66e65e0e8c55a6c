"""Fenced blocks of the documentation, and the small inputs that their commands name."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

import kinoloom
from kinoloom.base import Clip, Frame
from kinoloom.media.photo.writing import write_photo

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("guides/*.md")),
    *sorted((ROOT / "src" / "kinoloom").glob("*/README.md")),
]
_FENCE = re.compile(r"(?P<run><!-- run -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.M | re.S)
_INDENTED = re.compile(r"^ {4,}(?P<line>kinoloom .*)$", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block: its kind (sh, python), its text, and whether the tests run it."""

    kind: str
    text: str
    run: bool


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(m["kind"], m["text"], m["run"] is not None) for m in _FENCE.finditer(text)]


def commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of every `kinoloom` line of a shell block."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if "kinoloom" in words and words[0] in ("kinoloom", "torchrun", "python"):
            yield words[words.index("kinoloom") + 1 :]


def commands_on(page: Path) -> list[list[str]]:
    """Return all commands of a page, in fenced and in indented blocks."""
    text = page.read_text(encoding="utf-8")
    fenced = [words for b in blocks(page) if b.kind == "sh" for words in commands(b.text)]
    unfenced = _FENCE.sub("", text)
    indented = [words for m in _INDENTED.finditer(unfenced) for words in commands(m["line"])]
    return fenced + indented


def write_inputs(folder: Path) -> None:
    """Write the photos, videos, networks and examples that the guides name."""
    rng = np.random.default_rng(7)
    canvas = _texture(rng, 140, 220)
    for shift, name in enumerate(("one", "two", "three")):
        write_photo(folder / f"{name}.jpg", canvas[10:106, 10 + 6 * shift : 138 + 6 * shift])
    for name in ("clip.mp4", "clip.mkv"):
        _write_pan(folder / name, canvas, frames=12)
    for name, number in (("one", 0), ("two", 1), ("three", 2)):
        frame = folder / "triplets" / "pan" / f"frame{number}.jpg"
        frame.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / f"{name}.jpg", frame)
    (folder / "footage").mkdir()
    for number in range(2):
        _write_pan(folder / "footage" / f"{number}.mp4", _texture(rng, 320, 460), frames=30)
    shutil.copy(folder / "one.jpg", folder / "footage" / "photo.jpg")
    _write_network(folder, rng)


def _texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    import cv2

    noise = rng.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def _write_pan(path: Path, canvas: np.ndarray, frames: int) -> None:
    height, width = canvas.shape[0] - 40, canvas.shape[1] - 100
    rate = Fraction(24)
    images = [canvas[20 : 20 + height, 2 * k : 2 * k + width] for k in range(frames)]
    clip = Clip.from_frames(
        [Frame(np.ascontiguousarray(i), k / rate, 1 / rate) for k, i in enumerate(images)],
        rate=rate,
    )
    kinoloom.write(clip, path)


def _write_network(folder: Path, rng: np.random.Generator) -> None:
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 3),
    ).eval()
    inputs = rng.random((12, 1, 8, 8), np.float32)
    labels = rng.integers(0, 3, 12)
    torch.export.save(torch.export.export(net, (torch.from_numpy(inputs[:1]),)), folder / "net.pt2")
    np.save(folder / "inputs.npy", inputs)
    np.savez(folder / "examples.npz", x=inputs, y=labels, x_test=inputs, y_test=labels)
