"""Print text and JSON; names and metadata of files cannot control the terminal."""

from __future__ import annotations

import json

import click

from kinoloom.base.printable import printable, printable_line
from kinoloom.base.provenance import to_jsonable


def echo(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print a text, with control characters as escapes."""
    click.echo(printable(str(text)), err=err, nl=nl)


def echo_line(text: object, *, err: bool = False) -> None:
    """Print one line, with control characters, also line feeds, as escapes."""
    click.echo(printable_line(str(text)), err=err)


def echo_json(value: object) -> None:
    """Print plain values as one JSON object, valid whatever names they contain."""
    click.echo(json.dumps(to_jsonable(value), indent=2))
