"""The memory budget of a job: needs of its parts, shares, and the least sufficient limit."""

import pytest

from kinoloom.base.budget import Budget
from kinoloom.base.machine import default_budget_bytes
from kinoloom.errors import BudgetError


def test_a_part_may_use_what_the_others_leave() -> None:
    budget = Budget(100_000_000)
    budget.require("reading", "to read", 30_000_000)
    budget.require("writing", "to write", 20_000_000)
    assert budget.share("computing") == 50_000_000
    budget.require("computing", "to compute", 40_000_000)
    assert budget.share("computing") == 50_000_000
    assert budget.share("reading") == 40_000_000


def test_a_later_need_replaces_an_earlier_one() -> None:
    budget = Budget(100_000_000)
    budget.require("writing", "to write h264", 80_000_000)
    budget.require("writing", "to write ffv1", 5_000_000)
    assert budget.least_bytes == 5_000_000
    assert budget.need("writing") == 5_000_000
    assert budget.need("reading") == 0


def test_the_least_sufficient_limit_is_stated_and_sufficient() -> None:
    budget = Budget(1_000_000)
    for limit in (1_000_000, 3_999_999, 4_000_000):
        budget = Budget(limit)
        budget.require("reading", "to read a.mp4", 1_500_001)
        budget.require("computing", "for the engine", 2_000_000)
        if limit < 4_000_000:
            with pytest.raises(BudgetError) as caught:
                budget.check()
            assert "at least 4 MB (1.50 MB to read a.mp4, 2.00 MB for" in caught.value.message
            assert "--memory 4MB" in caught.value.hint
    budget.check()


def test_without_a_limit_nothing_is_refused() -> None:
    budget = Budget()
    budget.require("reading", "to read", 1 << 60)
    budget.check()
    assert not budget.is_enforced
    assert budget.share("computing") == budget.limit_bytes
    assert budget.limit_bytes == pytest.approx(default_budget_bytes(), rel=0.5)
