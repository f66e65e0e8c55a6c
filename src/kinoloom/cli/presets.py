"""The commands `kinoloom presets ...`: list presets, and print one as TOML."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from kinoloom.base import registry
from kinoloom.cli.output import echo, echo_json
from kinoloom.errors import RegistryError

if TYPE_CHECKING:
    from kinoloom.base.options import Preset


def _common_flags(command: Any) -> Any:
    debug = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks")
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object")
    return as_json(debug(command))


@click.group(invoke_without_command=True, short_help="List presets, and print their options.")
@click.pass_context
def presets(context: click.Context) -> None:
    """List the presets of ops, and print their options.

    \b
    kinoloom presets list                          all presets
    kinoloom presets show meeting                  its options, as TOML
    kinoloom presets show meeting > mine.toml      a file to edit, for --preset mine.toml
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@presets.command("list", short_help="List all presets.")
@_common_flags
def list_presets(as_json: bool) -> None:
    """List all presets with their ops."""
    found = _load()
    if as_json:
        echo_json({"presets": [_describe(op, preset) for op, preset in found]})
        return
    width = max(len(preset.name) for _, preset in found)
    column = max(len(op) for op, _ in found)
    for op, preset in found:
        echo(f"{preset.name:<{width}}  {op:<{column}}  {preset.summary}")


@presets.command("show", short_help="Print a preset as TOML.")
@click.argument("name")
@_common_flags
def show(name: str, as_json: bool) -> None:
    """Print a preset as TOML; --preset accepts an edited copy of it."""
    op, preset = _find(name)
    if as_json:
        echo_json(_describe(op, preset))
    else:
        echo(preset.text.rstrip("\n"))


def _load() -> list[tuple[str, Preset]]:
    """Return all presets, each with the name of its op."""
    ops = registry.names("presets")
    return [(op, preset) for op in ops for preset in registry.load("presets", op)()]


def _find(name: str) -> tuple[str, Preset]:
    """Return a preset and its op.

    Raises:
        RegistryError: there is none of this name.
    """
    found = {preset.name: (op, preset) for op, preset in _load()}
    if name not in found:
        close = get_close_matches(name, found)
        raise RegistryError(
            f"Unknown preset '{name}'.",
            hint=f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(found)}.",
        )
    return found[name]


def _describe(op: str, preset: Preset) -> dict[str, Any]:
    values = dict(preset.values)
    return {"name": preset.name, "op": op, "summary": preset.summary, "values": values}
