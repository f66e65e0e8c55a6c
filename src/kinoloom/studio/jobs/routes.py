"""The addresses of jobs: start, list, log, and what a person may do with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.jobs.process import LOG, REPORT
from kinoloom.studio.core import Studio, person_of, studio_of
from kinoloom.studio.jobs.manager import JobManager
from kinoloom.studio.jobs.record import JobRecord
from kinoloom.studio.jobs.submit import Submission, check_role
from kinoloom.studio.responses import JsonResponse, RequestError, read_json

MAX_PAGE = 200
LOG_BYTES = 65_536
"""The most that one answer has of a log."""

_ACTIONS: Mapping[str, Callable[[JobManager, str], JobRecord]] = {
    "cancel": JobManager.cancel,
    "pause": JobManager.pause,
    "continue": JobManager.continue_,
    "resume": JobManager.resume,
}


async def start_job(request: Request) -> Response:
    """POST /api/jobs: start a job.

    The answer has id, output and made_before. If the work was done before, id is null and
    made_before.path names the result: send `again: true` to do it again. If the job runs code that
    nobody has allowed yet, the status is 409, and sha256 is what to send as `confirmed`.
    """
    submission = await studio_of(request).desk.submit(person_of(request), await read_json(request))
    return _answer(submission)


async def list_jobs(request: Request) -> Response:
    """GET /api/jobs?after=ID&limit=N&state=active: jobs, newest first, by pages.

    The first page also has all jobs that run or are paused.
    """
    jobs = studio_of(request).jobs
    limit = _read_number(request, "limit", MAX_PAGE, 1, MAX_PAGE)
    is_active = request.query_params.get("state") == "active"
    after = request.query_params.get("after", "")
    found = jobs.table.list_page(after, limit + 1, only_active=is_active)
    page = found[:limit]
    shown = {job.id for job in page}
    first = [] if after or is_active else jobs.table.list_state("running", "paused")
    return JsonResponse(
        {
            "jobs": [
                jobs.describe(job)
                for job in (*(job for job in first if job.id not in shown), *page)
            ],
            "next": page[-1].id if len(found) > limit else None,
            "total": jobs.table.count(),
        }
    )


async def show_job(request: Request) -> Response:
    """GET /api/jobs/ID: one job."""
    jobs = studio_of(request).jobs
    return JsonResponse(jobs.describe(jobs.get(request.path_params["id"])))


async def show_log(request: Request) -> Response:
    """GET /api/jobs/ID/log?after=BYTES: the log from there on, at most 64 KB of it.

    The answer has text, next (the number of bytes up to its end) and total; without `after` it is
    the end of the log.
    """
    file = _folder(request) / LOG
    total = file.stat().st_size if file.is_file() else 0
    after = _read_number(request, "after", max(0, total - LOG_BYTES), 0, 2**62)
    data = b""
    if after < total:
        with file.open("rb") as log:
            log.seek(after)
            data = log.read(LOG_BYTES)
    data = _cut_whole(data, is_end=after + len(data) >= total)
    text = data.decode("utf-8", "replace")
    return JsonResponse({"text": text, "next": after + len(data), "total": total})


async def show_report(request: Request) -> Response:
    """GET /api/jobs/ID/report: the report that the op returned, as JSON."""
    file = _folder(request) / REPORT
    if not file.is_file():
        raise RequestError(404, "This job has no report.")
    return Response(file.read_bytes(), media_type="application/json")


async def act_on_job(request: Request) -> Response:
    """POST /api/jobs/ID/ACTION: cancel, pause, continue, resume, again or move."""
    studio, id_ = studio_of(request), request.path_params["id"]
    check_role(person_of(request))
    action = request.path_params["action"]
    body = await read_json(request)
    if action == "again":
        return _answer(await _start_again(studio, request, id_, body.get("confirmed")))
    if action == "move":
        before = body.get("before")
        if before is not None and not isinstance(before, str):
            raise RequestError(422, "'before' must be the id of a job, or null.")
        return JsonResponse(studio.jobs.describe(studio.jobs.move(id_, before)))
    if action not in _ACTIONS:
        raise RequestError(404, "There is nothing at this address.")
    return JsonResponse(studio.jobs.describe(_ACTIONS[action](studio.jobs, id_)))


async def remove_job(request: Request) -> Response:
    """DELETE /api/jobs/ID: remove an ended job from the list; its output stays."""
    check_role(person_of(request))
    studio_of(request).jobs.remove(request.path_params["id"])
    return JsonResponse({})


async def _start_again(studio: Studio, request: Request, id_: str, confirmed: Any) -> Submission:
    """Start a copy of a job; its output gets a free name unless it may be replaced."""
    body = dict(studio.jobs.get(id_).body)
    if not body["options"].get("overwrite"):
        body["output"] = None
    return await studio.desk.submit(
        person_of(request), {**body, "again": True, "confirmed": confirmed}
    )


def _answer(submission: Submission) -> Response:
    code = submission.unconfirmed
    if code is not None:
        content = {
            "error": f"This job runs the code in {code['path']}.",
            "hint": "Start it only if you trust this file.",
            "path": code["path"],
            "sha256": code["sha256"],
        }
        return JsonResponse(content, 409)
    made = submission.made_before
    return JsonResponse(
        {
            "id": submission.id or None,
            "output": submission.output,
            "made_before": {"path": made} if made is not None else None,
        }
    )


def _folder(request: Request) -> Path:
    jobs = studio_of(request).jobs
    return jobs.folder / jobs.get(request.path_params["id"]).id


def _read_number(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise RequestError(422, f"'{name}' must be a whole number.")
    return min(max(int(text), low), high)


def _cut_whole(data: bytes, *, is_end: bool) -> bytes:
    """Return the data without an incomplete last line; the next answer has the whole line."""
    whole = data.rfind(b"\n") + 1
    return data if is_end or not whole else data[:whole]


ROUTES = [
    Route("/api/jobs", start_job, methods=["POST"]),
    Route("/api/jobs", list_jobs, methods=["GET"]),
    Route("/api/jobs/{id}", show_job, methods=["GET"]),
    Route("/api/jobs/{id}", remove_job, methods=["DELETE"]),
    Route("/api/jobs/{id}/log", show_log, methods=["GET"]),
    Route("/api/jobs/{id}/report", show_report, methods=["GET"]),
    Route("/api/jobs/{id}/{action}", act_on_job, methods=["POST"]),
]
