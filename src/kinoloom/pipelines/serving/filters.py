"""Filters and joins of transform jobs: parts of records, and records joined with results.

Expressions are the service's JSONPath: `$`, `$.name`, `$['name']`, `$[0]`, `$[-1]`, `$[1:3]`,
`$[0,2]`, in any sequence, and `$['a','b']`, an object with these members. A text/csv record is a
list of its cells.

Source: the service's documentation, "Associate Prediction Results with Input Records".
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

_NAME = r"'[^']*'"
_STEP = re.compile(
    rf"\.(?P<name>[A-Za-z_][\w-]*)|\[(?P<keys>{_NAME}(?:\s*,\s*{_NAME})*)\]"
    r"|\[(?P<many>-?\d+(?:,-?\d+)+)\]|\[(?P<start>-?\d*):(?P<stop>-?\d*)\]"
    r"|\[(?P<index>-?\d+)\]"
)


def select(value: Any, expression: str) -> Any:
    """Return the part of a value that an expression selects.

    Raises:
        ValueError: The expression is invalid, or selects something that does not exist.
    """
    for match in parse_expression(expression):
        try:
            value = _select_child(value, match)
        except (LookupError, TypeError) as error:
            raise ValueError(f"A record has no value at '{expression}'.") from error
    return value


def parse_expression(expression: str) -> list[re.Match[str]]:
    """Return the parts of an expression after its $.

    Raises:
        ValueError: The expression is invalid.
    """
    if not expression.startswith("$"):
        raise ValueError(f"'{expression}' is not a valid JSONPath: it must start with $.")
    parts, position = [], 1
    while position < len(expression):
        match = _STEP.match(expression, position)
        if match is None:
            raise ValueError(f"'{expression}' is not supported from '{expression[position:]}' on.")
        parts.append(match)
        position = match.end()
    return parts


def _select_child(value: Any, match: re.Match[str]) -> Any:
    if match["name"] is not None:
        return value[match["name"]]
    if match["keys"] is not None:
        keys = re.findall(r"'([^']*)'", match["keys"])
        return value[keys[0]] if len(keys) == 1 else {key: value[key] for key in keys}
    if match["many"] is not None:
        return [value[int(index)] for index in match["many"].split(",")]
    if match["index"] is not None:
        return value[int(match["index"])]
    bounds = [int(text) if text else None for text in (match["start"], match["stop"])]
    return value[slice(*bounds)]


def parse(record: bytes, media_type: str) -> Any:
    """Return a record as a value: the cells of text/csv, or JSON.

    Raises:
        ValueError: The record is not valid JSON.
    """
    text = record.decode()
    if _is_csv(media_type):
        return next(csv.reader([text]), [])
    return json.loads(text)


def serialize(value: Any, media_type: str) -> bytes:
    """Return a value as a record of a media type."""
    if not _is_csv(media_type):
        return json.dumps(value, separators=(",", ":")).encode()
    cells = value if isinstance(value, list) else [value]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue().encode()


def join(record: Any, result: Any, media_type: str) -> Any:
    """Join a record and its result: as cells of one row, or with the result as SageMakerOutput."""
    if _is_csv(media_type):
        return [*record, *(result if isinstance(result, list) else [result])]
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": result}
    return {"SageMakerInput": record, "SageMakerOutput": result}


def _is_csv(media_type: str) -> bool:
    return media_type.partition(";")[0].strip() == "text/csv"
