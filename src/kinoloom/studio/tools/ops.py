"""Describes ops as plain values: what a form needs to know of an op, its inputs and options."""

from __future__ import annotations

import inspect
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from kinoloom.base import registry
from kinoloom.base.files import NoOptions, Nothing, files_of
from kinoloom.base.op import Op
from kinoloom.base.options import Option, options_of
from kinoloom.base.page import Context
from kinoloom.base.provenance import to_jsonable
from kinoloom.base.report import Report
from kinoloom.errors import KinoloomError

_MOST_SEGMENTS = 4
_MOST_SEGMENT_LETTERS = 28
"""Choices are shown next to each other up to this number, and this length in sum."""
_UNIT_FIELDS = {"s": "seconds", "fps": "rate", "bytes": "bytes"}
_FIELDS = {bool: "switch", int: "number", float: "number", Fraction: "number", Path: "path"}


def describe_ops(context: Context) -> list[dict[str, Any]]:
    """Return the descriptions of all ops, in the order of the command line's help.

    One that cannot be loaded, such as that of a broken third-party package, has a `failure`.
    """
    found = []
    for name in registry.names("ops"):
        try:
            found.append(_describe(registry.load("ops", name)))
        except KinoloomError as error:
            found.append(_describe_failure(name, str(error)))
    return found


def _describe(op: Op) -> dict[str, Any]:
    has_reader = op.input_type not in (Path, Nothing)
    sections = {
        "op": op.options,
        "read": files_of(op.input_type).read_options if has_reader else NoOptions,
        "write": files_of(op.output_type).write_options,
    }
    group = op.name.rpartition(".")[0]
    text = inspect.getdoc(op.function) or op.summary
    return {
        "name": op.name,
        "summary": op.summary,
        "help": re.split(r"\n(?:Args|Returns|Raises):", text)[0].partition("\n")[2].strip(),
        "group": group,
        "group_help": registry.group_help(group) if group else "",
        "extra": op.extra,
        "input": op.input_type.__name__,
        "input_name": op.input_name,
        "input_count": "many" if has_reader else "none" if op.input_type is Nothing else "one",
        "output": op.output_type.__name__,
        "has_report": bool(op.page),
        "needs_output": op.output_type is not Report,
        "command_prefix": " ".join(["kinoloom", *op.name.split(".")]),
        "failure": "",
        "options": [
            _describe_option(option, section)
            for section, cls in sections.items()
            for option in options_of(cls)
        ],
    }


def _describe_option(option: Option, section: str) -> dict[str, Any]:
    return {
        "name": option.name,
        "flag": option.flag,
        "kind": _field_of(option),
        "default": to_jsonable(option.default),
        "help": option.help[:1].upper() + option.help[1:],
        "range": option.range_text,
        "low": option.low,
        "high": option.high,
        "unit": option.unit,
        "choices": list(option.choices),
        "optional": option.optional,
        "whole": option.kind is int,
        "section": section,
    }


def _field_of(option: Option) -> str:
    """Return the kind of field in which a person enters an option."""
    if option.choices:
        letters = sum(map(len, option.choices))
        is_short = len(option.choices) <= _MOST_SEGMENTS and letters <= _MOST_SEGMENT_LETTERS
        return "segments" if is_short else "choice"
    return _UNIT_FIELDS.get(option.unit) or _FIELDS.get(option.kind, "text")


def _describe_failure(name: str, message: str) -> dict[str, Any]:
    return {
        "name": name,
        "summary": "This cannot be loaded.",
        "help": "",
        "group": name.rpartition(".")[0],
        "group_help": "",
        "extra": "",
        "input": "",
        "input_name": "",
        "input_count": "none",
        "output": "",
        "has_report": False,
        "needs_output": False,
        "command_prefix": "",
        "failure": message,
        "options": [],
    }
