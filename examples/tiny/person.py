"""Person detection: a published network trains on 128x128 images by its published scheme.

python examples/tiny/person.py mcunet-5fps.npz    (or mbv2-w0.35.npz, proxyless-w0.3.npz)

The file is an int8 network of mit-han-lab/tiny-training, trained on ImageNet. The images are
synthetic: figures with head, body, arms and legs, or other shapes, on a noisy background. torch is
not required.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from device import print_result, score_accuracy, select_learning_rate, train_on_device
from PIL import Image, ImageDraw

from kinoloom.tiny.api import compile_program
from kinoloom.tiny.front.pretrained import PRESETS, preset_scheme, read_pretrained

SIDE = 128
RATES = (0.01, 0.003, 0.001)
SELECTION_COUNT = 80
"""Maximum number of training images for the selection of the learning rate."""


def draw_image(person: bool, random: np.random.Generator) -> np.ndarray:
    """Draw an image (3, SIDE, SIDE) float32 in -1..1."""
    coarse = random.integers(40, 216, (8, 8, 3), np.uint8)
    image = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    colors = [tuple(int(v) for v in random.integers(0, 256, 3)) for _ in range(3)]
    x, y, size = random.uniform(40, 88), random.uniform(30, 50), random.uniform(0.7, 1.2)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
        return (x + size * left, y + size * top, x + size * right, y + size * bottom)

    if person:
        spread = random.uniform(8, 20)
        draw.ellipse(box(-9, -12, 9, 10), fill=colors[0])
        draw.rounded_rectangle(box(-12, 12, 12, 44), 6, fill=colors[1])
        for side in (-1, 1):
            draw.line(box(side * 11, 16, side * (11 + spread), 38), fill=colors[0], width=6)
            draw.line(box(side * 5, 44, side * spread / 1.5, 76), fill=colors[2], width=7)
    else:
        for color in colors:
            left, top = random.uniform(-30, 10), random.uniform(-10, 40)
            shape = draw.rectangle if random.random() < 0.5 else draw.ellipse
            shape(box(left, top, left + random.uniform(12, 40), top + random.uniform(12, 40)),
                  fill=color)  # fmt: skip
    noise = random.normal(0, 8, (SIDE, SIDE, 3))
    return ((np.asarray(image) + noise) / 127.5 - 1).transpose(2, 0, 1).astype(np.float32)


def draw_images(count: int, seed: int) -> list[tuple[np.ndarray, int]]:
    """Draw images with and without a person in turn."""
    random = np.random.default_rng(seed)
    return [(draw_image(bool(i % 2), random), i % 2) for i in range(count)]


def main() -> None:
    """Read a network, compile it, train on the device, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", type=Path)
    parser.add_argument(
        "--scheme", choices=PRESETS, help="scheme (default: the first for the network)"
    )
    parser.add_argument("--count", type=int, default=160, help="training images")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument(
        "--rate", type=float, help="learning rate (default: selected on training images)"
    )
    arguments = parser.parse_args()
    inference = read_pretrained(arguments.network, "person", classes=2)
    fitting = (name for name, preset in PRESETS.items() if preset.model == arguments.network.stem)
    scheme = arguments.scheme or next(fitting)
    compiled = compile_program(inference, scheme=preset_scheme(inference, scheme))
    train, test = draw_images(arguments.count, 1), draw_images(max(20, arguments.count // 2), 2)
    rate = arguments.rate or select_learning_rate(compiled, train[:SELECTION_COUNT], RATES)
    print(f"{arguments.network.stem}, scheme {scheme}, learning rate {rate:g}")
    scores = train_on_device(
        compiled, train, score_accuracy(test), lr=rate, epochs=arguments.epochs
    )
    print_result(compiled, "person detection accuracy", *scores)


if __name__ == "__main__":
    main()
