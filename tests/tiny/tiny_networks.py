"""Small networks that the tests compile, and random ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional as f

from kinoloom.tiny.build import Builder, ConvValues, Result
from kinoloom.tiny.front.read import read_module
from kinoloom.tiny.ir import Array, Geometry, Program, Quant
from kinoloom.tiny.quantise import quantise


class Everything(nn.Module):
    """Every operator of pictures at least once: strides, groups, padding, joins."""

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
    """Picture to picture, for the squared error."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


SHAPES: dict[type[nn.Module], tuple[int, ...]] = {
    Everything: (1, 2, 9, 8),
    Series: (1, 3, 12),
    Painter: (1, 1, 6, 7),
}


def made(kind: type[nn.Module], seed: int = 0) -> nn.Module:
    """A network with random weights and statistics, in eval mode."""
    torch.manual_seed(seed)
    model = kind()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.eval()


def inputs(shape: tuple[int, ...], count: int = 12, seed: int = 0) -> list[Array]:
    """Random inputs."""
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) for _ in range(count)]


@cache
def quantised(kind: type[nn.Module], seed: int = 0) -> Program:
    """The inference program of a network."""
    data = inputs(SHAPES[kind], seed=seed)
    return quantise(read_module(made(kind, seed), data[0], data), "net")


def random_program(seed: int) -> Program:
    """A chain of random layers of random sizes, with residuals where they fit; without torch."""
    random = np.random.default_rng(seed)
    builder = Builder("net")
    shape = (int(random.integers(1, 5)), *(int(n) for n in random.integers(5, 10, size=2)))
    builder.input("x", shape, Quant(0.02, int(random.integers(-128, 128))))
    name = "x"
    for i in range(int(random.integers(2, 6))):
        made = _random_layer(builder, random, f"layer{i}", name, i)
        name = f"layer{i}"
        if builder.tensors[made].shape == builder.tensors[name].shape and i % 2:
            builder.add(f"sum{i}", made, name, _random_result(random))
            name = f"sum{i}"
    c, h, w = builder.tensors[name].shape
    builder.average_pool(
        "mean", name, Geometry(c, h, w, c, 1, 1, h, w), h * w, Result(Quant(0.02, -3))
    )
    head = Geometry(c, 1, 1, 3, 1, 1, 1, 1)
    builder.conv("head", "mean", head, _random_values(random, head), None)
    return builder.program("x", "head")


def _random_result(random: np.random.Generator) -> Result:
    low, high = sorted(int(n) for n in random.choice([-128, -60, 0, 90, 127], 2, replace=False))
    return Result(
        Quant(float(random.uniform(0.01, 0.05)), int(random.integers(-128, 128))), low, high
    )


def _random_values(random: np.random.Generator, g: Geometry) -> ConvValues:
    weight = random.integers(-127, 128, (g.cout, g.cin // g.groups, g.kh, g.kw))
    bias, scales = random.integers(-2000, 2000, g.cout), random.uniform(1e-3, 1e-2, g.cout)
    return ConvValues(weight, bias, scales)


def _random_layer(builder: Builder, random: np.random.Generator, name: str, x: str, i: int) -> str:
    """Add a layer; the name of what it reads."""
    c, h, w = builder.tensors[x].shape
    (kh, kw), (sy, sx) = random.integers(1, 4, size=2), random.integers(1, 3, size=2)
    py, px, dy, dx = int(kh) // 2, int(kw) // 2, 1, int(random.integers(1, 3))
    oh = (h + 2 * py - dy * (int(kh) - 1) - 1) // int(sy) + 1
    ow = (w + 2 * px - dx * (int(kw) - 1) - 1) // int(sx) + 1
    if oh < 1 or ow < 1:
        kh, kw, sy, sx, py, px, dx, oh, ow = 1, 1, 1, 1, 0, 0, 1, h, w
    kind = str(random.choice(["dense", "dense", "depthwise", "grouped", "max", "scale"]))
    out, groups = int(random.integers(1, 7)), 1
    if kind in ("depthwise", "max", "scale"):
        out, groups = c, c
    elif kind == "grouped" and c % 2 == 0:
        out, groups = 2 * out, 2
    g = Geometry(c, h, w, out, oh, ow, int(kh), int(kw), int(sy), int(sx), py, px, dy, dx, groups)
    if kind == "max":
        builder.max_pool(name, x, replace(g, groups=1))
    elif kind == "scale":
        builder.rescale(name, x, (c, h, w), _random_result(random))
    else:
        builder.conv(name, x, g, _random_values(random, g), _random_result(random))
    return x
