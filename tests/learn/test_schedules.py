"""Values that depend on the step."""

import math
from dataclasses import replace

import pytest

from kinoloom.errors import UsageError
from kinoloom.learn.schedules import Piecewise, learning_rate
from kinoloom.learn.settings import Settings


def test_piecewise_value_applies_up_to_its_boundary() -> None:
    value = Piecewise((10, 20), (1.0, 0.5, 0.0))
    assert [value.at(step) for step in (0, 10, 11, 20, 21, 99)] == [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
    with pytest.raises(UsageError, match="2 boundaries need 3 values, not 2"):
        Piecewise((10, 20), (1.0, 0.5))
    with pytest.raises(UsageError, match="must increase strictly"):
        Piecewise((20, 10), (1.0, 0.5, 0.0))


def rates(settings: Settings, *steps: int) -> list[float]:
    return [learning_rate(settings, step) for step in steps]


def test_staircase_is_the_schedule_of_film() -> None:
    film = Settings(learning_rate=1e-4, schedule="staircase", steps=3_000_000)
    found = rates(film, 0, 749_999, 750_000, 1_499_999, 2_250_000)
    assert found == pytest.approx([1e-4, 1e-4, 0.464158e-4, 0.464158e-4, 1e-5], rel=1e-5)


def test_cosine_follows_the_warm_up() -> None:
    settings = Settings(
        learning_rate=2.0, schedule="cosine", steps=105, warmup_steps=4, final_rate=0.1
    )
    assert rates(settings, 0, 1, 3) == [0.5, 1.0, 2.0]
    assert rates(settings, 4, 54, 104) == pytest.approx([2.0, 1.1, 0.2])
    quarter = 0.2 + 1.8 * 0.5 * (1 + math.cos(math.pi / 4))
    assert learning_rate(settings, 29) == pytest.approx(quarter)
    assert learning_rate(replace(settings, steps=5), 4) == 2.0


def test_constant_rate_is_constant() -> None:
    assert rates(Settings(learning_rate=0.3), 0, 10**6) == [0.3, 0.3]
