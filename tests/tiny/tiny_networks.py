"""Small networks that the tests compile."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional as f

from kinoloom.tiny.front.read import read_module
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.quantisation.quantise import quantise
from kinoloom.tiny.simulate.simulator import Simulator
from kinoloom.tiny.training.options import Loss


class Everything(nn.Module):
    """A network with all image operators: strides, groups, padding, concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 5, stride=2, padding=2, groups=8)
        self.grouped = nn.Conv2d(8, 8, (1, 3), padding=(0, 1), groups=2)
        self.project = nn.Conv2d(8, 8, 1)
        self.head = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.first(x)))
        x = f.relu6(self.depthwise(x))
        y = self.project(self.grouped(x))
        x = torch.relu(x + y)
        joined = torch.cat([f.max_pool2d(x, 3, 2, 1), f.avg_pool2d(x, 3, 2, 1)], 1)
        return self.head(f.adaptive_avg_pool2d(joined.clamp(-0.1, 2.0), 1).flatten(1))


class Series(nn.Module):
    """A temporal convolution network: causal padding, dilation, a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(3, 6, 3)
        self.second = nn.Conv1d(6, 6, 3, dilation=2)
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(f.pad(x, (2, 0))))
        x = x + torch.relu(self.second(f.pad(x, (4, 0))))
        return self.head(x.mean(-1))


class Painter(nn.Module):
    """An image-to-image network for the mean squared error."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


class Clipped(nn.Module):
    """A network with int8 output: a final clamp that max pooling cannot absorb."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1), nn.MaxPool2d(2, 1), nn.Hardtanh(-0.2, 0.4)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


class Bottleneck(nn.Module):
    """Two inverted bottlenecks, one of stride two, one with a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.wide = nn.Sequential(
            nn.Conv2d(4, 12, 1), nn.ReLU6(),
            nn.Conv2d(12, 12, 3, stride=2, padding=1, groups=12), nn.ReLU6(), nn.Conv2d(12, 6, 1),
        )  # fmt: skip
        self.again = nn.Sequential(
            nn.Conv2d(6, 15, 1), nn.ReLU6(),
            nn.Conv2d(15, 15, 5, padding=2, groups=15), nn.ReLU6(), nn.Conv2d(15, 6, 1),
        )  # fmt: skip
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.wide(torch.relu(self.first(x)))
        x = x + self.again(x)
        return self.head(f.adaptive_avg_pool2d(x, 1).flatten(1))


SHAPES: dict[type[nn.Module], tuple[int, ...]] = {
    Everything: (1, 2, 9, 8),
    Series: (1, 3, 12),
    Painter: (1, 1, 6, 7),
    Bottleneck: (1, 2, 9, 10),
    Clipped: (1, 2, 5, 4),
}


def build_model(kind: type[nn.Module], seed: int = 0) -> nn.Module:
    """Return a network with random weights and statistics, in eval mode."""
    torch.manual_seed(seed)
    model = kind()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.eval()


def random_inputs(shape: tuple[int, ...], count: int = 12, seed: int = 0) -> list[Array]:
    """Return random inputs."""
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) for _ in range(count)]


@cache
def build_inference(kind: type[nn.Module], seed: int = 0) -> Program:
    """Return the inference program of a network."""
    data = random_inputs(SHAPES[kind], seed=seed)
    return quantise(read_module(build_model(kind, seed), data[0], data), "net")


def loss_of(kind: type[nn.Module]) -> Loss:
    """Return the loss of a network: mean squared error for images, else cross-entropy."""
    return "mse" if kind in (Painter, Clipped) else "cross-entropy"


def has_learned(device: Simulator) -> bool:
    """Return whether the trained tensors differ from their initial values."""
    initial = device.program.initial
    return any((device.memory.params[name] != initial[name]).any() for name in initial)
