"""The addresses of files: lists, uploads, folders, names, trash."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.errors import UsageError
from kinoloom.studio.core import studio_of
from kinoloom.studio.folders import moving
from kinoloom.studio.folders.listing import MAX_PAGE, Order, list_folder, search, select
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.folders.uploads import OffsetError, Piece, Receiver, clean_path
from kinoloom.studio.responses import JsonResponse, RequestError, read_json

_BLOCK_BYTES = 1 << 20
"""Uploads are written in blocks of about this size, each in a thread."""


async def list_files(request: Request) -> Response:
    """GET /api/files: a page of the files in a folder, or of those that a query finds below it."""
    studio, values = studio_of(request), request.query_params
    folder, query = values.get("folder", ""), values.get("query", "").strip()
    order = Order(values.get("sort", "name"), _read_bool(values.get("descending", "")))  # type: ignore[arg-type]
    limit, after = _read_int(values.get("limit"), MAX_PAGE), values.get("after", "")
    entries, is_complete = await asyncio.to_thread(list_folder, studio.tree, folder), True
    studio.watcher.update(folder, entries)
    if query:
        entries, is_complete = await asyncio.to_thread(search, studio.tree, folder, query)
    page, following = await asyncio.to_thread(select, entries, order, after, limit)
    return JsonResponse(
        {
            "files": [entry.to_dict() for entry in page],
            "next": following,
            "total": len(entries),
            "complete": is_complete,
            "place": _describe_place(studio.tree, folder),
        }
    )


def _describe_place(tree: Tree, folder: str) -> dict[str, str]:
    """Return the name of a folder, and where it is, for the head of a page."""
    if folder == "" and "" not in tree.roots:
        return {"name": ", ".join(tree.roots), "location": ""}
    path = tree.locate(folder)
    location = str(path)
    if path.is_relative_to(Path.home()):
        location = f"~/{path.relative_to(Path.home()).as_posix()}".removesuffix("/.")
    return {"name": path.name or "/", "location": location}


async def make_folder(request: Request) -> Response:
    """POST /api/folders {path}."""
    studio, path = studio_of(request), _read_text(await read_json(request), "path")
    await asyncio.to_thread(moving.make_folder, studio.tree, path)
    await studio.watcher.look(path)
    return JsonResponse({"path": path}, 201)


async def rename(request: Request) -> Response:
    """POST /api/rename {path, to}: both as pages write paths; `to` may be in another folder."""
    studio, body = studio_of(request), await read_json(request)
    path, to = _read_text(body, "path"), _read_text(body, "to")
    await asyncio.to_thread(moving.move, studio.tree, path, to)
    await studio.watcher.look(path)
    await studio.watcher.look(to)
    return JsonResponse({"path": to})


async def remove(request: Request) -> Response:
    """DELETE /api/files?path=: moves a file or folder to the trash."""
    studio, path = studio_of(request), request.query_params.get("path", "")
    removal = await asyncio.to_thread(studio.trash.add, path)
    await studio.watcher.look(path)
    return JsonResponse({"id": removal})


async def restore(request: Request) -> Response:
    """POST /api/restore {id}: moves a file or folder back from the trash."""
    studio, removal = studio_of(request), _read_text(await read_json(request), "id")
    path = await asyncio.to_thread(studio.trash.restore, removal)
    await studio.watcher.look(path)
    return JsonResponse({"path": path})


async def describe_trash(request: Request) -> Response:
    """GET /api/trash: how many files are in the trash, and the bytes that emptying it frees."""
    files, nbytes = await asyncio.to_thread(studio_of(request).trash.measure)
    return JsonResponse({"files": files, "bytes": nbytes})


async def empty_trash(request: Request) -> Response:
    """DELETE /api/trash: deletes what is in the trash, and returns what that was."""
    files, nbytes = await asyncio.to_thread(studio_of(request).trash.empty)
    return JsonResponse({"files": files, "bytes": nbytes})


async def describe_upload(request: Request) -> Response:
    """GET /api/upload/PATH: where an interrupted upload resumes."""
    studio, path = studio_of(request), clean_path(request.path_params["path"])
    offset, total = await asyncio.to_thread(studio.uploads.find, path)
    return JsonResponse({"offset": offset, "total": total})


async def discard_upload(request: Request) -> Response:
    """DELETE /api/upload/PATH: removes what an interrupted upload has left."""
    studio, path = studio_of(request), clean_path(request.path_params["path"])
    await asyncio.to_thread(studio.uploads.discard, path)
    return JsonResponse({})


async def receive_upload(request: Request) -> Response:
    """PUT /api/upload/PATH: a file, or a piece of it from an offset on, as raw bytes."""
    studio, piece = studio_of(request), _read_piece(request)
    try:
        receiver = await asyncio.to_thread(studio.uploads.begin, piece)
    except OffsetError as error:
        content = {"error": error.message, "hint": error.hint, "offset": error.offset}
        return JsonResponse(content, error.status)
    try:
        with suppress(ClientDisconnect):  # what came is kept
            await _receive(request, receiver)
        path = await asyncio.to_thread(receiver.finish)
        offset = receiver.position
    finally:
        await asyncio.to_thread(receiver.close)
    if path is None:
        return JsonResponse({"offset": offset, "path": None})
    await studio.watcher.look(path)
    return JsonResponse({"offset": offset, "path": path}, 201)


async def _receive(request: Request, receiver: Receiver) -> None:
    block = bytearray()
    try:
        async for chunk in request.stream():
            block += chunk
            if len(block) >= _BLOCK_BYTES:
                await asyncio.to_thread(receiver.write, bytes(block))
                block.clear()
    finally:
        if block:
            await asyncio.to_thread(receiver.write, bytes(block))


def _read_piece(request: Request) -> Piece:
    headers = request.headers
    if "content-length" not in headers:
        raise RequestError(411, "An upload must declare its length.")
    length = _read_int(headers["content-length"], 0)
    offset = _read_int(headers.get("x-upload-offset"), 0)
    total = _read_int(headers.get("x-upload-total"), offset + length)
    digest = headers.get("x-upload-sha256", "").lower()
    if digest and not re.fullmatch("[0-9a-f]{64}", digest):
        raise RequestError(400, "X-Upload-Sha256 must have 64 hexadecimal digits.")
    return Piece(clean_path(request.path_params["path"]), offset, length, total, digest)


def _read_int(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,18}", text):
        raise RequestError(400, f"'{text}' is not a whole number.")
    return int(text)


def _read_bool(text: str) -> bool:
    return text.lower() in ("1", "true", "yes")


def _read_text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise UsageError(f"The request must contain '{name}' as text.")
    return value


ROUTES = [
    Route("/api/files", list_files, methods=["GET"]),
    Route("/api/files", remove, methods=["DELETE"]),
    Route("/api/folders", make_folder, methods=["POST"]),
    Route("/api/rename", rename, methods=["POST"]),
    Route("/api/restore", restore, methods=["POST"]),
    Route("/api/trash", describe_trash, methods=["GET"]),
    Route("/api/trash", empty_trash, methods=["DELETE"]),
    Route("/api/upload/{path:path}", describe_upload, methods=["GET"]),
    Route("/api/upload/{path:path}", receive_upload, methods=["PUT"]),
    Route("/api/upload/{path:path}", discard_upload, methods=["DELETE"]),
]
