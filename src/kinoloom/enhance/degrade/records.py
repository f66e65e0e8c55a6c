"""Records: the recipes of pictures or of a clip as a JSON file, which replays them.

{"schema": "kinoloom.degradations/1", "recipes": [{"preset": "light", "scale": 2, ...}]}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kinoloom.base.outputs import write_text_atomically
from kinoloom.enhance.degrade.recipe import Recipe, read_recipe
from kinoloom.errors import DefinitionError, InputNotFoundError, UnreadableMediaError

SCHEMA = "kinoloom.degradations/1"


def write_record(recipes: Sequence[Recipe], path: Path) -> None:
    """Write recipes to a file; a file that has them already is left as it is.

    Raises:
        OutputExistsError: another file of this name exists.
        OutputError: the file cannot be written.
    """
    text = format_record(recipes)
    if path.is_file() and path.read_bytes() == text.encode():
        return
    write_text_atomically(path, text, overwrite=False)


def format_record(recipes: Sequence[Recipe]) -> str:
    """Return recipes as the text of a record."""
    content = {"schema": SCHEMA, "recipes": [recipe.to_dict() for recipe in recipes]}
    return json.dumps(content, indent=1) + "\n"


def read_record(path: Path) -> list[Recipe]:
    """Read recipes from a file.

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: it cannot be read.
        DefinitionError: it is not a record; the message names the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputNotFoundError(f"The record {path} does not exist.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableMediaError(f"The record {path} cannot be read: {error}.") from error
    return parse_record(text, path.name)


def parse_record(text: str, name: str) -> list[Recipe]:
    """Read recipes from the text of a record.

    Args:
        text: JSON.
        name: of the record in messages.

    Raises:
        DefinitionError: as `read_record`.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"{name} is not valid JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise DefinitionError(
            f"{name} is not a record of degradations: its schema must be '{SCHEMA}'.",
            hint="Write one with degrade --record FILE.",
        )
    recipes = content.get("recipes")
    if not isinstance(recipes, list) or not recipes:
        raise DefinitionError(f"{name}: recipes must be a list with at least one recipe.")
    return [
        read_recipe(values, f"{name}: recipes[{index}]") for index, values in enumerate(recipes)
    ]
