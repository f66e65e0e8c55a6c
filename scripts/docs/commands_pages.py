"""The command line reference, from the commands that the registry generates."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from kinoloom.cli.main import cli

_FOLDER = "reference/commands"
_HEAD = """# Command line

`kinoloom VERB INPUT... -o OUTPUT`. Inputs are positional, `-o` names the one output and `--out`
names a folder to create. Results go to standard output and messages to standard error. Every
command accepts `--help`, and every command with a result accepts `--json`.

Nothing is overwritten unless `--overwrite` is given. An output appears complete or not at all.

"""


def command_pages() -> dict[str, str]:
    """Return one page for each top-level command and an overview, by path below docs/."""
    with click.Context(cli, info_name="kinoloom") as ctx:
        top = {name: cli.get_command(ctx, name) for name in cli.list_commands(ctx)}
        pages = {
            f"{_FOLDER}/{name}.md": f"# kinoloom {name}\n\n" + "\n".join(_sections(command, ctx, 2))
            for name, command in top.items()
            if command is not None
        }
        rows = [
            f"| [`kinoloom {name}`]({name}.md) | {command.get_short_help_str(200)} |"
            for name, command in top.items()
            if command is not None
        ]
    overview = _HEAD + "| command | summary |\n|---|---|\n" + "\n".join(rows) + "\n"
    return {f"{_FOLDER}/index.md": overview, **pages}


def _sections(command: click.Command, parent: click.Context, level: int) -> Iterator[str]:
    """Yield the text of a command, then of each command below it under a heading."""
    with click.Context(command, info_name=command.name, parent=parent) as ctx:
        if isinstance(command, click.Group):
            yield _prose(command.help or "") + "\n"
            for name in command.list_commands(ctx):
                below = command.get_command(ctx, name)
                if below is None:
                    continue
                if not isinstance(below, click.Group):
                    yield f"{'#' * level} {ctx.command_path} {name}\n".replace("kinoloom ", "", 1)
                yield from _sections(below, ctx, level)
        else:
            yield _usage(command, ctx) + _prose(command.help or "") + _options(command, ctx)


def _usage(command: click.Command, ctx: click.Context) -> str:
    words = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    return f"```text\n{words}\n```\n\n"


def _prose(text: str) -> str:
    """Turn click's help into Markdown: a paragraph that begins with \\b is a code block."""
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.startswith("\b"):
            paragraphs.append(f"```text\n{paragraph.removeprefix(chr(8)).strip(chr(10))}\n```")
        else:
            paragraphs.append(_escape(paragraph))
    return "\n\n".join(paragraphs) + "\n\n"


def _options(command: click.Command, ctx: click.Context) -> str:
    entries = []
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and record[1]:
            entries.append(f"`{record[0]}`\n:   {_escape(record[1])}\n")
    return "\n".join(entries)


def _escape(text: str) -> str:
    """Keep <, * and _ of plain help text from being read as markup."""
    plain = re.sub(r"\s+", " ", text)
    return re.sub(r"([<*_\[\]])", r"\\\1", plain)
