"""The rules of scheduling, on random definitions, against rules written down independently."""

import json
import time
from pathlib import Path
from typing import Any

from definition_samples import condition, definition, equals, lambda_step, processing
from hypothesis import given, settings
from hypothesis import strategies as st

from kinoloom.pipelines.language import check
from kinoloom.pipelines.local.jobs.outcome import Status
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.schedule import Schedule
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.waiting_line import MAX_PASSED, WaitingLine

Plan = tuple[list[tuple[int, list[int], bool]], dict[int, bool], set[int], int]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Steps as (the Condition that holds it or -1, needs, which branch), and what will happen."""
    count = draw(st.integers(1, 10))
    conditions = draw(st.sets(st.integers(0, count - 1), max_size=3))
    rows = []
    for k in range(count):
        earlier = [c for c in conditions if c < k]
        parent = draw(st.sampled_from([-1, *earlier])) if earlier else -1
        needs = draw(st.lists(st.integers(0, k - 1), max_size=2, unique=True)) if k else []
        rows.append((parent, needs, draw(st.booleans())))
    outcomes = {k: draw(st.booleans()) for k in conditions}
    failing = draw(st.sets(st.integers(0, count - 1), max_size=1))
    return rows, outcomes, failing - conditions, draw(st.integers(1, 4))


def build(plan: Plan) -> dict[str, Any]:
    rows, outcomes, _, _ = plan

    def step(k: int) -> dict[str, Any]:
        needs = [f"s{n}" for n in rows[k][1]]
        if k not in outcomes:
            return lambda_step(f"s{k}", *needs)
        branches = [[step(c) for c, r in enumerate(rows) if r[0] == k and r[2] is b] for b in
                    (True, False)]  # fmt: skip
        made = condition(f"s{k}", equals(1, 1), then=branches[0], otherwise=branches[1])
        return {**made, "DependsOn": needs} if needs else made

    return definition(*[step(k) for k, row in enumerate(rows) if row[0] == -1])


@settings(max_examples=200, deadline=None)
@given(plans())
def test_every_step_runs_once_after_its_needs_or_is_skipped_for_a_reason(plan: Plan) -> None:
    rows, outcomes, failing, width = plan
    schedule = Schedule(check(build(plan)).graph)
    running: list[int] = []
    begun: list[int] = []
    ended: set[int] = set()
    while not schedule.over:
        while len(running) < width and (name := schedule.take()) is not None:
            k = int(name[1:])
            assert k not in begun
            assert set(rows[k][1]) <= ended, "it began before its needs had ended"
            begun.append(k)
            running.append(k)
        assert schedule.running == len(running) > 0
        k = running.pop(0)
        if k in failing:
            schedule.end(f"s{k}", Status.FAILED)
        else:
            ended.add(k)
            schedule.end(f"s{k}", Status.SUCCEEDED, outcome=outcomes.get(k, True))
    skipped: set[int] = set()
    for k, (parent, needs, chosen) in enumerate(rows):
        other_branch = parent >= 0 and outcomes[parent] != chosen
        if other_branch or parent in skipped or skipped & set(needs):
            skipped.add(k)
    told = {int(name[1:]) for name, s in schedule.status.items() if s is Status.SKIPPED}
    if not failing & set(begun):
        assert set(begun) == set(range(len(rows))) - skipped
        assert told == skipped
    assert told <= skipped
    assert not skipped & set(begun)


def test_a_step_that_was_put_back_is_next() -> None:
    schedule = Schedule(check(definition(lambda_step("a"), lambda_step("b"))).graph)
    assert schedule.take() == "a"
    schedule.put_back("a")
    assert (schedule.take(), schedule.take(), schedule.take()) == ("a", "b", None)
    assert not schedule.over


def take_all(line: WaitingLine[str], free: Resources) -> list[str]:
    taken = []
    while (item := line.take(free)) is not None:
        taken.append(item)
        free = free.minus(Resources(cpu=1))
    return taken


def test_small_steps_do_not_wait_behind_large_ones() -> None:
    line: WaitingLine[str] = WaitingLine()
    for k in range(100):
        line.add(f"large {k}", Resources(cpu=4))
    line.add("small", Resources(cpu=1))
    line.add("free", Resources(cpu=0))
    assert take_all(line, Resources(cpu=2)) == ["small", "free"]


def test_large_steps_are_passed_over_a_limited_number_of_times() -> None:
    line: WaitingLine[str] = WaitingLine()
    line.add("large", Resources(cpu=2))
    taken = []
    for k in range(2 * MAX_PASSED):  # one core becomes free at a time
        line.add(f"small {k}", Resources(cpu=1))
        taken.append(line.take(Resources(cpu=1)))
    assert taken == [f"small {k}" for k in range(MAX_PASSED)] + [None] * MAX_PASSED
    assert line.take(Resources(cpu=2)) == "large"
    assert line.take(Resources(cpu=1)) == f"small {MAX_PASSED}"


def test_reserved_resources_are_only_those_that_the_step_needs() -> None:
    line: WaitingLine[str] = WaitingLine()
    line.add("large", Resources(cpu=1, gpu=1))
    for k in range(MAX_PASSED + 2):
        line.add(f"small {k}", Resources(cpu=1))
    free = Resources(cpu=2)  # the GPU is busy
    for k in range(MAX_PASSED):
        assert line.take(free) == f"small {k}"
    assert line.take(free) == f"small {MAX_PASSED}", "the second core is not reserved"
    assert line.take(Resources(cpu=1)) is None
    assert sorted(line.clear()) == ["large", f"small {MAX_PASSED + 1}"]


@given(st.lists(st.integers(0, 4), max_size=60))
def test_every_waiting_step_starts(sizes: list[int]) -> None:
    line: WaitingLine[int] = WaitingLine()
    for k, size in enumerate(sizes):
        line.add(k, Resources(cpu=size))
    started: list[int] = []
    while (item := line.take(Resources(cpu=4))) is not None:
        started.append(item)
    assert started == list(range(len(sizes)))


def test_cached_steps_do_not_wait_for_cores(tmp_path: Path) -> None:
    """They end while a step that waits for their end holds all cores."""
    session = LocalSession(tmp_path / "root", resources=Resources(cpu=1))
    quick = [processing(f"Q{k}", entrypoint=["python3", "-S", "-c", str(k)]) for k in range(3)]
    session.put_pipeline("Test", json.dumps(definition(*quick)))
    session.start("Test").wait()
    release = tmp_path / "release"
    code = f"import os, time\nwhile not os.path.exists({str(release)!r}): time.sleep(0.02)"
    slow = processing("Slow", entrypoint=["python3", "-S", "-c", code])
    session.put_pipeline("Test", json.dumps(definition(slow, *quick)))
    execution = session.start("Test", max_parallel=1)
    deadline = time.monotonic() + 60
    while sum(step["StepStatus"] == "Succeeded" for step in execution.list_steps()) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert execution.status == "Executing"
    release.touch()
    execution.wait()
    caches = [step["CacheExplanation"].startswith("cache hit") for step in execution.list_steps()]
    assert sorted(caches) == [False, True, True, True]


def test_small_step_overtakes_large_ones(tmp_path: Path) -> None:
    """Two cores are free; seventeen steps that need four cores wait, and one small step runs."""
    instances = {"ml.m5.large": Resources(cpu=4), "small": Resources(cpu=1)}
    two = {"two": Resources(cpu=2)}
    session = LocalSession(
        tmp_path / "root", resources=Resources(cpu=4), instances={**instances, **two}
    )
    done = tmp_path / "done"
    wait = f"import os, time\nwhile not os.path.exists({str(done)!r}): time.sleep(0.02)"
    first = processing("First", entrypoint=["python3", "-S", "-c", wait])
    small = processing("Small", entrypoint=["python3", "-S", "-c", f"open({str(done)!r}, 'w')"])
    cluster = "ProcessingResources", "ClusterConfig", "InstanceType"
    for step, name in ((first, "two"), (small, "small")):
        step["Arguments"][cluster[0]][cluster[1]][cluster[2]] = name
    large = [processing(f"L{k}", entrypoint=["python3", "-S", "-c", str(k)]) for k in range(17)]
    session.put_pipeline("Test", json.dumps(definition(first, *large, small)))
    execution = session.start("Test")
    execution.wait(delay=1, max_attempts=60)  # without the small step, the first one never ends
