"""Forward values and all gradients against torch's autograd on an independent reference."""

import numpy as np
import pytest
import torch
from tiny_networks import SHAPES, build_inference, loss_of, random_inputs
from torch import nn
from torch.nn import functional
from torch_twin import Twin, assert_gradients

from kinoloom.tiny.ir import backward_ops as b
from kinoloom.tiny.ir import forward_ops as f
from kinoloom.tiny.ir.program import Program
from kinoloom.tiny.simulate.simulator import Simulator
from kinoloom.tiny.training.autodiff import build_training_program
from kinoloom.tiny.training.options import TrainingOptions
from kinoloom.tiny.training.scheme import full_update

KINDS = list(SHAPES)


def build_program(kind: type[nn.Module], inference: Program) -> Program:
    options = TrainingOptions(loss_of(kind))
    return build_training_program(inference, full_update(inference), options)


OPERATORS = {
    *(f.Conv, f.Add, f.Rescale, f.Concat, f.AveragePool, f.MaxPool, f.Dequantise),
    *(f.SoftmaxLoss, f.MseLoss, b.MaskGrad, b.ConvGradX, b.WeightGrad, b.BiasGrad),
    *(b.Accumulate, b.AveragePoolGrad, b.MaxPoolGrad, b.SliceGrad),
}


def test_networks_cover_every_operator() -> None:
    seen = {type(op) for kind in KINDS for op in build_program(kind, build_inference(kind)).ops}
    assert seen >= OPERATORS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_match_torch(kind: type[nn.Module], seed: int) -> None:
    inference = build_inference(kind, seed)
    program = build_program(kind, inference)
    device, twin = Simulator(program), Twin(inference)
    x = device.quantise(random_inputs(SHAPES[kind], 1, seed + 9)[0])
    real = twin.forward(x)
    square = loss_of(kind) == "mse"
    label = np.full(real.shape, 0.25, np.float32) if square else 1
    found = device.train_step(x, label, 0.0)
    if square:
        loss = functional.mse_loss(real, torch.from_numpy(label).double())
    else:
        loss = functional.cross_entropy(real.reshape(1, -1), torch.tensor([1]))
    loss.backward()
    output = device.memory[program.output] if not square else device.forward(x)
    np.testing.assert_allclose(output.ravel(), real.detach().ravel(), rtol=1e-5, atol=1e-5)
    assert found == pytest.approx(loss.item(), rel=1e-5)
    device.train_step(x, label, 0.0)
    assert_gradients(device, twin, 2e-4, 2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_quantised_output_is_close_to_float(kind: type[nn.Module]) -> None:
    from tiny_networks import build_model

    from kinoloom.tiny.front.read import run_module

    inference, data = build_inference(kind), random_inputs(SHAPES[kind])
    device = Simulator(inference)
    want = np.array(run_module(build_model(kind), data)).reshape(len(data), -1)
    got = np.array([device.forward(device.quantise(x)).ravel() for x in data])
    spread = want.max() - want.min()
    assert np.abs(got - want).max() < 0.04 * spread
