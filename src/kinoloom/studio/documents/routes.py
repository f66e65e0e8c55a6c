"""The addresses of documents: /api/documents/PAGE/KIND/NAME and below.

    GET .../PAGE/KIND                         -> {documents: [{name, seq, person, time}]}
    GET .../NAME                              -> {seq, state}
    GET .../NAME/log?before=&limit=           -> {entries: [...]}, newest first
    POST .../NAME/changes {changes: [{key, seq, change}]} -> {seq, applied}
    POST .../NAME/undo, .../redo {key} or {keys}          -> {seq, applied}

A change that no longer fits is answered by 409 {error, hint, state, seq, rejected, applied}.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.errors import UsageError
from kinoloom.studio.core import person_of, studio_of
from kinoloom.studio.documents.history import Verb
from kinoloom.studio.documents.service import Place, Submitted
from kinoloom.studio.documents.storage import dump
from kinoloom.studio.responses import JsonResponse, read_json

MAX_CHANGES = 1_000
"""In one request."""


async def list_documents(request: Request) -> Response:
    """List the documents of a kind."""
    page, kind = (request.path_params[name] for name in ("page", "kind"))
    found = await asyncio.to_thread(studio_of(request).documents.list_kind, page, kind)
    return JsonResponse({"documents": found})


async def read_document(request: Request) -> Response:
    """Return the state of a document."""
    documents, place = studio_of(request).documents, _place(request)

    def read() -> str:
        seq, state = documents.read(place)
        return dump({"seq": seq, "state": state}) or ""

    return Response(await asyncio.to_thread(read), media_type="application/json")


async def read_log(request: Request) -> Response:
    """Return entries of the log of a document: who changed what, and when."""
    before = _parse_number(request, "before", 2**62)
    limit = min(_parse_number(request, "limit", 100), 200)
    documents = studio_of(request).documents
    entries = await asyncio.to_thread(documents.read_log, _place(request), before, limit)
    return JsonResponse({"entries": [entry.describe() for entry in entries]})


async def change_document(request: Request) -> Response:
    """Make changes."""
    submitted = _read_changes(await read_json(request))
    documents, place = studio_of(request).documents, _place(request)
    answer = await asyncio.to_thread(documents.change, place, person_of(request), submitted)
    return JsonResponse(answer.describe())


async def undo(request: Request) -> Response:
    """Undo changes of the person."""
    return await _revert(request, "undo")


async def redo(request: Request) -> Response:
    """Make undone changes of the person again."""
    return await _revert(request, "redo")


async def _revert(request: Request, verb: Verb) -> Response:
    body = await read_json(request)
    keys = body.get("keys", [body.get("key")])
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise UsageError("The request needs a key, or a list of keys.")
    _check_number_of(keys)
    documents, place = studio_of(request).documents, _place(request)
    answer = await asyncio.to_thread(documents.revert, place, person_of(request), verb, keys)
    return JsonResponse(answer.describe())


def _place(request: Request) -> Place:
    return Place(*(request.path_params[name] for name in ("page", "kind", "name")))


def _read_changes(body: Mapping[str, Any]) -> list[Submitted]:
    changes = body.get("changes")
    if not isinstance(changes, list):
        raise UsageError("The request needs a list of changes.")
    _check_number_of(changes)
    return [_read_change(one) for one in changes]


def _read_change(one: Any) -> Submitted:
    one = one if isinstance(one, dict) else {}
    key, seq, change = one.get("key"), one.get("seq"), one.get("change")
    if isinstance(key, str) and isinstance(seq, int) and isinstance(change, dict):
        return Submitted(key, seq, change)
    raise UsageError("A change needs a key (text), a seq (number) and a change (object).")


def _check_number_of(items: Sequence[Any]) -> None:
    if len(items) > MAX_CHANGES:
        raise UsageError(f"A request may have {MAX_CHANGES:,} changes, not {len(items):,}.")


def _parse_number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise UsageError(f"'{name}' must be a whole number.")
    return int(text)


_ADDRESS = "/api/documents/{page}/{kind}"
ROUTES = [
    Route(_ADDRESS, list_documents),
    Route(_ADDRESS + "/{name:path}/changes", change_document, methods=["POST"]),
    Route(_ADDRESS + "/{name:path}/undo", undo, methods=["POST"]),
    Route(_ADDRESS + "/{name:path}/redo", redo, methods=["POST"]),
    Route(_ADDRESS + "/{name:path}/log", read_log),
    Route(_ADDRESS + "/{name:path}", read_document),
]
