"""Digits transfer: learn 0-4 on a computer, 5-9 on the device. python -m benchmarks.tiny_digits

The same network, examples, order and learning rates for float32 SGD (torch) and for the generated
C: full update with and without quantisation-aware scaling, the head alone, and a sparse update.
The 8x8 digits are those of scikit-learn (UCI, CC BY 4.0). Everything is scored on examples of 5-9
that were not trained on; learning rates are compared, not chosen.
"""

from __future__ import annotations

import copy
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from benchmarks.common import spread, write_results
from kinoloom.tiny.api import Compiled, compile_program
from kinoloom.tiny.autodiff import TrainingOptions, training_program
from kinoloom.tiny.front.read import read_module
from kinoloom.tiny.host import Host
from kinoloom.tiny.ir import Array, Program
from kinoloom.tiny.plan import plan
from kinoloom.tiny.quantise import quantise
from kinoloom.tiny.scheme import Scheme, Update, convs, full_update

SEEDS = range(5)
RATES = (0.01, 0.03)
WITHOUT_RATES = (1.0, 30.0)
TRAIN, EPOCHS = 400, 6
Examples = tuple[Array, Array]


def network(seed: int) -> nn.Module:
    """Three convolutions and a head."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(24, 32, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def digits(seed: int) -> tuple[Examples, Examples, Examples]:
    """(0-4 to pretrain on, 5-9 to train on, 5-9 to score on)."""
    data = load_digits()
    images = (data.images / 8 - 1).astype(np.float32)[:, None]
    order = np.random.default_rng(seed).permutation(len(images))
    images, labels = images[order], data.target[order]
    old, new = labels < 5, labels >= 5
    x, y = images[new], labels[new]
    return (images[old], labels[old]), (x[:TRAIN], y[:TRAIN]), (x[TRAIN:], y[TRAIN:])


def pretrain(model: nn.Module, examples: Examples) -> None:
    """Adam, 12 epochs of batches of 32."""
    x, y = torch.from_numpy(examples[0]), torch.from_numpy(examples[1])
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(12):
        for part in torch.randperm(len(x)).split(32):
            optimiser.zero_grad()
            functional.cross_entropy(model(x[part]), y[part]).backward()
            optimiser.step()
    model.eval()


def order_of(seed: int) -> Array:
    """The examples in the order of training."""
    random = np.random.default_rng(seed + 100)
    return np.concatenate([random.permutation(TRAIN) for _ in range(EPOCHS)])


def float_score(model: nn.Module, train: Examples, test: Examples, lr: float, seed: int) -> float:
    """Accuracy after SGD in float32, one example a step."""
    model = copy.deepcopy(model)
    parameters = list(model.parameters())
    x, y = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    for i in order_of(seed):
        loss = functional.cross_entropy(model(x[i : i + 1]), y[i : i + 1])
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            p.data.sub_(g, alpha=lr)
    with torch.no_grad():
        found = model(torch.from_numpy(test[0])).argmax(1).numpy()
    return float((found == test[1]).mean())


def device_scores(
    made: Compiled, train: Examples, test: Examples, rates: tuple[float, ...], seed: int
) -> list[float]:
    """Accuracy after the same steps by the generated C, for each learning rate."""
    quantised = made.simulator().quantise
    images, tests = ([quantised(x) for x in part[0]] for part in (train, test))
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        host = Host(made.program, made.plan, Path(folder), ("-O1",))
        for lr in rates:
            host.init(seed + 1)
            for i in order_of(seed):
                host.train_step(images[i], int(train[1][i]), lr)
            found = [int(host.forward(x).argmax()) for x in tests]
            scores.append(float((np.array(found) == test[1]).mean()))
    return scores


def sparse(program: Program) -> Scheme:
    """Biases of the last two convolutions, half of the last one's weights, and the head."""
    layers = [op.layer for op in convs(program)]
    return {layers[1]: Update(), layers[2]: Update(ratio=0.5), layers[3]: Update(ratio=1.0)}


def head(program: Program) -> Scheme:
    """The last layer."""
    return {convs(program)[-1].layer: Update(ratio=1.0)}


def memory(inference: Program) -> dict[str, int]:
    """RAM bytes by way of training."""
    framework = training_program(inference, full_update(inference), TrainingOptions())
    return {
        "full, order of a framework": plan(framework).peak + framework.param_bytes,
        "full": compile_program(inference).ram_bytes,
        "sparse": compile_program(inference, scheme=sparse).ram_bytes,
        "head": compile_program(inference, scheme=head).ram_bytes,
    }


def one_seed(seed: int) -> tuple[dict[str, float], dict[str, int]]:
    """Scores by method and learning rate, and memory."""
    old, train, test = digits(seed)
    model = network(seed)
    pretrain(model, old)
    inference = quantise(read_module(model, old[0][:1], [x[None] for x in old[0][:100]]), "digits")
    without = TrainingOptions(scaling=False)
    ways: dict[str, tuple[Any, TrainingOptions | None, tuple[float, ...]]] = {
        "int8, scaled": (full_update, None, RATES),
        "int8, scaled, residual": (full_update, TrainingOptions(rounding="residual"), RATES[1:]),
        "int8, not scaled": (full_update, without, (*RATES, *WITHOUT_RATES)),
        "int8, scaled, sparse": (sparse, None, RATES),
        "int8, scaled, head": (head, None, RATES),
    }
    scores = {f"float32 at {lr}": float_score(model, train, test, lr, seed) for lr in RATES}
    for name, (scheme, options, rates) in ways.items():
        made = compile_program(inference, scheme=scheme, options=options)
        found = device_scores(made, train, test, rates, seed)
        scores.update({f"{name} at {lr}": v for lr, v in zip(rates, found, strict=True)})
    print(seed, scores, flush=True)
    return scores, memory(inference)


def main() -> None:
    """Run all seeds and write benchmarks/results/tiny_digits.json."""
    torch.set_num_threads(1)
    begin = time.process_time()
    found = [one_seed(seed) for seed in SEEDS]
    names = found[0][0]
    accuracy = {
        name: {
            "mean": round(float(np.mean([s[name] for s, _ in found])), 4),
            **spread([s[name] for s, _ in found]),
        }
        for name in names
    }
    for name, value in accuracy.items():
        print(f"{name:34} {value['mean']:.4f}")
    print(found[0][1])
    findings = {
        "seeds": len(SEEDS),
        "steps": TRAIN * EPOCHS,
        "accuracy_on_5_to_9": accuracy,
        "ram_bytes": found[0][1],
        "cpu_s": round(time.process_time() - begin, 1),
    }
    print(write_results("tiny_digits", "python -m benchmarks.tiny_digits", findings))


if __name__ == "__main__":
    main()
