"""What calls return, as answers: plain values as JSON, blobs and files as bytes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from starlette.responses import Response

from kinoloom.base.page import Blob
from kinoloom.errors import InputNotFoundError
from kinoloom.studio.core import Studio
from kinoloom.studio.media.kinds import find_media_type
from kinoloom.studio.media.sending import OpenFileResponse
from kinoloom.studio.responses import JsonResponse, RequestError

MAX_FACTS_BYTES = 2_048


def build_answer(studio: Studio, value: Any) -> Response:
    """Return the answer for what a call returned.

    Raises:
        RequestError: the facts of a blob are too long, or a file is neither in the folders nor in
            the cache of the studio (500).
        InputNotFoundError: the file does not exist.
    """
    if isinstance(value, Blob):
        facts = json.dumps(dict(value.facts))
        if len(facts) > MAX_FACTS_BYTES:
            raise RequestError(500, f"The facts have more than {MAX_FACTS_BYTES:,} bytes.")
        return Response(value.data, media_type=value.media_type, headers={"x-facts": facts})
    if isinstance(value, Path):
        descriptor = _open(studio, value)
        return OpenFileResponse(descriptor, value.name, find_media_type(value.name))
    return JsonResponse(value)


def _open(studio: Studio, file: Path) -> int:
    text = studio.tree.name(file)
    if text is not None:
        return studio.tree.open(text)
    if not file.resolve().is_relative_to(studio.cache_folder.resolve()):
        raise RequestError(500, f"The page returned {file.name}, which is not in the folders.")
    try:
        return os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise InputNotFoundError(f"{file.name} cannot be read: {error.strerror}.") from error
