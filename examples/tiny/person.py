"""Is there somebody? A published network of 128x128 pictures learns it, by its published scheme.

python examples/tiny/person.py mcunet-5fps.npz    (or mbv2-w0.35.npz, proxyless-w0.3.npz)

The file holds an int8 network of mit-han-lab/tiny-training that was trained on ImageNet. Pictures
are generated: figures with head, body, arms and legs, or things without, before a background of
noise. No torch is needed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from device import accuracy, best_rate, learn, tell
from PIL import Image, ImageDraw

from kinoloom.tiny.api import compile_program
from kinoloom.tiny.front.pretrained import PRESETS, preset_scheme, read_pretrained

SIDE = 128
RATES = (0.01, 0.003, 0.001)
HELD_IN = 80
"""Pictures to learn from by which the rate is chosen, at most."""


def picture(person: bool, random: np.random.Generator) -> np.ndarray:
    """(3, SIDE, SIDE) float32 in -1..1."""
    coarse = random.integers(40, 216, (8, 8, 3), np.uint8)
    image = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    colours = [tuple(int(v) for v in random.integers(0, 256, 3)) for _ in range(3)]
    x, y, size = random.uniform(40, 88), random.uniform(30, 50), random.uniform(0.7, 1.2)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
        return (x + size * left, y + size * top, x + size * right, y + size * bottom)

    if person:
        spread = random.uniform(8, 20)
        draw.ellipse(box(-9, -12, 9, 10), fill=colours[0])
        draw.rounded_rectangle(box(-12, 12, 12, 44), 6, fill=colours[1])
        for side in (-1, 1):
            draw.line(box(side * 11, 16, side * (11 + spread), 38), fill=colours[0], width=6)
            draw.line(box(side * 5, 44, side * spread / 1.5, 76), fill=colours[2], width=7)
    else:
        for colour in colours:
            left, top = random.uniform(-30, 10), random.uniform(-10, 40)
            shape = draw.rectangle if random.random() < 0.5 else draw.ellipse
            shape(box(left, top, left + random.uniform(12, 40), top + random.uniform(12, 40)),
                  fill=colour)  # fmt: skip
    noise = random.normal(0, 8, (SIDE, SIDE, 3))
    return ((np.asarray(image) + noise) / 127.5 - 1).transpose(2, 0, 1).astype(np.float32)


def pictures(count: int, seed: int) -> list[tuple[np.ndarray, int]]:
    """Pictures with and without somebody in turn."""
    random = np.random.default_rng(seed)
    return [(picture(bool(i % 2), random), i % 2) for i in range(count)]


def main() -> None:
    """Read, compile, learn, tell."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("network", type=Path)
    words.add_argument("--scheme", choices=PRESETS, help="instead of the first that fits")
    words.add_argument("--count", type=int, default=160, help="pictures to learn from")
    words.add_argument("--epochs", type=int, default=2)
    words.add_argument("--rate", type=float, help="instead of the best on held-in pictures")
    told = words.parse_args()
    inference = read_pretrained(told.network, "person", classes=2)
    fitting = (name for name, preset in PRESETS.items() if preset.model == told.network.stem)
    scheme = told.scheme or next(fitting)
    made = compile_program(inference, scheme=preset_scheme(inference, scheme))
    train, test = pictures(told.count, 1), pictures(max(20, told.count // 2), 2)
    rate = told.rate or best_rate(made, train[:HELD_IN], RATES)
    print(f"{told.network.stem}, scheme {scheme}, learning rate {rate:g}")
    outcome = learn(made, train, accuracy(test), lr=rate, epochs=told.epochs)
    tell(made, "accuracy of person or no person", *outcome)


if __name__ == "__main__":
    main()
