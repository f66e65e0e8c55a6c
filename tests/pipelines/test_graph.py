"""Graphs of random definitions, and the command `pipeline validate`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from definition_samples import definition, get, lambda_step
from hypothesis import given, settings
from hypothesis import strategies as st

from kinoloom.errors import DefinitionError
from kinoloom.pipelines.language import check
from kinoloom.pipelines.ops import validate

EDGES = st.integers(1, 9).flatmap(
    lambda n: st.tuples(
        st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=16)
    )
)


def reaches(edges: set[tuple[int, int]], start: int) -> set[int]:
    """All that can be reached from a step by one edge or more."""
    found: set[int] = set()
    front = {b for a, b in edges if a == start}
    while front:
        found |= front
        front = {b for a, b in edges if a in front} - found
    return found


@settings(max_examples=150, deadline=None)
@given(EDGES, st.booleans())
def test_an_order_exists_exactly_without_cycles(
    drawn: tuple[int, set[tuple[int, int]]], by_reference: bool
) -> None:
    count, edges = drawn
    steps = []
    for k in range(count):
        needs = [f"s{b}" for a, b in sorted(edges) if a == k]
        if by_reference:
            step = lambda_step(
                f"s{k}", x=[get(f"Steps.{n}.OutputParameters['answer']") for n in needs]
            )
        else:
            edges = {(a, b) for a, b in edges if a != b}
            step = lambda_step(f"s{k}", *[n for n in needs if n != f"s{k}"])
        steps.append(step)
    circular = any(k in reaches(edges, k) for k in range(count))
    if circular:
        with pytest.raises(DefinitionError, match=r"dependency cycle: (s\d+) -> (.* -> )?\1 "):
            check(definition(*steps))
        return
    order = check(definition(*steps)).graph.order
    assert sorted(order) == [f"s{k}" for k in range(count)]
    for a, b in edges:
        assert order.index(f"s{b}") < order.index(f"s{a}")


def test_a_thousand_steps_are_sorted() -> None:
    steps = [lambda_step("s0"), *[lambda_step(f"s{k}", f"s{k // 2}") for k in range(1, 1000)]]
    steps[1] = lambda_step("s1", "s0")
    graph = check(definition(*steps)).graph
    assert len(graph.order) == 1000
    assert graph.dependents["s10"] == ["s20", "s21"]


def test_the_report_lists_steps_in_order(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(json.dumps(definition(lambda_step("B", "A"), lambda_step("A"))))
    report = validate(file)
    assert [step["name"] for step in report.data["steps"]] == ["A", "B"]
    assert report.data["steps"][1]["needs"] == ["A"]
    assert report.provenance is not None


def run(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "kinoloom", "pipeline", "validate", *words]
    return subprocess.run(line, capture_output=True, text=True)


def test_the_command_rejects_invalid_definitions(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(json.dumps(definition(lambda_step("A"))))
    done = run(str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"][0]["name"] == "A"
    file.write_text(json.dumps(definition(lambda_step("A", "B"))))
    done = run(str(file))
    assert done.returncode == 2
    assert "$.Steps[0].DependsOn[0]: unknown step 'B'" in done.stderr
    assert "Traceback" not in done.stderr
    done = run(str(tmp_path / "none.json"))
    assert done.returncode == 4
