"""The search: exactness against random candidates, and schemes as text."""

from itertools import product

import numpy as np
import pytest
from tiny_networks import Everything, build_inference

from kinoloom.errors import BudgetError, UsageError
from kinoloom.tiny.api import compile_program
from kinoloom.tiny.evaluation.search import (
    RATIOS,
    Contributions,
    build_scheme,
    evolve_scheme,
    measure_contributions,
    search_scheme,
)
from kinoloom.tiny.training.scheme import Update, collect_convs, format_scheme, parse_scheme


def make_contributions(seed: int) -> Contributions:
    """Make random contributions of a network of five layers, some of them negative."""
    random = np.random.default_rng(seed)
    layers = [op.layer for op in collect_convs(build_inference(Everything))][:-1]
    weights = {
        (name, ratio): float(random.uniform(-0.02, 0.1) * ratio)
        for name in layers
        for ratio in RATIOS
    }
    return Contributions(0.5, (0.0, *np.cumsum(random.uniform(0, 0.05, len(layers)))), weights)


def test_search_is_exact(seed: int = 0) -> None:
    program, given = build_inference(Everything), make_contributions(seed)
    layers = [op.layer for op in collect_convs(program)][:-1]
    small = {key: value for key, value in given.weights.items() if key[1] in (0.25, 1.0)}
    given = Contributions(given.base, given.biases, small)
    budgets = [compile_program(program).ram_bytes * part // 100 for part in (70,)]
    choices = [
        (k, ratios)
        for k in range(len(layers) + 1)
        for ratios in product((0.0, 0.25, 1.0), repeat=len(layers))
        if not any(ratios[: len(layers) - k])
    ]
    random = np.random.default_rng(seed)
    some = [choices[i] for i in random.choice(len(choices), 30, replace=False)]
    sizes = {c: compile_program(program, scheme=build_scheme(program, *c)).ram_bytes for c in some}
    for budget in budgets:
        results = search_scheme(program, given, budget)
        assert results.ram_bytes <= budget
        assert compile_program(program, scheme=results.scheme).ram_bytes == results.ram_bytes
        fitting = [c for c in some if sizes[c] <= budget]
        assert fitting
        assert results.gain >= max(given.total(layers, *c) for c in fitting) - 1e-12
        assert (
            evolve_scheme(program, given, budget, population=8, generations=2).gain
            <= results.gain + 1e-12
        )


def test_too_small_budget_is_reported() -> None:
    program = build_inference(Everything)
    with pytest.raises(BudgetError, match="No scheme fits 100 bytes"):
        search_scheme(program, make_contributions(0), 100)
    with pytest.raises(UsageError, match="network of 2 layers"):
        search_scheme(program, Contributions(0, (0.0, 0.1), {}), 10**6)


def test_contributions_are_relative_to_the_head() -> None:
    program = build_inference(Everything)

    def score(scheme: dict[str, Update]) -> float:
        return sum(0.01 * u.bias + 0.1 * u.ratio for u in scheme.values())

    results = measure_contributions(program, score, ratios=(0.5,))
    assert results.base == pytest.approx(0.11)
    assert results.biases == pytest.approx([0.01 * k for k in range(5)])
    assert list(results.weights.values()) == pytest.approx([0.05] * 4)


def test_scheme_round_trips_through_text() -> None:
    program = build_inference(Everything)
    scheme = build_scheme(program, 2, (0.0, 0.0, 0.125, 1.0))
    assert parse_scheme("\n".join(format_scheme(scheme))) == scheme
    assert parse_scheme("# nothing\n\nhead bias 1 # all\n") == {"head": Update(True, 1.0)}
    for text in ("head bias", "head yes 1", "head bias much", "head bias 2", "a - 0\na - 0"):
        with pytest.raises(UsageError):
            parse_scheme(text)


def test_invalid_schemes_are_rejected() -> None:
    program = build_inference(Everything)
    with pytest.raises(UsageError, match="Unknown layer 'nose' in the scheme for net"):
        compile_program(program, scheme={"nose": Update()})
    with pytest.raises(UsageError, match="trains nothing"):
        compile_program(program, scheme={"head": Update(False)})
