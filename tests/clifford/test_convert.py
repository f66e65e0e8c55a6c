"""Tests of converted weights against published outputs (golden file: make_golden.py)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from kinoloom.clifford.layers.conv import CliffordConv1d, CliffordConv2d, CliffordConv3d
from kinoloom.clifford.layers.convert import convert_weights
from kinoloom.clifford.layers.layout import blades_first, blades_last
from kinoloom.clifford.layers.linear import CliffordLinear
from kinoloom.clifford.layers.norm import CliffordBatchNorm, CliffordGroupNorm
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
from kinoloom.clifford.layers.spectral import CliffordSpectralConv2d, CliffordSpectralConv3d
from kinoloom.errors import UsageError, WeightsError

GOLDEN = Path(__file__).parent / "published.npz"
LAYERS = {
    "linear": lambda: CliffordLinear((1, -1, 0), 2, 3),
    "conv1d": lambda: CliffordConv1d((-1,), 2, 3, 3, padding=1),
    "conv2d": lambda: CliffordConv2d((1, -1), 2, 3, 3, stride=2),
    "conv3d": lambda: CliffordConv3d((1, 0, -1), 1, 2, 2),
    "rotation": lambda: CliffordRotationConv2d(2, 2, 3, padding=1),
    "spectral2d": lambda: CliffordSpectralConv2d((1, 1), 2, 2, 2, 1),
    "batch_norm": lambda: CliffordBatchNorm((1, 1), 2),
}


def load_golden(name: str) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    with np.load(GOLDEN) as stored:
        held = {key: torch.tensor(stored[key]) for key in stored if key.startswith(f"{name}/")}
    head = f"{name}/state/"
    state = {key.removeprefix(head): v for key, v in held.items() if key.startswith(head)}
    return held[f"{name}/x"], held[f"{name}/y"], state


@pytest.mark.parametrize("name", LAYERS)
def test_converted_layer_reproduces_published_output(name: str) -> None:
    x, y, state = load_golden(name)
    layer = LAYERS[name]()
    layer.load_state_dict(convert_weights(layer, state))
    result = blades_last(layer.eval()(blades_first(x)))
    torch.testing.assert_close(result, y, atol=2e-5, rtol=2e-5)


def test_network_is_converted_layer_by_layer() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = CliffordConv2d((1, -1), 2, 3, 3, stride=2)
            self.plain = nn.Linear(2, 2)

    _, _, state = load_golden("conv2d")
    plain = {"plain.weight": torch.ones(2, 2), "plain.bias": torch.zeros(2)}
    net = Net()
    net.load_state_dict(convert_weights(net, {f"first.{k}": v for k, v in state.items()} | plain))
    assert (net.plain.weight == 1).all()
    torch.testing.assert_close(net.first.weight[2], state["weight.2"])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (CliffordConv2d((1, 1), 2, 2, groups=2), "mixes all groups"),
        (CliffordConv2d((1, 1), 2, 2, in_grades=[1]), "have all grades"),
        (CliffordSpectralConv2d((-1, -1), 1, 1, 1, 1), "not a Clifford Fourier layer"),
        (CliffordSpectralConv3d((1, 1, 1), 1, 1, 1, 1, 1), "not a Clifford Fourier layer"),
        (CliffordGroupNorm((1, 1), 1, 2), "does not whiten its groups"),
        (CliffordBatchNorm((1, 1), 2, track_running_stats=False), "running statistics"),
    ],
)
def test_layers_that_deviate_from_the_published_ones_are_refused(
    layer: nn.Module, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        convert_weights(layer, {})


def test_missing_and_misshapen_tensors_are_reported() -> None:
    _, _, state = load_golden("linear")
    with pytest.raises(
        WeightsError, match=r"tensor 'weight' of layer CliffordLinear is missing.*bias"
    ):
        convert_weights(CliffordLinear((1, -1, 0), 2, 3), {"bias": state["bias"]})
    with pytest.raises(WeightsError, match=r"has shape \(8, 3, 2\): expected \(8, 4, 2\)"):
        convert_weights(CliffordLinear((1, -1, 0), 2, 4), state)
