"""A denoiser that learns the noise of its own camera.

python examples/tiny/denoiser.py    (needs the extra `train`)

Trained on white noise on a computer; the camera at hand has stripes as well. The device learns from
pairs of the same scene, taken noisy and as a mean of many, which a camera on a stand can take.
Scenes are crops of the demo photos: those of the first photo to train on, of the second to score.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from device import learn, tell
from PIL import Image
from torch import nn
from torch.nn import functional as f

from kinoloom import tiny

PHOTOS = Path(__file__).parents[1] / "photos"
SIDE = 24


class Denoiser(nn.Module):
    """What three convolutions find to be noise is taken off."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
            nn.Conv2d(12, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 1, SIDE, SIDE) to the same, without noise."""
        return x + self.body(x)


def crops(photo: str, count: int, seed: int) -> np.ndarray:
    """(count, 1, SIDE, SIDE) float32 in -1..1, at half the size of the photo."""
    random = np.random.default_rng(seed)
    with Image.open(PHOTOS / photo) as image:
        grey = np.asarray(image.convert("L").reduce(2), np.float32) / 127.5 - 1
    rows, columns = (random.integers(0, n - SIDE, count) for n in grey.shape)
    return np.stack([grey[y : y + SIDE, x : x + SIDE] for y, x in zip(rows, columns, strict=True)])[
        :, None
    ]


def noisy(scenes: np.ndarray, stripes: float, seed: int) -> np.ndarray:
    """White noise, and stripes: an error of each column."""
    random = np.random.default_rng(seed)
    made = scenes + random.normal(0, 0.1, scenes.shape)
    made += stripes * random.normal(0, 1, (len(scenes), 1, 1, SIDE))
    return made.clip(-1, 1).astype(np.float32)


def psnr(pairs: list[tuple[Any, Any]]) -> Callable[[Callable[[Any], Any]], float]:
    """In dB, of values in -1..1."""

    def score(run: Callable[[Any], Any]) -> float:
        error = np.mean([(run(x) - clean) ** 2 for x, clean in pairs])
        return float(10 * np.log10(4 / error))

    return score


def main() -> None:
    """Pretrain, compile, learn, tell."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--epochs", type=int, default=6, help="over the pairs of the camera")
    words.add_argument("--pretrain", type=int, default=400, help="steps on the computer")
    told = words.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    scenes, test = crops("basketball1.png", 300, 1), crops("basketball2.png", 60, 2)
    model, x, y = Denoiser(), torch.from_numpy(noisy(scenes, 0, 3)), torch.from_numpy(scenes)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(told.pretrain):
        part = torch.randint(len(x), (16,))
        optimiser.zero_grad()
        f.mse_loss(model(x[part]), y[part]).backward()
        optimiser.step()
    striped = noisy(scenes, 0.2, 4)
    pairs = list(zip(striped, scenes, strict=True))
    data = [one[None] for one in striped[:50]]
    made = tiny.compile(model.eval(), data[0], "mse", data=data)
    score = psnr(list(zip(noisy(test, 0.2, 5), test, strict=True)))
    outcome = learn(made, pairs, score, lr=0.02, epochs=told.epochs)
    tell(made, "PSNR in dB", *outcome)


if __name__ == "__main__":
    main()
