"""From an op's declaration to its command: arguments, flags, help."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from kinoloom.base.files import NoOptions, Nothing, files_of
from kinoloom.base.op import Op
from kinoloom.base.options import Option, options_of
from kinoloom.base.report import Report
from kinoloom.base.units import format_bytes
from kinoloom.cli.running import Request, run
from kinoloom.errors import UsageError
from kinoloom.pipelines.mapped import MapOptions, can_be_mapped

_METAVARS = {int: "N", float: "X", Fraction: "X", Path: "PATH", str: "NAME"}


class _Value(click.ParamType[Any]):
    """A click type that leaves parsing and its messages to the option's declaration."""

    def __init__(self, option: Option) -> None:
        self.option = option
        self.name = option.unit or _METAVARS[option.kind]

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        try:
            return self.option.parse(value)
        except UsageError as error:
            raise click.UsageError(str(error), ctx) from error


@dataclass(frozen=True)
class _OptionSets:
    """The options dataclasses whose fields together are a command's flags."""

    op: type
    read: type
    write: type
    map: type

    def split(self, values: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """The given values for each of op, read, write."""
        return tuple(
            {o.name: values[o.name] for o in options_of(cls)}
            for cls in (self.op, self.read, self.write, self.map)
        )


def command_of(op: Op) -> click.Command:
    """The command that runs an op."""
    reads = op.takes not in (Path, Nothing)
    sets = _OptionSets(
        op.options,
        files_of(op.takes).read_options if reads else NoOptions,
        files_of(op.gives).write_options,
        MapOptions if can_be_mapped(op) else NoOptions,
    )

    def callback(**values: Any) -> int:
        options, read, write, map_options = sets.split(values)
        request = Request(
            op=op,
            inputs=tuple(Path(p) for p in values.get("inputs", ())),
            output=Path(values["output"]) if values["output"] else None,
            options=options,
            read_options=read,
            write_options=write,
            map_options=map_options,
            page=Path(values["report"]) if values.get("report") else None,
            as_json=values["json"],
        )
        return run(request)

    return click.Command(
        op.name.rpartition(".")[2],
        params=[*_input_params(op), _output(op), *_flags(sets), *_common_params(op)],
        callback=callback,
        help=_help(op),
        short_help=op.summary,
    )


def _help(op: Op) -> str:
    text = re.split(r"\n(?:Args|Returns|Raises):", inspect.getdoc(op.function) or "")[0]
    needs = f"\n\nNeeds the extra '{op.extra}'." if op.extra else ""
    return text + needs


def _input_params(op: Op) -> list[click.Parameter]:
    if op.takes is Nothing:
        return []
    if op.takes is Path:
        data = click.Option(
            ["--data", "inputs"], required=True, multiple=True, metavar="PATH", help="the input"
        )
        return [data]
    return [click.Argument(["inputs"], nargs=-1, required=True, metavar="INPUT...")]


def _output(op: Op) -> click.Option:
    printed = op.gives is Report
    where = "where the result goes" + (" (standard output)" if printed else "")
    return click.Option(["-o", "--output"], required=not printed, metavar="PATH", help=where)


def _flags(sets: _OptionSets) -> Iterable[click.Option]:
    for cls in (sets.op, sets.read, sets.write, sets.map):
        yield from (_flag(option) for option in options_of(cls))


def _flag(option: Option) -> click.Option:
    if option.kind is bool:
        return click.Option([option.flag, option.name], is_flag=True, help=option.help)
    return click.Option(
        [option.flag, option.name],
        type=_Value(option),
        default=None,
        metavar=option.metavar or "|".join(option.choices) or None,
        help=_flag_help(option),
    )


def _flag_help(option: Option) -> str:
    facts = [option.range_text] if option.range_text else []
    if option.default not in (None, ""):
        size = option.unit == "bytes"
        facts.append(f"default {format_bytes(option.default) if size else option.default}")
    return f"{option.help} ({'; '.join(facts)})" if facts else option.help


def _common_params(op: Op) -> list[click.Option]:
    page = [
        click.Option(["--report"], metavar="PAGE.html", help="also write a page about the result")
    ]
    return [
        *(page if op.page else []),
        click.Option(["--json"], is_flag=True, help="print one JSON object on standard output"),
        click.Option(["--debug"], is_flag=True, expose_value=False, help="show tracebacks"),
    ]
