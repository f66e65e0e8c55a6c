"""The guide on models shows what the commands print, and its example runs."""

import re
from pathlib import Path
from typing import Any

import pytest

from kinoloom.base import registry
from kinoloom.cli.models import models
from kinoloom.learn.cards import VGG16_ST
from kinoloom.runtime.models.registries import format_transfer

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "models.md").read_text(encoding="utf-8")


def test_the_example_declares_a_file() -> None:
    names: dict[str, Any] = {}
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    exec(code, names)  # noqa: S102  our own page
    assert names["weights"].parts[0].archive is names["archive"]


def test_the_commands_exist() -> None:
    assert set(re.findall(r"kinoloom models ([a-z]+)", GUIDE)) == set(models.commands)


def test_the_transfer_is_the_one_that_an_error_prints() -> None:
    assert VGG16_ST.fetch is not None
    steps = format_transfer(VGG16_ST.name, VGG16_ST.fetch.archives).splitlines()
    for command in (steps[1], steps[3]):
        assert command.strip() in GUIDE


@pytest.mark.parametrize("name", registry.names("cards"))
def test_the_table_has_every_model(name: str) -> None:
    assert re.search(rf"^{name} +(train\.film|interpolate|enhance) ", GUIDE, re.MULTILINE)
