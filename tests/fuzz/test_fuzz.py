"""A short campaign, and the limits of its processes."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from fuzz.campaign import CORPUS, Case, draw_cases, run_campaign
from fuzz.targets import KINDS
from fuzz.worker import Verdict

RUN = """
import ctypes, json, os, sys, time
from dataclasses import asdict
from pathlib import Path
import fuzz.worker
from fuzz.worker import run_case
from kinoloom.errors import DefinitionError, UsageError

def succeed(source, out): (out / "film").touch()
def refuse(source, out): raise UsageError("It is 3.", hint="Pass 2.")
def list_problems(source, out): raise DefinitionError("Two problems:\\na\\nb")
def say_nothing(source, out): raise UsageError("")
def say_much(source, out): raise UsageError("a" * 10_000)
def say_lines(source, out): raise UsageError("a\\nb")
def fail(source, out): raise KeyError("step")
def crash(source, out): ctypes.string_at(0)
def leave(source, out): os._exit(3)
def hang(source, out): time.sleep(60)
def grow(source, out): bytearray(b"a") * (200 << 20)
def forget(source, out): (out.parent / "temporary" / "a").touch()
def keep(source, out): (out / "a").touch(); raise UsageError("It is 3.")
def write(source, out): source.write_bytes(b"")

fuzz.worker.PEAK_BYTES = 100 << 20
print(json.dumps(asdict(run_case(globals()[sys.argv[1]], *map(Path, sys.argv[2:4]), wall_s=2))))
"""


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("succeed", ""),
        ("refuse", ""),
        ("list_problems", ""),
        ("say_nothing", "the message is empty"),
        ("say_much", "a line of 10000 characters"),
        ("say_lines", "several lines"),
        ("fail", "KeyError: 'step'"),
        ("crash", "signal 11"),
        ("leave", "status 768"),
        ("hang", "ran for more than"),
        ("grow", "the memory grew by"),
        ("forget", "files were left: a"),
        ("keep", "files were left: a"),
        ("write", "the input folder was changed"),
    ],
)
def test_each_kind_of_misbehaviour_is_a_finding(tmp_path: Path, target: str, problem: str) -> None:
    for name in ("in", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "in" / "a").write_bytes(b"a")
    words = [target, str(tmp_path / "in" / "a"), str(tmp_path / "run")]
    env = {"PYTHONPATH": ":".join(sys.path)}
    line = [sys.executable, "-c", RUN, *words]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env=env)
    verdict = Verdict(**json.loads(done.stdout))
    assert problem in verdict.problem
    assert bool(verdict.problem) == bool(problem)


def changed_cases(seed: int, count: int) -> list[Case]:
    return list(islice((case for case in draw_cases(seed) if case.changed), count))


def test_a_case_depends_on_its_seed_and_number_alone(tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        found = []
        for case in reversed(changed_cases(5, 40)) if name == "b" else changed_cases(5, 40):
            folder = tmp_path / name / str(case.number)
            folder.mkdir(parents=True)
            path = case.write(folder)
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
            found.append((case.number, case.target, *(file.read_bytes() for file in files)))
        contents.append(sorted(found))
    assert contents[0] == contents[1]
    assert changed_cases(6, 40) != changed_cases(5, 40)


def test_every_kind_has_a_corpus_and_changes_are_real(tmp_path: Path) -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(KINDS)
    size = sum(file.stat().st_size for file in CORPUS.rglob("*") if file.is_file())
    assert size < 500_000
    same = 0
    for case in changed_cases(0, 200):
        folder = tmp_path / str(case.number)
        folder.mkdir()
        path = case.write(folder)
        same += path.is_file() and path.read_bytes() == case.item.read_bytes()
    assert same < 20


def test_a_short_campaign_has_no_findings() -> None:
    """`make fuzz` and CI run longer campaigns; fixed findings are in the corpus."""
    cases = changed_cases(1, 15)
    fixed = [case for case in islice(draw_cases(0), 500) if case.item.name.startswith("fixed-")]
    drawn = iter([*[case for case in fixed if not case.changed], *cases])
    summary = run_campaign(drawn, jobs=1, until=lambda _: False, save_to=None)
    assert [(case.target, verdict.problem) for case, verdict in summary.findings] == []
    assert summary.cases >= len(cases)
    assert summary.refused > 0
