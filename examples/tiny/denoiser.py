"""A denoiser that adapts to the noise of its camera.

python examples/tiny/denoiser.py    (requires the extra `train`)

The network is pretrained on white noise; the camera also has stripe noise. The device trains on
pairs of a noisy image and a mean of many images of the same scene, which a camera on a stand can
take. Scenes are crops of the demo photos: the first photo for training, the second for the score.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from device import print_result, train_on_device
from PIL import Image
from torch import nn
from torch.nn import functional as f

from kinoloom import tiny

PHOTOS = Path(__file__).parents[1] / "photos"
SIDE = 24


class Denoiser(nn.Module):
    """A residual denoiser of three convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
            nn.Conv2d(12, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Denoise images (N, 1, SIDE, SIDE)."""
        return x + self.body(x)


def crop_photo(photo: str, count: int, seed: int) -> np.ndarray:
    """Crop a photo at half size to (count, 1, SIDE, SIDE) float32 in -1..1."""
    random = np.random.default_rng(seed)
    with Image.open(PHOTOS / photo) as image:
        grey = np.asarray(image.convert("L").reduce(2), np.float32) / 127.5 - 1
    rows, columns = (random.integers(0, n - SIDE, count) for n in grey.shape)
    return np.stack([grey[y : y + SIDE, x : x + SIDE] for y, x in zip(rows, columns, strict=True)])[
        :, None
    ]


def add_noise(scenes: np.ndarray, stripes: float, seed: int) -> np.ndarray:
    """Add white noise and stripe noise, an offset per column."""
    random = np.random.default_rng(seed)
    images = scenes + random.normal(0, 0.1, scenes.shape)
    images += stripes * random.normal(0, 1, (len(scenes), 1, 1, SIDE))
    return images.clip(-1, 1).astype(np.float32)


def score_psnr(pairs: list[tuple[Any, Any]]) -> Callable[[Callable[[Any], Any]], float]:
    """Return a function that scores a network by its PSNR in dB, for values in -1..1."""

    def score(run: Callable[[Any], Any]) -> float:
        error = np.mean([(run(x) - clean) ** 2 for x, clean in pairs])
        return float(10 * np.log10(4 / error))

    return score


def main() -> None:
    """Pretrain, compile, train on the device, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=6, help="epochs on the device")
    parser.add_argument("--pretrain", type=int, default=400, help="pretraining steps")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    scenes, test = crop_photo("basketball1.png", 300, 1), crop_photo("basketball2.png", 60, 2)
    model, x, y = Denoiser(), torch.from_numpy(add_noise(scenes, 0, 3)), torch.from_numpy(scenes)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(arguments.pretrain):
        part = torch.randint(len(x), (16,))
        optimiser.zero_grad()
        f.mse_loss(model(x[part]), y[part]).backward()
        optimiser.step()
    striped = add_noise(scenes, 0.2, 4)
    pairs = list(zip(striped, scenes, strict=True))
    data = [one[None] for one in striped[:50]]
    compiled = tiny.compile(model.eval(), data[0], "mse", data=data)
    score = score_psnr(list(zip(add_noise(test, 0.2, 5), test, strict=True)))
    scores = train_on_device(compiled, pairs, score, lr=0.02, epochs=arguments.epochs)
    print_result(compiled, "PSNR in dB", *scores)


if __name__ == "__main__":
    main()
