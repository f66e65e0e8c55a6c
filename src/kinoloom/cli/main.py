"""The command `kinoloom`: one verb for each op, and a few commands about kinoloom itself."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from types import FrameType

import click

import kinoloom
from kinoloom.base import registry
from kinoloom.base.printable import printable_line
from kinoloom.base.signals import drop_closed_terminal, list_stop_signals
from kinoloom.cli import info
from kinoloom.cli.models import models
from kinoloom.cli.output import echo, echo_line
from kinoloom.cli.presets import presets
from kinoloom.errors import KinoloomError

_INTERRUPTED = 130


class OpGroup(click.Group):
    """A group whose commands are the ops of the registry whose names begin with `prefix`."""

    def __init__(self, prefix: str = "", **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the registry, then those added to the group."""
        return [*self._op_commands(), *self._other_commands(), *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of an op, or the group of the ops below that name."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        name = self.prefix + cmd_name
        if name in registry.names("ops"):
            from kinoloom.cli.commands import build_command

            return build_command(registry.load("ops", name))
        if not self.prefix and name in registry.names("commands"):
            from kinoloom.cli.commands import build_folder_command

            return build_folder_command(name, registry.load("commands", name))
        if cmd_name in self._op_commands():
            return OpGroup(f"{name}.", name=cmd_name, help=registry.group_help(name))
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries of all commands, as declared: no op is imported for it."""
        rows = [(name, self._summary(name)) for name in self._op_commands()]
        rows += [(name, registry.command_summary(name)) for name in self._other_commands()]
        rows += [(name, one.get_short_help_str()) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does; an unknown command's error lists the commands."""
        if args and args[0] not in self.list_commands(ctx) and not args[0].startswith("-"):
            raise click.UsageError(_unknown_command(args[0], self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def _op_commands(self) -> list[str]:
        own = [n for n in registry.names("ops") if n.startswith(self.prefix)]
        return list(dict.fromkeys(n.removeprefix(self.prefix).partition(".")[0] for n in own))

    def _other_commands(self) -> list[str]:
        return [] if self.prefix else registry.names("commands")

    def _summary(self, command: str) -> str:
        name = self.prefix + command
        is_op = name in registry.names("ops")
        return registry.op_summary(name) if is_op else registry.group_help(name)


def _unknown_command(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    guess = f" Did you mean '{close[0]}'?" if close else ""
    return f"Unknown command '{name}'.{guess} Commands: {', '.join(known)}."


@click.group(
    cls=OpGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(kinoloom.__version__, "-V", "--version", prog_name="kinoloom")
def cli() -> None:
    """Make, clean, read and learn from motion, on your own machine.

    \b
    kinoloom interpolate one.jpg two.jpg -o film.mp4      A film from two photos
    kinoloom interpolate clip.mp4 -o smooth.mp4 --fps 60  A higher frame rate
    kinoloom interpolate clip.mp4 -o slow.mp4 --slow 8    Slow motion
    kinoloom doctor                                       What is installed, what is missing

    Exit codes: 0 done; 1 the work failed; 2 wrong usage; 3 an extra or weights are missing;
    4 an input cannot be read; 5 the output lacks a part; 130 interrupted.
    """


for _command in (info.ops, presets, models, info.doctor, info.completion):
    cli.add_command(_command)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    for number in list_stop_signals():
        signal.signal(number, _interrupt)
    arguments = list(sys.argv[1:] if argv is None else argv)
    sys.exit(_run(arguments))


def _interrupt(number: int, frame: FrameType | None) -> None:
    drop_closed_terminal()
    raise KeyboardInterrupt


def _run(arguments: list[str]) -> int:
    try:
        color = False if os.environ.get("NO_COLOR") else None
        code = cli.main(arguments, prog_name="kinoloom", standalone_mode=False, color=color)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        text = shown.getvalue().replace(error.message, printable_line(error.message))
        echo(text, err=True, nl=False)
        return 2
    except (KeyboardInterrupt, click.Abort):
        _say("Interrupted.")
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001  the last resort: _explain reports it
        if "--debug" in arguments:
            echo(traceback.format_exc(), err=True, nl=False)
        return _explain(error)


def _explain(error: Exception) -> int:
    if isinstance(error, KinoloomError):
        (echo if error.has_lines else echo_line)(f"kinoloom: {error}", err=True)
        return error.exit_code
    _say(f"Unexpected error: {type(error).__name__}: {error}")
    _say("This is a bug. Run the command again with --debug and report the traceback.")
    return 1


def _say(line: str) -> None:
    echo_line(f"kinoloom: {line}", err=True)
