"""The search: exactness against random candidates, and schemes as text."""

from collections.abc import Callable
from itertools import count, product

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
    search_scheme,
)
from kinoloom.tiny.evaluation.statistics import accuracy_interval, estimate_gain
from kinoloom.tiny.evaluation.trials import run_trials, train_finalists
from kinoloom.tiny.ir.program import Array
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

    def score(scheme: dict[str, Update]) -> Array:
        value = sum(0.01 * u.bias + 0.1 * u.ratio for u in scheme.values())
        return np.full((2, 20), value)

    trials = run_trials(program, score, ratios=(0.5,))
    for results in (trials.contributions(), trials.distinguishable_contributions()):
        assert results.base == pytest.approx(0.11)
        assert results.biases == pytest.approx([0.01 * k for k in range(5)])
        assert list(results.weights.values()) == pytest.approx([0.05] * 4)


def make_scores(accuracy: float, seed: int, size: tuple[int, int] = (3, 200)) -> Array:
    """Make the scores of a method: examples are easy or hard, and seeds change some of them."""
    ease = np.random.default_rng(99).uniform(-0.3, 0.3, size[1])
    values = np.random.default_rng(seed).uniform(0, 1, size)
    return (values < np.clip(accuracy + ease, 0, 1)).astype(np.float64)


def score_with_gains(gains: dict[str, float]) -> Callable[[dict[str, Update]], Array]:
    """Return a score to which only the weights of some layers contribute."""
    numbers = count()

    def score(scheme: dict[str, Update]) -> Array:
        value = 0.5 + sum(gains.get(name, 0.0) * (u.ratio > 0) for name, u in scheme.items())
        return make_scores(value, next(numbers))

    return score


def test_search_prefers_cheaper_parts_where_gains_are_noise() -> None:
    program = build_inference(Everything)
    layers = [op.layer for op in collect_convs(program)]
    trials = run_trials(program, score_with_gains({layers[-2]: 0.3}))
    noisy, real = trials.contributions(), trials.distinguishable_contributions()
    assert sum(value > 0 for value in noisy.weights.values()) > 4
    assert {name for (name, _), value in real.weights.items() if value} == {layers[-2]}
    assert real.weights[layers[-2], min(RATIOS)] > 0.15, "the smallest ratio has all of the gain"
    assert set(real.biases) == {0.0}
    result = search_scheme(program, real, 2**40)
    assert result.scheme == build_scheme(program, 1, (0.0, 0.0, 0.0, min(RATIOS)))
    assert search_scheme(program, noisy, 2**40).ram_bytes > result.ram_bytes


def test_cheapest_finalist_wins_unless_a_gain_is_more_than_noise() -> None:
    program = build_inference(Everything)
    layers = [op.layer for op in collect_convs(program)]
    choices = [(0.0,) * 4, (0.0, 0.0, 0.0, 1.0), (1.0,) * 4]
    results = [
        search_scheme(program, Contributions(0.5, (0.0,) * 5, weights), 2**40)
        for weights in (
            {(name, 1.0): 0.1 for name, ratio in zip(layers, chosen, strict=False) if ratio}
            for chosen in choices
        )
    ]
    assert [f.is_better for f in train_finalists(results, score_with_gains({}))][1:] == [False] * 2
    finalists = train_finalists(results, score_with_gains({layers[-2]: 0.3}))
    assert [f.is_better for f in finalists] == [True, True, False]
    assert finalists[1].score == pytest.approx(0.8, abs=0.05)
    (alone,) = train_finalists([results[1]] * 3, score_with_gains({}))
    assert alone.gain is None


@pytest.mark.parametrize(("gain", "expected"), [(0.0, 0.05), (0.2, 1.0)])
def test_gains_are_distinguished_with_95_percent_confidence(gain: float, expected: float) -> None:
    pairs = [(make_scores(0.5 + gain, s), make_scores(0.5, s + 1000)) for s in range(300)]
    found = [estimate_gain(a - b).is_distinguishable() for a, b in pairs]
    assert np.mean(found) == pytest.approx(expected, abs=0.05)


def test_few_examples_distinguish_nothing() -> None:
    gain = estimate_gain(np.ones((3, 5)))
    assert gain.mean == 1.0
    assert not gain.is_distinguishable()
    assert estimate_gain(np.ones((3, 6))).is_distinguishable()


def test_accuracy_interval_is_wilsons() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for right, count_, low, high in [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:  # fmt: skip
        assert accuracy_interval(right / count_, count_) == pytest.approx((low, high), abs=1e-4)


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
