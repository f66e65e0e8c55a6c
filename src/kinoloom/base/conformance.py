"""What every op must keep, for the author of any: `check_op(my_op)` in a test of yours.

In: an `Op`. Out: nothing, or a `UsageError` that names the first fault found. Nothing is run; only
the declaration is looked at, and what the command line and the record of provenance make of it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.files import Nothing, files_of
from kinoloom.base.need import extras
from kinoloom.base.op import Op
from kinoloom.base.options import Option, build, check, options_of
from kinoloom.base.provenance import plain
from kinoloom.errors import UsageError

_NAME = re.compile(r"[a-z][a-z0-9]*([-.][a-z0-9]+)*")
_SUMMARY_LENGTH = 100
_TAKEN = frozenset({"inputs", "data", "output", "report", "json", "debug", "help"})
"""Names that the command line gives a meaning of its own in every command."""


def check_op(op: Op) -> None:
    """See that an op keeps what every op must keep.

    Its name is words of lower case; its summary is one sentence on one line; its options are a
    frozen dataclass, each with a help, a default that passes its own check, and a flag that is its
    own; it takes a noun, a `Path` or `Nothing` and gives a noun; its extra is one of kinoloom's;
    its page leads somewhere.

    Raises:
        UsageError: it does not; the message names the op and the first fault.
    """
    if not isinstance(op, Op):
        raise UsageError(f"{op!r} is not an Op.", hint="Declare a function with @op(name).")
    for look in (_check_words, _check_nouns, _check_options, _check_flags, _check_page):
        look(op)


def _check_words(op: Op) -> None:
    if not _NAME.fullmatch(op.name):
        raise _fault(op, "its name must be words of lower case joined by - or by dots")
    if len(op.summary) > _SUMMARY_LENGTH or not op.summary.endswith("."):
        raise _fault(
            op,
            f"its summary (the docstring's first line) must be one sentence of at most "
            f"{_SUMMARY_LENGTH} characters that ends with a full stop",
        )
    if op.extra and op.extra not in extras():
        raise _fault(op, f"'{op.extra}' is not an extra of kinoloom ({', '.join(extras())})")


def _check_nouns(op: Op) -> None:
    nouns = registry.names("nouns")
    for noun in [*_read_noun(op), op.gives]:
        if noun.__name__ not in nouns:
            raise _fault(
                op, f"{noun.__name__} is not a noun that lies in files ({', '.join(nouns)})"
            )


def _check_options(op: Op) -> None:
    traits = getattr(op.options, "__dataclass_params__", None)
    if traits is None or not traits.frozen:
        raise _fault(op, f"{op.options.__name__} must be a frozen dataclass")
    for item in options_of(op.options):
        _check_option(op, item)
    defaults = op.options()
    if check(defaults) != defaults:
        raise _fault(op, "its defaults change when they are checked")
    try:
        json.dumps(plain(defaults))
    except TypeError as error:
        raise _fault(op, f"its options cannot be recorded: {error}") from error


def _check_option(op: Op, item: Option) -> None:
    if not item.help.strip():
        raise _fault(op, f"{item.flag} has no help")
    if item.default is None and not item.optional:
        raise _fault(op, f"{item.flag} has no default; allow None if there is none")
    if item.kind is bool and (item.default is not False or item.optional):
        raise _fault(op, f"{item.flag} must be False by default: name it by what it turns on")
    if (item.low is not None or item.high is not None) and item.kind not in (int, float, Fraction):
        raise _fault(op, f"{item.flag} has a range but is no number")
    if item.default is None:
        return
    made = build(op.options, {item.name: str(item.default)})
    if getattr(made, item.name) != item.default:
        raise _fault(op, f"the default of {item.flag} does not survive being written as a string")


def _check_flags(op: Op) -> None:
    """The options of reading, doing and writing become the flags of one command."""
    sets = [op.options, files_of(op.gives).write_options]
    sets += [files_of(noun).read_options for noun in _read_noun(op)]
    names = Counter(item.flag.removeprefix("--") for cls in sets for item in options_of(cls))
    for name, count in names.items():
        if count > 1 or name in _TAKEN:
            raise _fault(op, f"--{name} is a flag of every such command; choose another name")


def _check_page(op: Op) -> None:
    if op.page:
        registry.at(op.page, op.name)


def _read_noun(op: Op) -> list[type]:
    """The noun that the op's command reads from files, if it reads one."""
    return [] if op.takes in (Path, Nothing) else [op.takes]


def _fault(op: Op, what: str) -> UsageError:
    return UsageError(f"The op '{op.name}' is not as ops must be: {what}.")
