"""Small networks with elementwise products, in typical user code."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as f


class SqueezeExcite(nn.Module):
    """The block of Hu et al. 2018 in its common form: linear layers, view, expand_as."""

    shape = (1, 2, 7, 6)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(6, 3, bias=False), nn.ReLU(inplace=True), nn.Linear(3, 6, bias=False),
            nn.Sigmoid(),
        )  # fmt: skip
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        b, c, _, _ = x.size()
        gates = self.fc(self.pool(x).view(b, c)).view(b, c, 1, 1)
        x = x * gates.expand_as(x)
        return self.head(x.amax((2, 3)))


class MobileBlock(nn.Module):
    """An inverted bottleneck of MobileNetV3: pointwise convolutions as gates, a residual."""

    shape = (1, 4, 6, 6)

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(4, 8, 1), nn.Hardswish())
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.reduce, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.project, self.head = nn.Conv2d(8, 4, 1), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = f.hardswish(self.depthwise(self.expand(x)))
        gates = f.hardsigmoid(self.excite(f.relu(self.reduce(y.mean((2, 3), keepdim=True)))))
        x = x + self.project(gates * y)
        return self.head(x.mean((2, 3)))


class GatedSeries(nn.Module):
    """tanh times sigmoid as in WaveNet, a gated linear unit, and a product of halves."""

    shape = (1, 3, 12)

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Conv1d(3, 6, 3, padding=1)
        self.gate = nn.Conv1d(3, 6, 3, padding=1)
        self.unit = nn.Sequential(nn.Conv1d(6, 8, 3, padding=2, dilation=2), nn.GLU(dim=1))
        self.head = nn.Linear(2, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.tanh(self.value(x)) * torch.sigmoid(self.gate(x))
        first, second = self.unit(x).chunk(2, dim=1)
        return self.head((first * second).clamp(-1, 1).mean(-1))


class Maps(nn.Module):
    """Spatial, row and column gates, an outer product, and a product with the flipped value."""

    shape = (1, 3, 5, 6)

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Conv2d(2, 1, 3, padding=1)
        self.row, self.column = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.factor = nn.Parameter(torch.tensor(1.5))
        self.head = nn.Linear(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        place = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        x *= torch.sigmoid(self.place(place))
        rows, columns = x.mean(3, keepdim=True), x.mean(2, keepdim=True)
        x = x * torch.sigmoid(self.row(rows)) * torch.sigmoid(self.column(columns))
        x = x * x.flip(3) + rows * columns
        return self.head((self.factor * x).mean((2, 3)))


KINDS = [SqueezeExcite, MobileBlock, GatedSeries, Maps]
