"""A wristband that adapts to its owner: a TCN or a GRU over three axes of acceleration.

python examples/tiny/gestures.py [--net gru]    (requires the extra `train`)

The gestures are synthetic: a circle, a swipe, a shake and a tap with random speed, size and noise.
The network is pretrained on people who wear the band in one orientation. The owner wears it
rotated, which permutes the axes, and the band trains on forty labelled gestures.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from device import print_result, score_accuracy, train_on_device
from torch import nn
from torch.nn import functional as f

from kinoloom import tiny

STEPS = 32
RATES = {"tcn": 0.03, "gru": 0.1}


class Temporal(nn.Module):
    """Three causal convolutions with doubling dilation."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((3, 12), (12, 12), (12, 16))
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, 3, dilation=2**i) for i, (a, b) in enumerate(sizes)
        )
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, 3, STEPS) to four logits."""
        for i, layer in enumerate(self.layers):
            x = torch.relu(layer(f.pad(x, (2 ** (i + 1), 0))))
        return self.head(x.mean(-1))


class Recurrent(nn.Module):
    """A gated recurrent unit with a classifier of the last state."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(3, 16, batch_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, 3, STEPS) to four logits."""
        return self.head(self.cell(x.transpose(1, 2))[0][:, -1])


def make_gesture(kind: int, random: np.random.Generator) -> np.ndarray:
    """Generate a gesture: (3, STEPS) float32 accelerations."""
    t = np.linspace(0, 1, STEPS) * random.uniform(0.7, 1.3) + random.uniform(0, 0.3)
    size, turn = random.uniform(0.6, 1.2), 2 * np.pi * t
    bump = np.exp(-((t - 0.6) ** 2) / 0.01)
    rows = (
        (np.sin(turn), np.cos(turn), 0.1 * np.sin(turn)),
        (np.sin(turn / 2), 0.2 * np.cos(turn / 2), 0.3 * np.sin(turn)),
        (np.sin(5 * turn), 0.3 * np.cos(5 * turn), 0.2 * np.sin(turn)),
        (0.2 * bump, 0.2 * np.roll(bump, 1), 1.5 * bump),
    )[kind]
    return (size * np.array(rows) + random.normal(0, 0.15, (3, STEPS))).astype(np.float32)


def make_gestures(count: int, seed: int, rotation: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Generate gestures of all kinds in turn; `rotation` (3, 3) is the orientation of the band."""
    random = np.random.default_rng(seed)
    return [(rotation @ make_gesture(i % 4, random), i % 4) for i in range(count)]


def pretrain(model: nn.Module, examples: list[tuple[np.ndarray, int]], steps: int) -> nn.Module:
    """Pretrain a network with Adam."""
    x = torch.from_numpy(np.stack([x for x, _ in examples]))
    y = torch.tensor([label for _, label in examples])
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        part = torch.randint(len(x), (32,))
        optimiser.zero_grad()
        f.cross_entropy(model(x[part]), y[part]).backward()
        optimiser.step()
    return model.eval()


def main() -> None:
    """Pretrain, compile, train on the device, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", choices=("tcn", "gru"), default="tcn")
    parser.add_argument("--epochs", type=int, default=20, help="epochs on the owner's gestures")
    parser.add_argument("--pretrain", type=int, default=300, help="pretraining steps")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    upright = np.eye(3, dtype=np.float32)
    rotated = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], np.float32)
    people, owner = make_gestures(400, 1, upright), make_gestures(40, 2, rotated)
    net = {"tcn": Temporal, "gru": Recurrent}[arguments.net]()
    model = pretrain(net, people, arguments.pretrain)
    compiled = tiny.compile(model, people[0][0][None], data=[x[None] for x, _ in people[:100]])
    score = score_accuracy(make_gestures(200, 3, rotated))
    scores = train_on_device(
        compiled, owner, score, lr=RATES[arguments.net], epochs=arguments.epochs
    )
    print_result(compiled, f"accuracy of the {arguments.net} on the owner's gestures", *scores)


if __name__ == "__main__":
    main()
