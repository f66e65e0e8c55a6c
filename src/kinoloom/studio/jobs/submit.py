"""Submits jobs: checks the request of a page, plans the job in a warm process, adds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from kinoloom.base import registry
from kinoloom.base.page import Person, StartedJob
from kinoloom.errors import UsageError
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.jobs.manager import JobManager
from kinoloom.studio.responses import RequestError
from kinoloom.studio.warm.process import Request, WarmProcess

_PLAN = "kinoloom.studio.tools.jobs:plan"
_MAX_INPUTS = 10_000


@dataclass(frozen=True)
class Submission:
    """What became of a request.

    Attributes:
        id: of the job; "" if it was not started.
        output: path of the output as pages write it, or None.
        made_before: an output of the same work on the same files, which was not made again.
        unconfirmed: path and sha256 of a file with code that must be confirmed first, or None.
    """

    id: str
    output: str | None
    made_before: str | None = None
    unconfirmed: Mapping[str, str] | None = None


class JobDesk:
    """Takes requests for jobs.

    Args:
        jobs: runs them.
        tree: the folders of the studio.
        tools: the process that plans them.
    """

    def __init__(self, jobs: JobManager, tree: Tree, tools: WarmProcess) -> None:
        self._jobs, self._tree, self._tools = jobs, tree, tools
        self._planning = asyncio.Lock()

    async def submit(self, person: Person, request: Mapping[str, Any]) -> Submission:
        """Check a request and add its job to the queue.

        Args:
            person: who sent it.
            request: op, inputs, options, output, report; `confirmed`: a digest, or several; with
                `again`, work that was done before is done again.

        Raises:
            RequestError: the person may not start jobs (403), the request is malformed (422), or
                1,000 jobs have not ended (503).
            KinoloomError: as `studio.tools.jobs.plan`.
        """
        check_role(person)
        body = check_body(request)
        async with self._planning:  # so that two jobs do not choose the same free name
            plan = await self._plan(person, body, _read_digests(request))
            if plan["unconfirmed"]:
                return Submission("", plan["output"], unconfirmed=plan["unconfirmed"][0])
            if not request.get("again") and (made := self._jobs.find_made(plan)):
                return Submission("", made, made_before=made)
            for digest in plan["program"]["confirmed"].values():
                self._jobs.table.confirm(digest, person.name, time.time())
            job = self._jobs.add(person, body, plan)
        return Submission(job.id, plan["output"])

    async def start(self, person: Person, request: Mapping[str, Any]) -> StartedJob:
        """Start a job for a call of a page; work that was done before is done again.

        Raises:
            UsageError: the job runs code that nobody has confirmed yet.
            KinoloomError, RequestError: as `submit`.
        """
        done = await self.submit(person, {**request, "again": True})
        if done.unconfirmed is not None:
            raise UsageError(
                f"{done.unconfirmed['path']} contains code that nobody has allowed to run.",
                hint="Start this job from its form once, and confirm the file there.",
            )
        return StartedJob(done.id, done.output or "")

    async def _plan(
        self, person: Person, body: Mapping[str, Any], digests: list[str]
    ) -> dict[str, Any]:
        options = {
            "roots": {label: str(root) for label, root in self._tree.roots.items()},
            "body": body,
            "taken": self._jobs.list_taken(),
            "confirmed": [*digests, *self._jobs.table.list_confirmed()],
        }
        plan: dict[str, Any] = await self._tools.call(Request(_PLAN, options, person))
        return plan


def check_role(person: Person) -> None:
    """Check that a person may start and change jobs.

    Raises:
        RequestError: not so (403).
    """
    if not person.may("editor"):
        raise RequestError(
            403, f"The role '{person.role}' may not start or change jobs.", "Ask an editor."
        )


def check_body(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return op, inputs, options, output and report of a request, with the right types.

    Raises:
        RequestError: an unknown op, or a value of another type (422).
    """
    op = request.get("op")
    if not isinstance(op, str) or op not in registry.names("ops"):
        close = get_close_matches(str(op), registry.names("ops"))
        hint = f"Did you mean {' or '.join(close)}?" if close else "GET /api/ops lists them."
        raise RequestError(422, f"Unknown op '{op}'.", hint)
    inputs, options = request.get("inputs", []), request.get("options", {})
    if not (isinstance(inputs, list) and all(isinstance(one, str) for one in inputs)):
        raise RequestError(422, "'inputs' must be a list of paths.")
    if len(inputs) > _MAX_INPUTS:
        raise RequestError(422, f"A job takes at most {_MAX_INPUTS:,} inputs.")
    if not isinstance(options, dict) or any(isinstance(v, (list, dict)) for v in options.values()):
        raise RequestError(422, "'options' must be an object of plain values.")
    output = request.get("output")
    if not (output is None or (isinstance(output, str) and output)):
        raise RequestError(422, "'output' must be a path, or null for the next free name.")
    return {
        "op": op,
        "inputs": inputs,
        "options": options,
        "output": output,
        "report": bool(request.get("report")),
    }


def _read_digests(request: Mapping[str, Any]) -> list[str]:
    given = request.get("confirmed") or []
    digests = [given] if isinstance(given, str) else given
    if not (isinstance(digests, list) and all(isinstance(one, str) for one in digests)):
        raise RequestError(422, "'confirmed' must be the SHA-256 of a file.")
    return digests
