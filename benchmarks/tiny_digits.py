"""Digits transfer: pretrain on 0-4, train 5-9 on the device. python -m benchmarks.tiny_digits

The same network, examples, order and learning rates for float32 SGD (torch) and for the generated
C: full updates with and without quantisation-aware scaling, the head alone, and sparse updates that
the search finds for a quarter of the memory of full updates. The 8x8 digits are those of
scikit-learn (UCI, CC BY 4.0). All scores are on held-out examples of 5-9. The search scores its
candidates on a quarter of the training examples, which it holds out. Learning rates decay linearly
to zero, which reduces the noise of the last steps.
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
from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.codegen.host import HostProgram
from kinoloom.tiny.evaluation.search import search_scheme
from kinoloom.tiny.evaluation.trials import run_trials
from kinoloom.tiny.front.read import read_module
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.planning.arena import plan_memory
from kinoloom.tiny.quantisation.quantise import quantise
from kinoloom.tiny.training.autodiff import build_training_program
from kinoloom.tiny.training.options import TrainingOptions
from kinoloom.tiny.training.scheme import Scheme, Update, collect_convs, format_scheme, full_update

SEEDS = range(5)
RATES = (0.03, 0.1)
UNSCALED_RATES = (*RATES, 30.0)
TRAIN, SELECTION_COUNT, EPOCHS, SEARCH_EPOCHS = 400, 100, 6, 3
Examples = tuple[Array, Array]


def build_network(seed: int) -> nn.Module:
    """Build a network of three convolutions and a head."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(24, 32, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def load_examples(seed: int) -> tuple[Examples, Examples, Examples]:
    """Return examples (0-4 for pretraining, 5-9 for training, 5-9 held out)."""
    data = load_digits()
    images = (data.images / 8 - 1).astype(np.float32)[:, None]
    order = np.random.default_rng(seed).permutation(len(images))
    images, labels = images[order], data.target[order]
    old, new = labels < 5, labels >= 5
    x, y = images[new], labels[new]
    return (images[old], labels[old]), (x[:TRAIN], y[:TRAIN]), (x[TRAIN:], y[TRAIN:])


def pretrain(model: nn.Module, examples: Examples) -> None:
    """Pretrain with Adam for 12 epochs in batches of 32."""
    x, y = torch.from_numpy(examples[0]), torch.from_numpy(examples[1])
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(12):
        for part in torch.randperm(len(x)).split(32):
            optimiser.zero_grad()
            functional.cross_entropy(model(x[part]), y[part]).backward()
            optimiser.step()
    model.eval()


def training_order(seed: int, count: int, epochs: int = EPOCHS) -> Array:
    """Return the indices of the examples in training order."""
    random = np.random.default_rng(seed + 100)
    return np.concatenate([random.permutation(count) for _ in range(epochs)])


def score_float(model: nn.Module, train: Examples, test: Examples, lr: float, seed: int) -> float:
    """Return the accuracy after float32 SGD, one example per step."""
    model = copy.deepcopy(model)
    parameters = list(model.parameters())
    x, y = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    for i, rate in decay_learning_rate(lr, training_order(seed, len(train[1]))):
        loss = functional.cross_entropy(model(x[i : i + 1]), y[i : i + 1])
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            p.data.sub_(g, alpha=rate)
    with torch.no_grad():
        found = model(torch.from_numpy(test[0])).argmax(1).numpy()
    return float((found == test[1]).mean())


def score_device(
    compiled: CompiledProgram, train: Examples, test: Examples, rates: tuple[float, ...], seed: int,
    epochs: int = EPOCHS,
) -> list[float]:  # fmt: skip
    """Return the accuracy after the same steps by the generated C, for each learning rate."""
    quantised = compiled.simulator().quantise
    images, tests = ([quantised(x) for x in part[0]] for part in (train, test))
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        host = HostProgram(compiled.program, compiled.plan, Path(folder), ("-O3",))
        for lr in rates:
            host.init(seed + 1)
            for i, rate in decay_learning_rate(lr, training_order(seed, len(train[1]), epochs)):
                host.train_step(images[i], int(train[1][i]), rate)
            found = [int(host.forward(x).argmax()) for x in tests]
            scores.append(float((np.array(found) == test[1]).mean()))
    return scores


def head_scheme(program: Program) -> Scheme:
    """Return the scheme that trains the last layer."""
    return {collect_convs(program)[-1].layer: Update(ratio=1.0)}


