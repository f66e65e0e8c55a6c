"""The float32 reference network: its outputs and SGD steps match torch."""

from typing import Any

import numpy as np
import pytest
import torch
from gated_networks import KINDS as GATED
from sequence_networks import KINDS as SEQUENCES
from test_tiny_users import KINDS as USERS
from tiny_networks import Everything, Painter, build_model, random_inputs
from torch import nn
from torch.nn import functional as f

from kinoloom.tiny.front.read import read_module, run_module
from kinoloom.tiny.front.torch_network import TorchNetwork


class Pictures(Everything):
    shape = (1, 2, 9, 8)


@pytest.mark.parametrize("kind", [*SEQUENCES, *GATED, *USERS, Pictures])
def test_output_matches_the_module(kind: Any) -> None:
    model, data = build_model(kind), random_inputs(kind.shape, 3)
    net = TorchNetwork(read_module(model, data[0], data))
    for x, want in zip(data, run_module(model, data), strict=True):
        np.testing.assert_allclose(net.forward(x).ravel(), want.ravel(), rtol=1e-4, atol=1e-5)


def test_steps_match_torch_sgd() -> None:
    model, data = build_model(Painter), random_inputs((1, 1, 6, 7), 4)
    net = TorchNetwork(read_module(model, data[0], data), "mse")
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for x in data:
        loss = f.mse_loss(model(torch.from_numpy(x)), torch.zeros(1, 1, 6, 7))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert net.train_step(x, np.zeros((1, 6, 7)), 0.1) == pytest.approx(loss.item(), rel=1e-5)
    conv = model.body[0]
    assert isinstance(conv, nn.Conv2d)
    learned = net.leaves["body_0.weight"].detach()
    torch.testing.assert_close(learned, conv.weight.detach(), rtol=1e-4, atol=1e-6)


def test_cross_entropy_training_lowers_the_loss() -> None:
    kind = SEQUENCES[0]
    model, data = build_model(kind), random_inputs(kind.shape, 3)
    net = TorchNetwork(read_module(model, data[0], data))
    logits = torch.from_numpy(net.forward(data[0]).ravel())
    want = f.cross_entropy(logits[None], torch.tensor([2])).item()
    losses = [net.train_step(data[0], 2, 0.1) for _ in range(25)]
    assert losses[0] == pytest.approx(want, rel=1e-5)
    assert losses[-1] < 0.5 * losses[0]
