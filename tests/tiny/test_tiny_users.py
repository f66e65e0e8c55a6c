"""Typical networks compile unchanged, match float32 and train."""

from typing import Any

import numpy as np
import pytest
import torch
from tiny_networks import random_inputs
from torch import nn
from torch.nn import functional as f

from kinoloom import tiny
from kinoloom.errors import ArrayError, UsageError
from kinoloom.tiny.evaluation.fidelity import measure_fidelity
from kinoloom.tiny.front.read import read_module, run_module
from kinoloom.tiny.quantisation.quantise import quantise


class LeNet(nn.Module):
    shape = (1, 1, 20, 20)

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 5), nn.Conv2d(4, 8, 5)
        self.drop = nn.Dropout2d(0.25)
        self.fc1, self.fc2 = nn.Linear(8 * 2 * 2, 16), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = f.max_pool2d(f.relu(self.conv1(x)), 2)
        x = f.relu(f.max_pool2d(self.drop(self.conv2(x)), 2))
        x = torch.flatten(x, 1)
        return self.fc2(f.dropout(f.relu(self.fc1(x)), training=self.training))


class Block(nn.Module):
    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(
                nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.shortcut(x)
        return self.relu(out)


class ResNet(nn.Module):
    shape = (1, 3, 12, 12)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 1, 1), nn.BatchNorm2d(6), nn.ReLU6())
        self.blocks = nn.Sequential(Block(6, 6, 1), Block(6, 8, 2))
        self.pool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.pool(self.blocks(self.stem(x))).view(x.size(0), -1))


class MobileNet(nn.Module):
    shape = (1, 3, 12, 12)

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.Hardswish(),
            nn.Conv2d(6, 12, 1), nn.BatchNorm2d(12), nn.Hardtanh(0, 6),
            nn.Conv2d(12, 12, 3, 1, 1, groups=12), nn.BatchNorm2d(12), nn.ReLU6(),
            nn.Conv2d(12, 8, 1), nn.BatchNorm2d(8),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(8, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).mean((2, 3)))


class Perceptron(nn.Module):
    shape = (1, 3, 4)

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(12, 16), nn.BatchNorm1d(16), nn.LeakyReLU(0.1),
            nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Channels(nn.Module):
    """Features last at the input, as in many recordings; pre-activation; max pooling over time."""

    shape = (1, 16, 3)

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.conv = nn.Conv1d(3, 8, 5, padding="same", dilation=2)
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = f.elu(self.conv(self.norm(x.permute(0, 2, 1))))
        return self.head(torch.cat([x.amax(2), F(x).squeeze(-1)], dim=1))


def F(x: torch.Tensor) -> torch.Tensor:  # noqa: N802  a common name in user code
    """Pool to one element."""
    return f.adaptive_avg_pool1d(x, 1)


KINDS = [LeNet, ResNet, MobileNet, Perceptron, Channels]


def model_of(kind: Any) -> nn.Module:
    torch.manual_seed(1)
    model: nn.Module = kind()
    with torch.no_grad():
        model.train()
        model(torch.randn(64, *kind.shape[1:]))  # statistics of the batch norms
    return model.eval()


@pytest.mark.parametrize("kind", KINDS)
def test_typical_network_compiles_matches_float_and_trains(kind: Any) -> None:
    model = model_of(kind)
    data = [x + 0.8 * (i % 4) - 1.2 for i, x in enumerate(random_inputs(kind.shape, 24, 2))]
    compiled = tiny.compile(model, data[0], "cross-entropy", data=data, budget=48 * 1024)
    assert compiled.ram_bytes <= 48 * 1024
    agreed = measure_fidelity(compiled.inference, data, run_module(model, data))
    assert agreed.sqnr_db > 25
    assert agreed.max_error < 0.05
    assert agreed.top1_agreement >= 0.9
    device = compiled.simulator()
    examples = [(device.quantise(x), i % 4) for i, x in enumerate(data[:4])]
    losses = [sum(device.train_step(x, y, 0.1) for x, y in examples) for _ in range(70)]
    assert losses[-1] < 0.6 * losses[0]


def test_in_place_activation_modifies_its_input() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x)
            return f.relu(y, inplace=True).mean((2, 3)) + y.mean((2, 3))

    torch.manual_seed(0)
    model, data = Shared().eval(), random_inputs((1, 1, 6, 6), 8)
    program = quantise(read_module(model, data[0], data), "net")
    agreed = measure_fidelity(program, data, run_module(model, data))
    assert agreed.sqnr_db > 25


def test_fidelity_metrics_and_errors() -> None:
    data = random_inputs(Perceptron.shape, 10)
    model = model_of(Perceptron)
    program = quantise(read_module(model, data[0], data), "net")
    expected = run_module(model, data)
    right = [int(y.argmax()) for y in expected]
    agreed = measure_fidelity(program, data, expected, right)
    assert agreed.float_accuracy == 1.0
    assert agreed.int8_accuracy == agreed.top1_agreement
    worse = measure_fidelity(program, data, [y + 1 for y in expected])
    assert worse.sqnr_db < agreed.sqnr_db
    with pytest.raises(ArrayError, match="10 inputs and 9 outputs: expected equal"):
        measure_fidelity(program, data, expected[:9])
    with pytest.raises(ArrayError, match="3 labels"):
        measure_fidelity(program, data, expected, [0, 1, 2])


class Noisy(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.randn(1, 5, 4)


class Odd(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.inner = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        results = self.inner(x)
        return results[0] if isinstance(results, tuple) else results


UNSUPPORTED = [
    (Noisy(), "it is random", ""),
    (nn.LSTM(4, 3, batch_first=True), r"lstm.* inner \(LSTM\).*", "Use nn.GRU"),
    (nn.GRU(4, 3), "the batch axis must come first", ""),
    (nn.GRU(4, 3, batch_first=True, bidirectional=True), "bidirectional cells", ""),
    (nn.GroupNorm(1, 5), "group_norm", "Use nn.BatchNorm2d"),
    (nn.PReLU(), "prelu", "Use nn.LeakyReLU"),
    (nn.LogSoftmax(-1), "log_softmax", "has its own softmax"),
    (nn.LayerNorm((5, 4)), "over the last axis only", ""),
    (nn.ConvTranspose1d(5, 2, 3), "conv_transpose1d", "Use nn.Conv1d"),
    (nn.MaxPool1d(3, ceil_mode=True, stride=2, padding=1), "ceil_mode", ""),
]


@pytest.mark.parametrize(("layer", "why", "instead"), UNSUPPORTED, ids=lambda v: type(v).__name__)
def test_unsupported_operator_error_names_location_and_replacement(
    layer: nn.Module, why: str, instead: str
) -> None:
    x = np.zeros((1, 5, 4), np.float32)
    with pytest.raises(UsageError, match=why) as refused:
        read_module(Odd(layer).eval(), x, [x])
    assert instead in str(refused.value.hint or "") or instead in str(refused.value)
