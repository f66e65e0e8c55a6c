"""Small networks for series and sets of tokens, as their users write them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as f
from torch.nn.utils.parametrizations import weight_norm


class Recurrent(nn.Module):
    """Two GRU layers over features-last input; the last step is classified."""

    shape = (1, 7, 3)

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.GRU(3, 5, num_layers=2, batch_first=True)
        self.head = nn.Linear(5, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.cells(x)[0][:, -1])


class Listener(nn.Module):
    """A convolution, then a GRU without biases, of which the last state is read."""

    shape = (1, 3, 12)

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Conv1d(3, 4, 3, stride=2, padding=1)
        self.cell = nn.GRU(4, 6, bias=False, batch_first=True)
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, last = self.cell(torch.relu(self.front(x)).transpose(1, 2))
        return self.head(last.squeeze(0))


class Attentive(nn.Module):
    """Two heads of attention written out, with places of tokens, as in many tutorials."""

    shape = (1, 6, 8)

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(1, 6, 8) * 0.3)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.places
        q, k, v = (part.view(1, 6, 2, 4).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        chances = (q @ k.transpose(-2, -1) / 2).softmax(dim=-1)
        x = x + self.out((chances @ v).transpose(1, 2).reshape(1, 6, 8))
        return self.head(x.mean(1))


class Transformer(nn.Module):
    """torch's own encoder layer: attention, layer norms, a GELU."""

    shape = (1, 5, 8)

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, activation=f.gelu, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(x).mean(1))


class Curves(nn.Module):
    """Every function that becomes a table, factors and terms, moves of elements."""

    shape = (1, 4, 6)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 8, 3, padding="same")
        self.head = nn.Linear(48, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = (1 - 2 * self.first(x / 2)).split(1, dim=1)
        curves = (
            torch.sigmoid, torch.tanh, f.silu, f.gelu, f.hardswish, f.hardsigmoid, f.leaky_relu,
            f.elu,
        )  # fmt: skip
        made = torch.cat([curve(part) for curve, part in zip(curves, parts, strict=True)], 1)
        flipped = torch.cat([f.softplus(made[:, 4:, ::2]), made[:, :4, 1::2]], 1).flip(2) - 0.5
        return self.head(torch.cat([flipped, made[..., :3]], 2).flatten(1))


class Chomp(nn.Module):
    """Drops what padding added at the right."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, : -self.count].contiguous()


class Temporal(nn.Module):
    """A temporal block of Bai et al. 2018 as it is widely copied: weight norm, chomp, dropout."""

    shape = (1, 3, 10)

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (3, 6):
            conv = nn.Conv1d(inputs, 6, 3, padding=4, dilation=2)
            layers += [weight_norm(conv), Chomp(4), nn.ReLU(), nn.Dropout(0.2)]
        self.block = nn.Sequential(*layers)
        self.across = nn.Conv1d(3, 6, 1)
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.block(x) + self.across(x))
        return self.head(x[:, :, -1])


KINDS = [Recurrent, Listener, Attentive, Transformer, Curves, Temporal]
