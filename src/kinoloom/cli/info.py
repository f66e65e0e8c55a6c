"""Commands about kinoloom itself: its ops, what is installed and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kinoloom.base import registry
from kinoloom.base.options import options_of
from kinoloom.base.printable import printable
from kinoloom.base.provenance import to_jsonable, versions
from kinoloom.cli.output import echo, echo_json

if TYPE_CHECKING:
    from kinoloom.base.checks import Check
    from kinoloom.base.op import Op


def _common_flags(command: Any) -> Any:
    command = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks")(
        command
    )
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object")(command)


@click.command(short_help="List the ops.")
@_common_flags
def ops(as_json: bool) -> None:
    """List the ops of kinoloom and of installed packages that add some."""
    names = registry.names("ops")
    if as_json:
        found = [_describe(registry.load("ops", name)) for name in names]
        echo_json({"ops": found})
        return
    width = max(len(name) for name in names)
    for name in names:
        echo(f"{name:<{width}}  {registry.op_summary(name)}")


def _describe(op: Op) -> dict[str, Any]:
    options = [
        {
            "flag": o.flag,
            "help": o.help,
            "default": to_jsonable(o.default),
            "range": o.range_text,
            "choices": list(o.choices),
        }
        for o in options_of(op.options)
    ]
    return {
        "name": op.name,
        "summary": op.summary,
        "input": op.input_type.__name__,
        "input_name": op.input_name,
        "output": op.output_type.__name__,
        "extra": op.extra,
        "options": options,
    }


@click.command(short_help="Check the installation.")
@_common_flags
def doctor(as_json: bool) -> int:
    """Check the installation: what is present, what is missing, and how to get it.

    The exit code is 0 if everything required is present, else 3.
    """
    checks: list[Check] = [
        check for name in registry.names("checks") for check in registry.load("checks", name)()
    ]
    if as_json:
        echo_json({"versions": versions(), "checks": to_jsonable(checks)})
    else:
        for name, version in versions().items():
            echo(f"{name} {version}")
        width = max(len(check.name) for check in checks)
        for check in checks:
            _say_check(check, width)
    return 0 if all(check.present or not check.required for check in checks) else 3


def _say_check(check: Check, width: int) -> None:
    mark, color = ("ok", "green") if check.present else ("--", "yellow")
    click.echo(
        f"{click.style(mark, fg=color)} {printable(f'{check.name:<{width}}  {check.detail}')}"
    )
    if not check.present:
        indent = " " * (width + 5)
        echo(f"{indent}needed for: {check.needed_for}")
        if check.remedy:
            echo(f"{indent}install with: {check.remedy}")


@click.command(short_help="Print a shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a shell completion script.

    \b
    bash:  kinoloom completion bash >> ~/.bashrc
    zsh:   kinoloom completion zsh >> ~/.zshrc
    fish:  kinoloom completion fish > ~/.config/fish/completions/kinoloom.fish
    """
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    if maker is None:  # click knows all three
        raise click.UsageError(f"Completion for {shell} is not available.")
    click.echo(maker(context.find_root().command, {}, "kinoloom", "_KINOLOOM_COMPLETE").source())
