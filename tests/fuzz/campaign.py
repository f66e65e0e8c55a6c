"""Draws cases, runs them in parallel and saves findings."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from fuzz.formats import mutate
from fuzz.mutations import mutate_bytes
from fuzz.targets import KINDS
from fuzz.worker import Verdict, as_case

CORPUS = Path(__file__).parent / "corpus"
FINDINGS = Path(__file__).parent / "findings"


@dataclass(frozen=True)
class Case:
    """A case: an item of the corpus, changed or not, for one target.

    Attributes:
        number: from 0; the first cases are the unchanged items.
        seed: of the campaign.
        item: a file, or a folder of which one file is changed.
        target: name of the reader.
        changed: whether the item is changed.
    """

    number: int
    seed: int
    item: Path
    target: str
    changed: bool

    def write(self, folder: Path) -> Path:
        """Write the input into a folder; return its path."""
        path = folder / self.item.name
        if self.item.is_dir():
            shutil.copytree(self.item, path)
        else:
            shutil.copyfile(self.item, path)
        if self.changed:
            random = Random(f"{self.seed}:{self.number}")
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
            chosen = random.choice(files)
            chosen.write_bytes(self._change(chosen, random))
        return path

    def _change(self, file: Path, random: Random) -> bytes:
        data = mutate(file.suffix, file.read_bytes(), random)
        return mutate_bytes(data or b"\0", random) if random.random() < 0.15 else data


@dataclass
class Summary:
    """The results of a campaign.

    Attributes:
        cases, refused: number of cases, and of those that ended with an error of kinoloom.
        kinds, refused_kinds: number of cases, and of those refused, by kind.
        findings: each as (case, verdict).
        peak_bytes: the highest growth of memory of a case without a finding.
    """

    cases: int = 0
    refused: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    refused_kinds: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[Case, Verdict]] = field(default_factory=list)
    peak_bytes: int = 0

    def add(self, case: Case, verdict: Verdict) -> None:
        """Count a case."""
        self.cases += 1
        self.refused += verdict.refused
        self.kinds[case.item.parent.name] += 1
        self.refused_kinds[case.item.parent.name] += verdict.refused
        if verdict.problem:
            self.findings.append((case, verdict))
        else:
            self.peak_bytes = max(self.peak_bytes, verdict.peak_bytes)


def draw_cases(seed: int, kinds: tuple[str, ...] = tuple(KINDS)) -> Iterator[Case]:
    """Yield all unchanged items for all targets, then changed ones without end."""
    pairs = [
        (item, target.__name__)
        for kind in kinds
        for item in sorted((CORPUS / kind).iterdir())
        for target in KINDS[kind]
    ]
    for number, (item, target) in enumerate(pairs):
        yield Case(number, seed, item, target, changed=False)
    number = len(pairs)
    while True:
        order = Random(f"{seed}:order:{number}")
        kind = order.choice(kinds)
        item = order.choice(sorted((CORPUS / kind).iterdir()))
        target = order.choice(KINDS[kind]).__name__
        yield Case(number, seed, item, target, changed=True)
        number += 1


def run_campaign(
    cases: Iterator[Case],
    *,
    jobs: int,
    until: Callable[[int], bool],
    save_to: Path | None = FINDINGS,
) -> Summary:
    """Run cases in parallel.

    Args:
        cases: drawn in order.
        jobs: number of workers.
        until: called with the number of cases so far; True ends the campaign.
        save_to: folder for the inputs of findings; None saves none.
    """
    summary, lock = Summary(), threading.Lock()
    drawn = 0

    def draw() -> Case | None:
        nonlocal drawn
        with lock:
            if until(drawn):
                return None
            drawn += 1
            return next(cases, None)

    def work() -> None:
        with _Worker() as worker:
            while (case := draw()) is not None:
                verdict = worker.run(case, save_to)
                with lock:
                    summary.add(case, verdict)

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return summary


class _Worker:
    """A process that runs cases; see `fuzz.worker`."""

    def __enter__(self) -> _Worker:
        home = Path(__file__).parents[1]
        paths = [str(home), *filter(None, [os.environ.get("PYTHONPATH")])]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment = os.environ | threads | {"PYTHONPATH": os.pathsep.join(paths)}
        self._folder = Path(tempfile.mkdtemp(prefix="kinoloom-fuzz-"))
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "fuzz.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            cwd=self._folder,
        )  # fmt: skip
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, case: Case, save_to: Path | None) -> Verdict:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            (Path(name) / "in").mkdir()
            (Path(name) / "run").mkdir()
            source = case.write(Path(name) / "in")
            line = as_case(target=case.target, input=str(source), folder=str(Path(name) / "run"))
            self._process.stdin.write(line)
            self._process.stdin.flush()
            verdict = Verdict(**json.loads(self._process.stdout.readline()))
            if verdict.problem and save_to is not None:
                _save(case, source, verdict, save_to)
        return verdict


def _save(case: Case, source: Path, verdict: Verdict, save_to: Path) -> None:
    """Save the input of a finding, with what is needed to repeat it."""
    kind = re.sub(r"0x\w+|\d+|/\S+|'.*'", "", verdict.problem)
    key = hashlib.sha256(f"{case.target}{kind}".encode()).hexdigest()[:8]
    folder = save_to / f"{case.target}-{key}"
    if folder.exists():  # one input for each problem is enough
        return
    folder.mkdir(parents=True)
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / source.name)
    facts = {"target": case.target, "item": case.item.name, "seed": case.seed}
    facts |= {"number": case.number, "problem": verdict.problem}
    (folder / "case.json").write_text(json.dumps(facts, indent=1) + "\n" + verdict.detail)


def stop_after(cases: int | None, minutes: float | None) -> Callable[[int], bool]:
    """Return the end of a campaign: after a number of cases, or a time."""
    end = None if minutes is None else time.monotonic() + 60 * minutes
    return lambda drawn: (
        (cases is not None and drawn >= cases) or (end is not None and time.monotonic() >= end)
    )
