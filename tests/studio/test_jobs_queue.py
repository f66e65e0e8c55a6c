"""The queue without processes: slots, the table of jobs, events of a file, roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.base.page import Person
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.studio.jobs.follower import Follower
from kinoloom.studio.jobs.made import describe_files, find_made
from kinoloom.studio.jobs.record import JobRecord, describe
from kinoloom.studio.jobs.slots import Slots
from kinoloom.studio.jobs.submit import check_role
from kinoloom.studio.jobs.table import MAX_JOBS, JobTable
from kinoloom.studio.responses import RequestError
from kinoloom.studio.state.database import Database

GB = 1_000_000_000


def make_job(number: int, **values: Any) -> JobRecord:
    plan = {
        "title": f"Job {number}",
        "command": "kinoloom",
        "output": "out.mp4",
        "report": None,
        "program": {"output": "/films/out.mp4", "report": None},
        "fingerprint": "f",
        "files": [],
        "memory": values.pop("memory", None),
        "uses_accelerator": values.pop("uses_accelerator", False),
        "unit": "frames",
        "can_resume": True,
    }
    body = {"op": "interpolate", "inputs": [], "options": {}}
    state = values.pop("state", "waiting")
    return JobRecord(f"id{number}", state, body, plan, "owner", 1.0, **values)


@pytest.fixture
def slots() -> Slots:
    """Slots of a machine with 4 cores, 8 GB and one accelerator."""
    slots = Slots(3)
    slots.total = Resources(4, 1, 8 * GB)
    return slots


def test_jobs_start_in_order_as_far_as_slots_allow(slots: Slots) -> None:
    jobs = [make_job(k) for k in range(5)]
    chosen, reasons = slots.choose(jobs, [])
    assert [job.id for job in chosen] == ["id0", "id1", "id2"]
    assert set(reasons) == {"id3", "id4"}
    assert reasons["id3"] == "Starts when a running job ends: 3 jobs run at once."


def test_paused_job_keeps_its_memory_and_leaves_its_slot(slots: Slots) -> None:
    paused = [make_job(k, state="paused", memory=3 * GB) for k in range(2)]
    jobs = [make_job(5, memory=1 * GB), make_job(6, memory=6 * GB)]
    chosen, reasons = slots.choose(jobs, paused)
    assert [job.id for job in chosen] == ["id5"]
    assert reasons["id6"] == "Waits for 6.00 GB of memory: 1.00 GB are free."


def test_accelerator_is_used_by_one_job(slots: Slots) -> None:
    running = [make_job(0, state="running", uses_accelerator=True)]
    chosen, reasons = slots.choose([make_job(1, uses_accelerator=True), make_job(2)], running)
    assert [job.id for job in chosen] == ["id2"]
    assert reasons["id1"] == "Waits for the accelerator, which another job uses."


def test_later_job_does_not_take_what_an_earlier_one_waits_for(slots: Slots) -> None:
    running = [make_job(0, state="running", memory=5 * GB)]
    chosen, reasons = slots.choose([make_job(1, memory=6 * GB), make_job(2)], running)
    assert chosen == []
    assert set(reasons) == {"id1", "id2"}


def test_job_that_needs_more_than_the_machine_has_runs_alone(slots: Slots) -> None:
    big = make_job(1, memory=100 * GB)
    chosen, _ = slots.choose([big, make_job(2)], [])
    assert chosen == [big]
    _, reasons = slots.choose([big], [make_job(0, state="running")])
    assert "id1" in reasons


def test_default_number_of_jobs_follows_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, at_once, threads in ((2, 1, None), (8, 2, 4), (17, 4, 4)):
        monkeypatch.setattr("kinoloom.studio.jobs.slots.this_machine", lambda n=cores: Resources(n))
        slots = Slots(None)
        assert (slots.at_once, slots.threads) == (at_once, threads)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[JobTable]:
    """A table in a new database."""
    database = Database(tmp_path / "studio.db")
    yield JobTable(database)
    database.close()


def test_record_is_the_same_after_the_database(table: JobTable) -> None:
    job, _ = table.add(make_job(1, pid=7, process_started="9", cancelling=True))
    changed = job.with_(progress={"done": 1}, result={"notes": [{"level": "info"}]}, resumes=2)
    table.save(changed)
    assert table.get("id1") == changed


def test_oldest_ended_jobs_make_room(table: JobTable) -> None:
    for number in range(MAX_JOBS):
        table.add(make_job(number, state="done" if number in (3, 5) else "waiting"))
    _, removed = table.add(make_job(MAX_JOBS))
    assert removed == ["id3"]
    _, removed = table.add(make_job(MAX_JOBS + 1))
    assert removed == ["id5"]
    assert table.count() == MAX_JOBS
    with pytest.raises(RequestError, match="1,000 jobs wait already"):
        table.add(make_job(MAX_JOBS + 2))
    assert table.count() == MAX_JOBS


def test_pages_have_each_job_once(table: JobTable) -> None:
    for number in range(7):
        table.add(make_job(number, state="done" if number % 2 else "waiting"))
    found, after = [], ""
    while page := table.list_page(after, 3, only_active=False):
        found += [job.id for job in page]
        after = found[-1]
    assert found == [f"id{k}" for k in reversed(range(7))]
    active = table.list_page("", 10, only_active=True)
    assert [job.id for job in active] == ["id6", "id4", "id2", "id0"]


def test_made_before_needs_unchanged_files(tmp_path: Path) -> None:
    source, output = tmp_path / "in.png", tmp_path / "out.mp4"
    source.write_bytes(b"in")
    output.write_bytes(b"out")
    job = make_job(1, state="done")
    plan = {**job.plan, "files": [str(source)], "program": {"output": str(output)}}
    made = job.with_(plan=plan, made=describe_files(plan))
    assert find_made(plan, [made]) == "out.mp4"
    source.write_bytes(b"other")
    assert find_made(plan, [made]) is None
    again = made.with_(made=describe_files(plan))
    assert find_made(plan, [made, again]) == "out.mp4"
    output.unlink()
    assert find_made(plan, [again]) is None


@given(st.lists(st.text(), max_size=6), st.lists(st.integers(1, 40), max_size=30))
def test_every_event_is_read_once_however_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], sizes: list[int]
) -> None:
    file = tmp_path_factory.mktemp("events") / "events.jsonl"
    follower = Follower(file)
    assert list(follower.read_new()) == []
    data = "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()
    found = []
    with file.open("ab", buffering=0) as writer:
        for size in [*sizes, len(data)]:
            writer.write(data[:size])
            data = data[size:]
            found += [event["text"] for event in follower.read_new()]
    assert found == texts


def test_broken_line_hides_no_other(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"event":"a"}\n{"event":"b\n[1]\n{"event":"c"}\n')
    assert [event["event"] for event in Follower(file).read_new()] == ["a", "c"]


def test_time_left_is_known_only_while_a_job_runs() -> None:
    job = make_job(1, state="running", progress={"done": 25, "total": 100, "rate": 5.0})
    assert describe(job)["seconds_left"] == 15
    assert describe(job.with_(state="paused"))["seconds_left"] is None
    unknown = job.with_(progress={"done": 25, "total": None, "rate": 5.0})
    assert describe(unknown)["seconds_left"] is None


def test_many_inputs_are_cut_for_pages() -> None:
    job = make_job(1)
    job = job.with_(body={**job.body, "inputs": [f"{k}.png" for k in range(5_000)]})
    shown = describe(job)
    assert (len(shown["inputs"]), shown["input_count"]) == (100, 5_000)


@pytest.mark.parametrize(("role", "is_allowed"), [("viewer", 0), ("operator", 0), ("editor", 1)])
def test_only_editors_start_jobs(role: Any, is_allowed: int) -> None:
    if is_allowed:
        check_role(Person("Ada", role))
        return
    with pytest.raises(RequestError, match=f"The role '{role}' may not start or change jobs"):
        check_role(Person("Ada", role))
