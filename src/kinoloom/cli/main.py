"""The command `kinoloom`: one verb for each op, and a few commands about kinoloom itself."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

import click

import kinoloom
from kinoloom.base import registry
from kinoloom.cli import info
from kinoloom.cli.commands import command_of
from kinoloom.cli.models import models
from kinoloom.errors import KinoloomError

_INTERRUPTED = 130


class OpGroup(click.Group):
    """A group whose commands are the ops of the registry whose names begin with `prefix`."""

    def __init__(self, prefix: str = "", **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the registry, then those that are added by hand."""
        own = [n.removeprefix(self.prefix) for n in registry.names("ops") if self._owns(n)]
        heads = dict.fromkeys(name.partition(".")[0] for name in own)
        return [*heads, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of an op, or the group of the ops below that name."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        name = self.prefix + cmd_name
        if name in registry.names("ops"):
            return command_of(registry.load("ops", name))
        below = [n.replace(".", " ") for n in registry.names("ops") if n.startswith(f"{name}.")]
        if below:
            return OpGroup(f"{name}.", name=cmd_name, help=f"Holds {', '.join(below)}.")
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with close names in the message when there is no such command."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            known = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"There is no command '{args[0]}'. Commands are: {known}.", ctx)
        return super().resolve_command(ctx, args)

    def _owns(self, name: str) -> bool:
        return name.startswith(self.prefix)


@click.group(
    cls=OpGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(kinoloom.__version__, "-V", "--version", prog_name="kinoloom")
def cli() -> None:
    """Weave new frames between the ones you have.

    \b
    kinoloom interpolate one.jpg two.jpg -o film.mp4     two photos become a film
    kinoloom interpolate clip.mp4 -o smooth.mp4 --fps 60 a video at another rate
    kinoloom interpolate clip.mp4 -o slow.mp4 --slow 8   slow motion
    kinoloom doctor                                      what is present, what is missing

    Exit codes: 0 done, 1 the work failed, 2 wrong usage, 3 something must be installed first,
    4 an input cannot be read, 130 interrupted.
    """


for _command in (info.ops, models, info.doctor, info.completion):
    cli.add_command(_command)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _interrupt)
    arguments = list(sys.argv[1:] if argv is None else argv)
    sys.exit(_run(arguments))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(arguments: list[str]) -> int:
    try:
        colour = False if os.environ.get("NO_COLOR") else None
        code = cli.main(arguments, prog_name="kinoloom", standalone_mode=False, color=colour)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        _say("Interrupted.")
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001  the last resort: told in _explain
        if "--debug" in arguments:
            traceback.print_exc()
        return _explain(error)


def _explain(error: Exception) -> int:
    if isinstance(error, KinoloomError):
        _say(str(error))
        return error.exit_code
    _say(f"Something went wrong that kinoloom did not foresee: {type(error).__name__}: {error}")
    _say("Run the same line with --debug to see where, and please report it.")
    return 1


def _say(line: str) -> None:
    click.echo(f"kinoloom: {line}", err=True)
