"""What every op must satisfy; authors of ops call `check_op(my_op)` in a test of theirs.

Input: an `Op`. Output: nothing, or a `UsageError` that names the first violation. Nothing is run:
only the declaration is checked, and what the command line and the provenance record make of it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.files import Nothing, files_of, read_options_of
from kinoloom.base.need import extras
from kinoloom.base.op import Op
from kinoloom.base.options import Option, build, check, options_of
from kinoloom.base.provenance import to_jsonable
from kinoloom.errors import UsageError

_NAME = re.compile(r"[a-z][a-z0-9]*([-.][a-z0-9]+)*")
_MAX_SUMMARY_LENGTH = 84
_RESERVED = frozenset({"inputs", "data", "output", "report", "json", "debug", "help"})
"""Flags that mean the same in every command."""


def check_op(op: Op) -> None:
    """Check that an op's declaration satisfies the rules of all ops.

    Its name is lower-case words; its summary is one sentence on one line, and equals the one in
    `entries.py`; its options are a frozen dataclass, each with a help text, a default that passes
    its own check, and a flag of its own; its input is a type with files, a `Path` or `Nothing`,
    its output a type with files; its extra exists; its page can be imported.

    Raises:
        UsageError: a rule is violated; the message names the op and the first violation.
    """
    if not isinstance(op, Op):
        raise UsageError(f"{op!r} is not an Op.", hint="Declare a function with @op(name).")
    for check_rule in (_check_words, _check_types, _check_options, _check_flags, _check_page):
        check_rule(op)


def _check_words(op: Op) -> None:
    if not _NAME.fullmatch(op.name):
        raise _violation(op, "its name must be lower-case words joined by - or by dots")
    if len(op.summary) > _MAX_SUMMARY_LENGTH or not op.summary.endswith("."):
        raise _violation(
            op,
            f"its summary (the docstring's first line) must be one sentence of at most "
            f"{_MAX_SUMMARY_LENGTH} characters that ends with a full stop",
        )
    if op.name in registry.names("ops") and registry.op_summary(op.name) != op.summary:
        raise _violation(op, "its summary differs from the one in entries.py")
    if op.extra and op.extra not in extras():
        raise _violation(op, f"'{op.extra}' is not an extra of kinoloom ({', '.join(extras())})")


def _check_types(op: Op) -> None:
    known = registry.names("files")
    for core_type in [*_read_types(op), op.output_type]:
        if core_type.__name__ not in known:
            raise _violation(
                op, f"{core_type.__name__} is not a type with files ({', '.join(known)})"
            )


def _check_options(op: Op) -> None:
    traits = getattr(op.options, "__dataclass_params__", None)
    if traits is None or not traits.frozen:
        raise _violation(op, f"{op.options.__name__} must be a frozen dataclass")
    for item in options_of(op.options):
        _check_option(op, item)
    defaults = op.options()
    if check(defaults) != defaults:
        raise _violation(op, "its defaults change when they are checked")
    try:
        json.dumps(to_jsonable(defaults))
    except TypeError as error:
        raise _violation(op, f"its options cannot be recorded as JSON: {error}") from error


def _check_option(op: Op, item: Option) -> None:
    if not item.help.strip():
        raise _violation(op, f"{item.flag} has no help")
    if item.default is None and not item.optional:
        raise _violation(op, f"{item.flag} has no default; allow None if there is none")
    if item.kind is bool and (item.default is not False or item.optional):
        raise _violation(op, f"{item.flag} must be False by default: name it by what it turns on")
    if (item.low is not None or item.high is not None) and item.kind not in (int, float, Fraction):
        raise _violation(op, f"{item.flag} has a range but is not a number")
    if item.default is None:
        return
    parsed = build(op.options, {item.name: str(item.default)})
    if getattr(parsed, item.name) != item.default:
        raise _violation(op, f"the default of {item.flag} changes when it is written as a string")


def _check_flags(op: Op) -> None:
    """The options of reading, of the op and of writing become the flags of one command."""
    sets = [op.options, files_of(op.output_type).write_options, read_options_of(op)]
    names = Counter(item.flag.removeprefix("--") for cls in sets for item in options_of(cls))
    for name, count in names.items():
        if count > 1 or name in _RESERVED:
            raise _violation(op, f"--{name} is a flag of every such command; choose another name")


def _check_page(op: Op) -> None:
    if op.page:
        registry.load_path(op.page, op.name)


def _read_types(op: Op) -> list[type]:
    """The type that the op's command reads from files, if it reads one."""
    return [] if op.input_type in (Path, Nothing) else [op.input_type]


def _violation(op: Op, what: str) -> UsageError:
    return UsageError(f"The op '{op.name}' violates a rule of ops: {what}.")
