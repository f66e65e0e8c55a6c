"""Filters and joins of transform jobs: a part of each record, and records beside results.

Expressions are the JSONPath that the service takes: `$`, `$.name`, `$['name']`, `$[0]`, `$[-1]`,
`$[1:3]`, `$[0,2]`, one after the other. A record of text/csv is a list of its cells.
Source: the service's documentation, "Associate Prediction Results with Input Records".
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

_STEP = re.compile(
    r"\.(?P<name>[A-Za-z_][\w-]*)|\['(?P<key>[^']*)'\]|\[(?P<many>-?\d+(?:,-?\d+)+)\]"
    r"|\[(?P<start>-?\d*):(?P<stop>-?\d*)\]|\[(?P<index>-?\d+)\]"
)


def pick(value: Any, expression: str) -> Any:
    """The part of a value that an expression names.

    Raises:
        ValueError: it is not such an expression, or names what is not there.
    """
    if not expression.startswith("$"):
        raise ValueError(f"'{expression}' is no JSONPath: it begins with $.")
    position = 1
    while position < len(expression):
        match = _STEP.match(expression, position)
        if match is None:
            raise ValueError(f"'{expression}' cannot be used from '{expression[position:]}' on.")
        try:
            value = _into(value, match)
        except (LookupError, TypeError) as error:
            raise ValueError(f"A record has nothing at '{expression}'.") from error
        position = match.end()
    return value


def _into(value: Any, match: re.Match[str]) -> Any:
    name = match["name"] if match["name"] is not None else match["key"]
    if name is not None:
        return value[name]
    if match["many"] is not None:
        return [value[int(index)] for index in match["many"].split(",")]
    if match["index"] is not None:
        return value[int(match["index"])]
    bounds = [int(text) if text else None for text in (match["start"], match["stop"])]
    return value[slice(*bounds)]


def parse(record: bytes, media_type: str) -> Any:
    """A record as a value: cells of text/csv, or JSON.

    Raises:
        ValueError: it is neither.
    """
    text = record.decode()
    if _is_csv(media_type):
        return next(csv.reader([text]), [])
    return json.loads(text)


def unparse(value: Any, media_type: str) -> bytes:
    """A value as a record of that media type."""
    if not _is_csv(media_type):
        return json.dumps(value, separators=(",", ":")).encode()
    cells = value if isinstance(value, list) else [value]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue().encode()


def joined(record: Any, result: Any, media_type: str) -> Any:
    """A record and its result as one: cells side by side, or the result as SageMakerOutput."""
    if _is_csv(media_type):
        return [*record, *(result if isinstance(result, list) else [result])]
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": result}
    return {"SageMakerInput": record, "SageMakerOutput": result}


def _is_csv(media_type: str) -> bool:
    return media_type.partition(";")[0].strip() == "text/csv"
