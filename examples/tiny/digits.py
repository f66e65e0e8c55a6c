"""A digit classifier that learns new classes: 0-4 in pretraining, 5-9 on the device.

python examples/tiny/digits.py    (requires the extras `train` and `dev`)
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from device import print_result, score_accuracy, train_on_device
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from kinoloom import tiny


def pretrain(images: np.ndarray, labels: np.ndarray, epochs: int) -> nn.Module:
    """Pretrain a small convolutional network with Adam."""
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
    """Pretrain, compile, train on the device, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=6, help="epochs on the device")
    epochs = parser.parse_args().epochs
    data = load_digits()
    images = (data.images / 8 - 1).astype(np.float32)[:, None]
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order], data.target[order]
    old, new = labels < 5, np.flatnonzero(labels >= 5)
    model = pretrain(images[old], labels[old], 2 * epochs)
    examples = [(images[i], int(labels[i])) for i in new]
    compiled = tiny.compile(model, images[:1], data=[x[None] for x in images[old][:100]])
    scores = train_on_device(
        compiled, examples[:400], score_accuracy(examples[400:]), lr=0.05, epochs=epochs
    )
    print_result(compiled, "accuracy on 5-9", *scores)


if __name__ == "__main__":
    main()
