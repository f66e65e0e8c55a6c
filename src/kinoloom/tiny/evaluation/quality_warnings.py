"""Warnings about measurements that do not support a conclusion: clipping, small test sets."""

from __future__ import annotations

from collections.abc import Mapping

from kinoloom.tiny.evaluation.statistics import accuracy_interval, count_examples_needed

MAX_CLIPPED = 0.01
"""Largest share of clipped values without a warning."""
RELEVANT_LOSS = 0.05
"""Loss of accuracy that a test set must exclude if all methods are equal on it."""


def warn_about_clipping(shares: Mapping[str, float], source: str) -> list[str]:
    """Return a warning if the calibrated ranges are too narrow for the evaluation data.

    Args:
        shares: share of clipped values by tensor, the input first; see `measure_clipping`.
        source: name of the data.
    """
    clipped = {name: share for name, share in shares.items() if share > MAX_CLIPPED}
    if not clipped:
        return []
    worst = max(clipped, key=lambda name: clipped[name])
    first = next(iter(shares))
    where = "the input" if worst == first else f"'{worst}'"
    more = f"; {len(clipped)} of {len(shares)} tensors are affected" if len(clipped) > 1 else ""
    return [
        f"The calibrated range is too narrow for {source}: {100 * clipped[worst]:.1f} % of the "
        f"values of {where} are clipped{more}. Calibrate with inputs like those of the evaluation, "
        "scaled alike."
    ]


def warn_about_test_set(accuracies: Mapping[str, float], count: int) -> list[str]:
    """Return a warning if a test set is too small to compare methods.

    Args:
        accuracies: accuracy by method, 0..1; at least one.
        count: number of test examples.
    """
    best = max(accuracies, key=lambda name: accuracies[name])
    top, (low, high) = accuracies[best], accuracy_interval(accuracies[best], count)
    interval = f"the 95 % interval of {best} is {100 * low:.1f} to {100 * high:.1f} %"
    rivals = {name: value for name, value in accuracies.items() if low < value < top}
    if rivals:
        closest = max(rivals.values())
        names = ", ".join(f"{name} ({100 * value:.1f} %)" for name, value in rivals.items())
        needed = max(count_examples_needed(top, closest), count + 1)
        return [
            f"{count} test examples are too few to compare {best} ({100 * top:.1f} %) with "
            f"{names}: {interval}. About {needed} examples are needed."
        ]
    if len(set(accuracies.values())) == 1 and low < top - RELEVANT_LOSS:
        return [
            f"{count} test examples are too few for a conclusion: {interval}, so a loss of "
            f"{100 * RELEVANT_LOSS:.0f} points may remain unnoticed."
        ]
    return []
