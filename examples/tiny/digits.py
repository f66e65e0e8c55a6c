"""Learn new digits: 0-4 on a computer, 5-9 on the device.

python examples/tiny/digits.py    (needs the extras `train` and `dev`)
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from device import accuracy, learn, report
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from kinoloom import tiny


def pretrained(images: np.ndarray, labels: np.ndarray, epochs: int) -> nn.Module:
    """Train a small convolutional network with Adam and return it."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(epochs):
        for part in torch.randperm(len(x)).split(32):
            optimiser.zero_grad()
            functional.cross_entropy(model(x[part]), y[part]).backward()
            optimiser.step()
    return model.eval()


def main() -> None:
    """Pretrain, compile, train on the device, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=6, help="passes over the examples")
    epochs = parser.parse_args().epochs
    data = load_digits()
    images = (data.images / 8 - 1).astype(np.float32)[:, None]
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order], data.target[order]
    old, new = labels < 5, np.flatnonzero(labels >= 5)
    model = pretrained(images[old], labels[old], 2 * epochs)
    examples = [(images[i], int(labels[i])) for i in new]
    compiled = tiny.compile(model, images[:1], data=[x[None] for x in images[old][:100]])
    outcome = learn(compiled, examples[:400], accuracy(examples[400:]), lr=0.05, epochs=epochs)
    report(compiled, "accuracy on 5-9", *outcome)


if __name__ == "__main__":
    main()
