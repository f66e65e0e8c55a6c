"""Describes ops as plain values, and what a filled form would run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from kinoloom.base import registry
from kinoloom.base.files import Nothing
from kinoloom.base.op import Op
from kinoloom.base.options import Option, options_of
from kinoloom.base.page import Context
from kinoloom.base.provenance import to_jsonable
from kinoloom.base.report import Report
from kinoloom.errors import KinoloomError, UsageError
from kinoloom.jobs.command_line import build_command_line
from kinoloom.jobs.job import Job
from kinoloom.jobs.option_sets import OptionSets
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.tools.jobs import plan

_MOST_SEGMENTS = 4
_MOST_SEGMENT_LETTERS = 28
"""Choices are shown next to each other up to this number, and this length in sum."""
_UNIT_FIELDS = {"s": "seconds", "fps": "rate", "bytes": "bytes"}
_FIELDS = {bool: "switch", int: "number", float: "number", Fraction: "number", Path: "path"}


_LABELS = {"fps": "Frame rate"}
"""Of options whose name is no word."""


def describe_ops(context: Context) -> list[dict[str, Any]]:
    """Return the descriptions of all ops, in the order of the command line's help.

    One that cannot be loaded, such as that of a broken third-party package, has a `failure`.
    """
    found = []
    for name in registry.names("ops"):
        try:
            found.append(_describe(registry.load("ops", name)))
        except KinoloomError as error:
            found.append(_describe_failure(name, error.message))
    return found


def preview(
    context: Context, *, roots: Mapping[str, str], body: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the command of a form, which may not be complete yet.

    Args:
        context: of the request.
        roots: the folders of the studio by label.
        body: op, inputs, options, output and report, as for a job.

    Returns:
        command; output, as pages write paths, or None if that is not known yet; errors by option;
        problem: {error, hint} of what else is missing or wrong, or None.

    Raises:
        RegistryError: an unknown op.
        UsageError: an input or the output is not in the folders.
    """
    tree = Tree([Path(root) for root in roots.values()])
    op: Op = registry.load("ops", body["op"])
    sets = OptionSets.of(op)
    values, errors = _parse_each(sets, body["options"])
    problem, output = None, None
    try:
        planned = plan(
            context,
            roots=roots,
            body={**body, "options": {name: body["options"][name] for name in values}},
            taken=(),
            confirmed=(),
        )
        output = planned["output"]
        command = planned["command"]
    except KinoloomError as error:
        problem = {"error": error.message, "hint": error.hint}
        command = build_command_line(
            _draft(tree, op, sets, {**body, "options": values}), tree.first
        )
    return {"command": command, "output": output, "errors": errors, "problem": problem}


def _parse_each(
    sets: OptionSets, options: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the valid values, parsed, and what is wrong with the others, by name."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, value in options.items():
        try:
            values |= sets.parse({name: value})
        except UsageError as error:
            errors[name] = error.message
    return values, errors


def _draft(tree: Tree, op: Op, sets: OptionSets, body: Mapping[str, Any]) -> Job:
    """Return a job that need not be possible, with INPUT and OUTPUT for what is not chosen."""
    inputs = tuple(tree.locate(text) for text in body["inputs"])
    if not inputs and op.input_type is not Nothing:
        inputs = (Path("INPUT" if op.input_type is not Path else op.input_name.upper()),)
    output = tree.locate(body["output"]) if body["output"] else None
    if output is None and op.output_type is not Report:
        output = Path("OUTPUT")
    options, read, write, distributed = sets.split(body["options"])
    return Job(op, inputs, output, options, read, write, distributed)


def _describe(op: Op) -> dict[str, Any]:
    sets = OptionSets.of(op)
    sections = {"op": sets.op, "read": sets.read, "write": sets.write}
    counts = {Path: "one", Nothing: "none"}
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
        "input_count": counts.get(op.input_type, "many"),
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
        "label": _LABELS.get(option.name),
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
