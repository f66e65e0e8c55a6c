"""Limits of calls and of the processes that run them: time, idle end, memory that a job needs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from driving import list_processes, python_path
from job_ops import install_ops
from page_packages import PAGES, declare_pages

from kinoloom.base import registry
from kinoloom.base.page import Person
from kinoloom.studio import core
from kinoloom.studio.core import Studio, open_core
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.options import StudioOptions
from kinoloom.studio.pages.calls import Asked, Calls
from kinoloom.studio.pages.context import Services
from kinoloom.studio.responses import RequestError
from kinoloom.studio.warm.process import Request, WarmProcess

OWNER = Person("owner", "owner")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder, with the page `lab` and ops for jobs installed."""
    site = install_ops(tmp_path / "site")
    declare_pages(site, {"lab": "lab.page:PAGE"})
    for place in (PAGES, site):
        monkeypatch.syspath_prepend(str(place))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(python_path(site, PAGES)))
    films = tmp_path / "films"
    (films / ".kinoloom").mkdir(parents=True)
    registry.refresh()  # the studio runs in this process
    yield films
    registry.refresh()


@asynccontextmanager
async def open_studio(folder: Path) -> AsyncIterator[Studio]:
    """A studio in this process, without its web server."""
    studio = open_core(Tree([folder]), StudioOptions())
    try:
        yield studio
    finally:
        await studio.close()


async def wait_for(condition: Callable[[], Any]) -> None:
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


def list_warm(folder: Path) -> list[int]:
    """Return the warm processes of a folder's studio."""
    return [pid for pid in list_processes("kinoloom.studio.warm.child") if is_of(pid, folder)]


def is_of(pid: int, folder: Path) -> bool:
    return pid in list_processes(str(folder))


def build_calls(studio: Studio, **limits: float) -> Calls:
    services = Services(studio.tree, studio.documents, studio.start_job)
    return Calls(studio.pages, services, **limits)


def test_a_slow_call_in_a_thread_is_given_up_and_learns_of_it(folder: Path) -> None:
    async def run() -> None:
        async with open_studio(folder) as studio:
            calls = build_calls(studio, call_s=0.5)
            with pytest.raises(RequestError, match=r"within 0.5 seconds") as caught:
                await calls.run(Asked("lab", "wait", {"mark": "slow"}, OWNER))
            assert caught.value.status == 504
            await wait_for(lambda: (folder / "slow").read_text() == "cancelled")
            assert await calls.run(Asked("lab", "add", {"a": 1, "b": 2}, OWNER)) == 3
            await calls.close()

    asyncio.run(run())


def test_a_slow_model_loses_its_process(folder: Path) -> None:
    async def run() -> None:
        async with open_studio(folder) as studio:
            calls = build_calls(studio, model_s=8)
            with pytest.raises(RequestError, match=r"within 8 seconds") as caught:
                await calls.run(Asked("lab", "wait-warm", {"mark": "slow"}, OWNER))
            assert caught.value.status == 504
            await wait_for(lambda: not list_warm(folder))
            await calls.close()

    asyncio.run(run())


def test_an_idle_process_ends_and_starts_again(folder: Path) -> None:
    async def run() -> None:
        process = WarmProcess("idle", Tree([folder]), idle_s=0.3)
        add = Request("lab.page:add", {"a": 1, "b": 2}, OWNER)
        assert await process.call(add) == 3
        first = list_warm(folder)
        assert len(first) == 1
        await wait_for(lambda: process.pid is None)
        await wait_for(lambda: not list_warm(folder))
        assert await process.call(add) == 3
        assert list_warm(folder) != first
        await process.stop()

    asyncio.run(run())


def test_a_busy_process_is_not_idle(folder: Path) -> None:
    async def run() -> None:
        process = WarmProcess("busy", Tree([folder]), idle_s=0.3)
        await process.call(Request("lab.page:add", {}, OWNER))
        waiting = asyncio.create_task(
            process.call(Request("lab.page:wait_warm", {"mark": "busy"}, OWNER))
        )
        await wait_for((folder / "busy").exists)
        pid = process.pid
        await asyncio.sleep(1)
        assert process.pid == pid
        waiting.cancel()
        await wait_for(lambda: (folder / "busy").read_text() == "cancelled")
        await process.stop()

    asyncio.run(run())


@pytest.mark.parametrize("free_bytes", [0, 1 << 40])
def test_a_job_that_needs_the_memory_ends_idle_processes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int
) -> None:
    async def run() -> None:
        async with open_studio(folder) as studio:
            mean = Asked("lab", "mean", {"a": 1, "b": 3}, OWNER)
            pid = (await studio.calls.run(mean))["pid"]
            monkeypatch.setattr(core, "available_bytes", lambda: free_bytes)
            started = await studio.start_job(OWNER, {"op": "burst"})
            await wait_for(lambda: studio.jobs.get(started.id).state == "done")
            if free_bytes:
                assert pid in list_warm(folder)
            else:
                await wait_for(lambda: pid not in list_warm(folder))
                assert (await studio.calls.run(mean))["pid"] != pid

    asyncio.run(run())
