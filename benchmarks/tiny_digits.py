"""Digits transfer: learn 0-4 on a computer, 5-9 on the device. python -m benchmarks.tiny_digits

The same network, examples, order and learning rates for float32 SGD (torch) and for the generated
C: full update with and without quantisation-aware scaling, the head alone, and sparse updates that
the search chose for a quarter of the memory of full updates. The 8x8 digits are those of
scikit-learn (UCI, CC BY 4.0). Everything is scored on examples of 5-9 that were not trained on.
The search scores its candidates on a quarter of the training examples that it holds back.
Rates fall to zero along a straight line, so that a score is not that of one unlucky last step.
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
from kinoloom.tiny.evaluation.search import measure_contributions, search_scheme
from kinoloom.tiny.front.read import read_module
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.planning.arena import plan_memory
from kinoloom.tiny.quantisation.quantise import quantise
from kinoloom.tiny.training.autodiff import build_training_program
from kinoloom.tiny.training.options import TrainingOptions
from kinoloom.tiny.training.scheme import Scheme, Update, collect_convs, format_scheme, full_update

SEEDS = range(5)
RATES = (0.03, 0.1)
WITHOUT_RATES = (*RATES, 30.0)
TRAIN, HELD_BACK, EPOCHS, SEARCH_EPOCHS = 400, 100, 6, 3
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


def order_of(seed: int, count: int, epochs: int = EPOCHS) -> Array:
    """The examples in the order of training."""
    random = np.random.default_rng(seed + 100)
    return np.concatenate([random.permutation(count) for _ in range(epochs)])


def float_score(model: nn.Module, train: Examples, test: Examples, lr: float, seed: int) -> float:
    """Accuracy after SGD in float32, one example a step."""
    model = copy.deepcopy(model)
    parameters = list(model.parameters())
    x, y = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    for i, rate in falling(lr, order_of(seed, len(train[1]))):
        loss = functional.cross_entropy(model(x[i : i + 1]), y[i : i + 1])
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            p.data.sub_(g, alpha=rate)
    with torch.no_grad():
        found = model(torch.from_numpy(test[0])).argmax(1).numpy()
    return float((found == test[1]).mean())


def device_scores(
    made: CompiledProgram, train: Examples, test: Examples, rates: tuple[float, ...], seed: int,
    epochs: int = EPOCHS,
) -> list[float]:  # fmt: skip
    """Accuracy after the same steps by the generated C, for each learning rate."""
    quantised = made.simulator().quantise
    images, tests = ([quantised(x) for x in part[0]] for part in (train, test))
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        host = HostProgram(made.program, made.plan, Path(folder), ("-O3",))
        for lr in rates:
            host.init(seed + 1)
            for i, rate in falling(lr, order_of(seed, len(train[1]), epochs)):
                host.train_step(images[i], int(train[1][i]), rate)
            found = [int(host.forward(x).argmax()) for x in tests]
            scores.append(float((np.array(found) == test[1]).mean()))
    return scores


def head(program: Program) -> Scheme:
    """The last layer."""
    return {collect_convs(program)[-1].layer: Update(ratio=1.0)}


def memory_of_full(inference: Program) -> dict[str, int]:
    """RAM bytes of full updates: in the order of a framework, and with updates at once."""
    framework = build_training_program(inference, full_update(inference), TrainingOptions())
    return {
        "full, order of a framework": plan_memory(framework).peak + framework.param_bytes,
        "full": compile_program(inference).ram_bytes,
    }


def searched(inference: Program, train: Examples, budgets: dict[str, int], seed: int) -> Any:
    """Schemes for budgets, of contributions on the examples held back."""
    part, rest = held_back(train)

    def score(scheme: Scheme) -> float:
        made = compile_program(inference, scheme=scheme, budget=2**62)
        return device_scores(made, part, rest, RATES[:1], seed, SEARCH_EPOCHS)[0]

    given = measure_contributions(inference, score)
    return {
        name: search_scheme(inference, given, budget).scheme for name, budget in budgets.items()
    }


def held_back(train: Examples) -> tuple[Examples, Examples]:
    """(examples to train on, examples to choose by)."""
    x, y = train
    return (x[HELD_BACK:], y[HELD_BACK:]), (x[:HELD_BACK], y[:HELD_BACK])


def falling(lr: float, orders: Array) -> list[tuple[int, float]]:
    """(example, learning rate) of each step."""
    return [(int(i), lr * (1 - step / len(orders))) for step, i in enumerate(orders)]


Scores = dict[str, dict[str, float]]
"""By method and learning rate."""


def one_seed(seed: int) -> dict[str, Any]:
    """Scores on the test, memory and schemes."""
    old, train, test = digits(seed)
    model = network(seed)
    pretrain(model, old)
    inference = quantise(read_module(model, old[0][:1], [x[None] for x in old[0][:100]]), "digits")
    ram = memory_of_full(inference)
    budgets = {f"sparse, a quarter of {name}": value // 4 for name, value in ram.items()}
    schemes = searched(inference, train, budgets, seed)
    ways: dict[str, tuple[Scheme, bool, tuple[float, ...]]] = {
        "full": (full_update(inference), True, RATES),
        "full, not scaled": (full_update(inference), False, WITHOUT_RATES),
        "head": (head(inference), True, RATES),
        **{name: (scheme, True, RATES) for name, scheme in schemes.items()},
    }
    scores: Scores = {
        "float32": {str(lr): float_score(model, train, test, lr, seed) for lr in RATES}
    }
    for name, (scheme, scaling, rates) in ways.items():
        options = TrainingOptions(scaling=scaling)
        made = compile_program(inference, scheme=scheme, options=options)
        values = device_scores(made, train, test, rates, seed)
        scores[name] = {str(lr): v for lr, v in zip(rates, values, strict=True)}
        ram[name] = made.ram_bytes
    print(seed, scores, ram, flush=True)
    told = {name: list(format_scheme(scheme)) for name, scheme in schemes.items()}
    return {"test": scores, "ram_bytes": ram, "schemes": told}


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """For each method: scores by learning rate, and RAM by seed."""
    made = {}
    for name, rates in found[0]["test"].items():
        every = {lr: [seed["test"][name][lr] for seed in found] for lr in rates}
        made[name] = {
            "by_rate": {
                lr: {"mean": round(float(np.mean(v)), 4), **spread(v)} for lr, v in every.items()
            },
            "ram_bytes": [seed["ram_bytes"].get(name) for seed in found],
        }
    return made


def main() -> None:
    """Run all seeds and write benchmarks/results/tiny_digits.json."""
    torch.set_num_threads(1)
    begin = time.process_time()
    found = [one_seed(seed) for seed in SEEDS]
    accuracy = summary(found)
    for name, value in accuracy.items():
        means = {lr: spread_["mean"] for lr, spread_ in value["by_rate"].items()}
        print(f"{name:45} {means}")
    findings = {
        "seeds": len(SEEDS),
        "steps": TRAIN * EPOCHS,
        "accuracy_on_5_to_9": accuracy,
        "ram_bytes_of_full": {
            name: found[0]["ram_bytes"][name] for name in ("full, order of a framework", "full")
        },
        "schemes": [seed["schemes"] for seed in found],
        "cpu_s": round(time.process_time() - begin, 1),
    }
    print(write_results("tiny_digits", "python -m benchmarks.tiny_digits", findings))


if __name__ == "__main__":
    main()