def measure_full_update(inference: Program) -> dict[str, int]:
    """Return the RAM of full updates in bytes: in the order of a framework, and as compiled."""
    framework = build_training_program(inference, full_update(inference), TrainingOptions())
    return {
        "full, order of a framework": plan_memory(framework).peak + framework.param_bytes,
        "full": compile_program(inference).ram_bytes,
    }


def search_schemes(inference: Program, train: Examples, budgets: dict[str, int], seed: int) -> Any:
    """Search schemes for budgets, with contributions measured on examples held out of training."""
    part, rest = split_examples(train)

    def score(scheme: Scheme) -> Array:
        compiled = compile_program(inference, scheme=scheme, budget=2**62)
        return np.array([score_device(compiled, part, rest, RATES[:1], seed, SEARCH_EPOCHS)])

    given = run_trials(inference, score).contributions()
    return {
        name: search_scheme(inference, given, budget).scheme for name, budget in budgets.items()
    }


def split_examples(train: Examples) -> tuple[Examples, Examples]:
    """Split into (training examples, examples for the selection of schemes)."""
    x, y = train
    return (x[SELECTION_COUNT:], y[SELECTION_COUNT:]), (x[:SELECTION_COUNT], y[:SELECTION_COUNT])


def decay_learning_rate(lr: float, orders: Array) -> list[tuple[int, float]]:
    """Return (example, learning rate) of each step, with linear decay."""
    return [(int(i), lr * (1 - step / len(orders))) for step, i in enumerate(orders)]


Scores = dict[str, dict[str, float]]
"""Accuracy by method and learning rate."""


def run_seed(seed: int) -> dict[str, Any]:
    """Return test scores, memory and schemes for one seed."""
    old, train, test = load_examples(seed)
    model = build_network(seed)
    pretrain(model, old)
    inference = quantise(read_module(model, old[0][:1], [x[None] for x in old[0][:100]]), "digits")
    ram = measure_full_update(inference)
    budgets = {f"sparse, a quarter of {name}": value // 4 for name, value in ram.items()}
    schemes = search_schemes(inference, train, budgets, seed)
    ways: dict[str, tuple[Scheme, bool, tuple[float, ...]]] = {
        "full": (full_update(inference), True, RATES),
        "full, not scaled": (full_update(inference), False, UNSCALED_RATES),
        "head": (head_scheme(inference), True, RATES),
        **{name: (scheme, True, RATES) for name, scheme in schemes.items()},
    }
    scores: Scores = {
        "float32": {str(lr): score_float(model, train, test, lr, seed) for lr in RATES}
    }
    for name, (scheme, scaling, rates) in ways.items():
        options = TrainingOptions(scaling=scaling)
        compiled = compile_program(inference, scheme=scheme, options=options)
        values = score_device(compiled, train, test, rates, seed)
        scores[name] = {str(lr): v for lr, v in zip(rates, values, strict=True)}
        ram[name] = compiled.ram_bytes
    print(seed, scores, ram, flush=True)
    texts = {name: list(format_scheme(scheme)) for name, scheme in schemes.items()}
    return {"test": scores, "ram_bytes": ram, "schemes": texts}


def summarise(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Summarise scores by learning rate and RAM by seed for each method."""
    summary = {}
    for name, rates in results[0]["test"].items():
        scores = {lr: [seed["test"][name][lr] for seed in results] for lr in rates}
        summary[name] = {
            "by_rate": {
                lr: {"mean": round(float(np.mean(v)), 4), **spread(v)} for lr, v in scores.items()
            },
            "ram_bytes": [seed["ram_bytes"].get(name) for seed in results],
        }
    return summary


def main() -> None:
    """Run all seeds and write benchmarks/results/tiny_digits.json."""
    torch.set_num_threads(1)
    begin = time.process_time()
    results = [run_seed(seed) for seed in SEEDS]
    accuracy = summarise(results)
    for name, value in accuracy.items():
        means = {lr: spread_["mean"] for lr, spread_ in value["by_rate"].items()}
        print(f"{name:45} {means}")
    findings = {
        "seeds": len(SEEDS),
        "steps": TRAIN * EPOCHS,
        "accuracy_on_5_to_9": accuracy,
        "ram_bytes_of_full": {
            name: results[0]["ram_bytes"][name] for name in ("full, order of a framework", "full")
        },
        "schemes": [seed["schemes"] for seed in results],
        "cpu_s": round(time.process_time() - begin, 1),
    }
    print(write_results("tiny_digits", "python -m benchmarks.tiny_digits", findings))


if __name__ == "__main__":
    main()
