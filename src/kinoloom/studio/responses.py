"""Answers in JSON, and errors as answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from kinoloom.base.printable import well_formed
from kinoloom.base.provenance import to_jsonable
from kinoloom.errors import (
    BudgetError,
    InputChangedError,
    InputNotFoundError,
    KinoloomError,
    MediaError,
    MissingError,
    OutputError,
    RegistryError,
    UsageError,
)

MAX_JSON_BYTES = 1_000_000
MAX_JSON_DEPTH = 100

_STATUSES: tuple[tuple[type[KinoloomError], int], ...] = (
    (InputNotFoundError, 404),
    (InputChangedError, 409),
    (UsageError, 422),
    (RegistryError, 422),
    (MissingError, 424),
    (MediaError, 415),
    (OutputError, 507),
    (BudgetError, 507),
)


class RequestError(Exception):
    """A request that is answered with a status and a sentence.

    Args:
        status: of HTTP.
        message: what is wrong.
        hint: what to do, or "".
        content: more plain values for the client, by name.
    """

    def __init__(
        self, status: int, message: str, hint: str = "", content: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.hint = status, message, hint
        self.content = content or {}


class JsonResponse(Response):
    """Plain values as JSON; text that is not valid Unicode is made so."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes of the answer."""
        text = json.dumps(to_jsonable(content), ensure_ascii=False, separators=(",", ":"))
        return well_formed(text).encode()


def status_of(error: KinoloomError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def describe_error(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of an error of the studio or of kinoloom."""
    if isinstance(error, RequestError):
        return error.status, {"error": error.message, "hint": error.hint, **error.content}
    if isinstance(error, KinoloomError):
        return status_of(error), {"error": error.message, "hint": error.hint}
    return 500, {"error": f"The studio failed: {type(error).__name__}: {error}", "hint": ""}


async def answer_error(request: Request, error: Exception) -> Response:
    """Answer with an error; the exception handler of the application."""
    status, content = describe_error(error)
    return JsonResponse(content, status)


async def read_json(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        RequestError: it is larger than 1 MB (413), not a JSON object, or nested deeper than 100
            levels (400).
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_JSON_BYTES:
        raise _too_large()
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise _too_large()
    return parse_object(body or b"{}")


def _too_large() -> RequestError:
    return RequestError(413, f"The request has more than {MAX_JSON_BYTES:,} bytes.")


def parse_object(text: bytes) -> dict[str, Any]:
    """Return a JSON object of a client.

    Raises:
        RequestError: it is not a JSON object, or nested deeper than 100 levels (400).
    """
    try:
        _check_depth(text)
        value = json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"The request is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise RequestError(400, "The request is not a JSON object.")
    return value


def _check_depth(body: bytes) -> None:
    """Reject deep nesting before it is parsed; brackets in strings count, too, up to the limit."""
    depth = deepest = 0
    in_text = escaped = False
    for byte in body:
        if in_text:
            in_text = escaped or byte != 0x22
            escaped = byte == 0x5C and not escaped
        elif byte == 0x22:
            in_text = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    if deepest > MAX_JSON_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_JSON_DEPTH} levels")


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
