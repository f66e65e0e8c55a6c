"""Small networks for time series and token sequences, in typical user code."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as f
from torch.nn.utils.parametrizations import weight_norm


class Recurrent(nn.Module):
    """Two GRU layers over features-last input, with a classifier of the last step."""

    shape = (1, 7, 3)

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.GRU(3, 5, num_layers=2, batch_first=True)
        self.head = nn.Linear(5, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.cells(x)[0][:, -1])


class Listener(nn.Module):
    """A convolution, then a GRU without biases, with a classifier of the last state."""

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
    """Two explicit attention heads with position embeddings, as in many tutorials."""

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
    """All activation functions that become tables, factors, offsets and views."""

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
        activated = torch.cat([curve(part) for curve, part in zip(curves, parts, strict=True)], 1)
        flipped = (
            torch.cat([f.softplus(activated[:, 4:, ::2]), activated[:, :4, 1::2]], 1).flip(2) - 0.5
        )
        return self.head(torch.cat([flipped, activated[..., :3]], 2).flatten(1))


class Chomp(nn.Module):
    """Removes the padding at the end."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, : -self.count].contiguous()


class Temporal(nn.Module):
    """A temporal block of Bai et al. 2018 in its common form: weight norm, chomp, dropout."""

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
