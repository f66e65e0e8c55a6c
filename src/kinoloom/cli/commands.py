"""From an op's declaration to its command: arguments, options, help."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from kinoloom.base import registry
from kinoloom.base.files import Nothing
from kinoloom.base.op import Op
from kinoloom.base.options import Option, build, options_of
from kinoloom.base.report import Report
from kinoloom.base.units import format_bytes
from kinoloom.errors import UsageError
from kinoloom.jobs.job import Job
from kinoloom.jobs.option_sets import OptionSets

_DATA = "data"
"""The input's name of ops on a data folder, whose command also accepts it with --data."""
_DATA_OPTION = "data_folder"
_METAVARS = {int: "N", float: "X", Fraction: "X", Path: "PATH", str: "TEXT"}


class _Value(click.ParamType[Any]):
    """A click type that leaves parsing and error messages to the option's declaration."""

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


def build_command(op: Op) -> click.Command:
    """Build the command that runs an op."""
    sets = OptionSets.of(op)

    def callback(**values: Any) -> int:
        from kinoloom.cli.execution import execute  # loads numpy, which other commands do not need

        if values["output"] is None and values.get(op.output_option) is None:
            _require_output(op)
        options, read, write, distributed = sets.split(values)
        inputs = _take_inputs(values)
        job = Job(
            op=op,
            inputs=inputs,
            output=Path(values["output"]) if values["output"] else None,
            options=options,
            read_options=read,
            write_options=write,
            distributed_options=distributed,
            report=Path(values["report"]) if values.get("report") else None,
        )
        return execute(job, as_json=values["json"])

    return click.Command(
        op.name.rpartition(".")[2],
        params=[*_inputs(op), _output(op), *_options(sets), *_common_options(op)],
        callback=callback,
        help=_help(op),
        short_help=op.summary,
    )


def build_folder_command(
    name: str, function: Callable[[tuple[Path, ...], Any], int]
) -> click.Command:
    """Build a command that is not an op: a function (folders, options) -> exit code."""
    options = typing.get_type_hints(function)["options"]

    def callback(folders: tuple[str, ...], **values: Any) -> int:
        return function(tuple(Path(folder) for folder in folders), build(options, values))

    params: list[click.Parameter] = [click.Argument(["folders"], nargs=-1, metavar="[FOLDER ...]")]
    params += [_option(item) for item in options_of(options)]
    return click.Command(
        name,
        params=[*params, _debug_option()],
        callback=callback,
        help=_help_text(function),
        short_help=registry.command_summary(name),
    )


def _help_text(function: Callable[..., Any]) -> str:
    return re.split(r"\n(?:Args|Returns|Raises):", inspect.getdoc(function) or "")[0]


def _help(op: Op) -> str:
    needs = f"\n\nRequires the extra '{op.extra}'." if op.extra else ""
    return _help_text(op.function) + needs


def _inputs(op: Op) -> list[click.Parameter]:
    if op.input_type is Nothing:
        return []
    if op.input_type is not Path:
        return [click.Argument(["inputs"], nargs=-1, required=True, metavar="INPUT...")]
    if op.input_name == _DATA:
        argument = click.Argument(["inputs"], required=False, metavar="DATA")
        help_text = "The same as the argument DATA"
        return [argument, click.Option(["--data", _DATA_OPTION], metavar="DIR", help=help_text)]
    # For one version, the spelling of 0.1 says what to type instead.
    old = click.Option(
        ["--data"],
        hidden=True,
        expose_value=False,
        callback=_refuse_data,
        help="Spelling of version 0.1; refused with what to type instead",
    )
    return [click.Argument(["inputs"], required=True, metavar=op.input_name.upper()), old]


def _take_inputs(values: dict[str, Any]) -> tuple[Path, ...]:
    """Remove the inputs from the values of a command and return them.

    Raises:
        click.UsageError: DATA is missing, or given both as an argument and with --data.
    """
    inputs, data = values.pop("inputs", ()), values.pop(_DATA_OPTION, None)
    if inputs is not None and data is not None:
        raise click.UsageError("DATA is given twice: as an argument and with --data.")
    if inputs is None and data is None:
        raise click.UsageError("Missing argument 'DATA'.")
    given = inputs if data is None else data
    return tuple(Path(one) for one in ((given,) if isinstance(given, str) else given))


def _refuse_data(context: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None:
        raise click.UsageError(
            f"--data is now a positional argument. Type: {context.command_path} {value}",
            context,
        )


def _output(op: Op) -> click.Option:
    is_printed = op.output_type is Report
    help_text = "Output file (default: print the report)" if is_printed else "Output file"
    required = not is_printed and not op.output_option
    return click.Option(["-o", "--output"], required=required, metavar="PATH", help=help_text)


def _require_output(op: Op) -> None:
    """Reject a command without an output, if its result is not printed.

    Raises:
        click.UsageError: always, for an op whose result is written.
    """
    if op.output_type is not Report:
        flag = next(one.flag for one in options_of(op.options) if one.name == op.output_option)
        raise click.UsageError(f"Missing option '-o' / '--output', or {flag}.")


def _options(sets: OptionSets) -> Iterable[click.Option]:
    for option in sets:
        yield _option(option)
        if option.formerly:
            yield _renamed_option(option)


def _option(option: Option) -> click.Option:
    if option.kind is bool:
        return click.Option([option.flag, option.name], is_flag=True, help=_sentence(option.help))
    return click.Option(
        [option.flag, option.name],
        type=_Value(option),
        default=None,
        metavar=option.metavar or "|".join(option.choices) or None,
        help=_option_help(option),
    )


def _renamed_option(option: Option) -> click.Option:
    """The hidden old spelling of an option, which says what to type instead."""

    def refuse(context: click.Context, param: click.Parameter, value: Any) -> None:
        if value is not None:
            old = f"--{option.formerly}"
            raise click.UsageError(
                f"{old} is now {option.flag}. Type: {option.flag} {value}", context
            )

    return click.Option(
        [f"--{option.formerly}"],
        hidden=True,
        expose_value=False,
        callback=refuse,
        help="Spelling of the last version; refused with what to type instead",
    )


def _sentence(phrase: str) -> str:
    """Return a help phrase in the sentence case of the command line."""
    return phrase[:1].upper() + phrase[1:]


def _option_help(option: Option) -> str:
    facts = [option.range_text] if option.range_text else []
    if option.default not in (None, ""):
        is_size = option.unit == "bytes"
        facts.append(f"default {format_bytes(option.default) if is_size else option.default}")
    text = _sentence(option.help)
    return f"{text} ({'; '.join(facts)})" if facts else text


def _common_options(op: Op) -> list[click.Option]:
    page = [
        click.Option(
            ["--report"], metavar="PAGE.html", help="Also write a report on the result as a page"
        )
    ]
    return [
        *(page if op.page else []),
        click.Option(["--json"], is_flag=True, help="Print one JSON object on stdout"),
        _debug_option(),
    ]


def _debug_option() -> click.Option:
    return click.Option(["--debug"], is_flag=True, expose_value=False, help="Show tracebacks")
