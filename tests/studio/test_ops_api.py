"""Ops as descriptions for forms; on a real server."""

import json
import shlex
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from driving import Client, run_studio
from PIL import Image

from kinoloom.base import registry
from kinoloom.base.options import options_of
from kinoloom.studio.ops.catalogue import find_missing


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ops")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with run_studio(folder) as studio:
        yield studio.client


def test_every_op_of_the_registry_is_listed(client: Client) -> None:
    ops = {op["name"]: op for op in client.get("/api/ops").json}
    assert list(ops) == registry.names("ops")
    for name, op in ops.items():
        assert op["summary"] == registry.op_summary(name)
        assert op["failure"] == ""
    assert ops["interpolate"]["input_count"] == "many"
    assert ops["bench.film"]["input_count"] == "one"
    assert ops["fields.make.smoke"]["input_count"] == "none"
    assert ops["pipeline.status"]["group_help"] == registry.group_help("pipeline")


def test_every_option_of_every_op_is_described(client: Client) -> None:
    for name in registry.names("ops"):
        described = client.get(f"/api/ops/{name}").json
        op = registry.load("ops", name)
        own = [one["name"] for one in described["options"] if one["section"] == "op"]
        assert own == [option.name for option in options_of(op.options)]
        for option in described["options"]:
            assert option["help"][:1] == option["help"][:1].upper()
            assert option["kind"] in {
                *("text", "number", "seconds", "rate", "bytes"),
                *("choice", "segments", "switch", "path"),
            }


def test_an_option_has_its_range_unit_and_choices(client: Client) -> None:
    described = client.get("/api/ops/interpolate").json
    options = {option["name"]: option for option in described["options"]}
    assert described["command_prefix"] == "kinoloom interpolate"
    assert described["has_report"] is True
    assert (options["fps"]["kind"], options["fps"]["unit"]) == ("rate", "fps")
    assert options["seconds"]["kind"] == "seconds"
    assert options["ease"]["kind"] in ("segments", "choice")
    assert options["ease"]["choices"]
    assert options["overwrite"]["section"] == "write"
    assert options["order"]["section"] == "read"


def test_an_unknown_op_is_refused_with_close_names(client: Client) -> None:
    answer = client.get("/api/ops/interpolat")
    assert answer.status == 422
    assert "interpolate" in answer.json["hint"]


def test_a_missing_extra_is_stated_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find_nothing(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    assert find_missing("") == find_missing("train") == ""
    monkeypatch.setattr(metadata, "version", find_nothing)
    assert "pip install 'kinoloom[train]'" in find_missing("train")


def test_descriptions_are_kept_and_damage_is_repaired(client: Client, folder: Path) -> None:
    ops = client.get("/api/ops").json
    [file] = (folder / ".kinoloom" / "cache").glob("ops-*.json")
    assert [op["name"] for op in json.loads(file.read_text())] == [op["name"] for op in ops]


def test_damaged_or_changed_descriptions_are_made_again(tmp_path: Path) -> None:
    cache = tmp_path / ".kinoloom" / "cache"
    with run_studio(tmp_path) as studio:
        first = studio.client.get("/api/ops").json
    [file] = cache.glob("ops-*.json")
    file.write_text(file.read_text().replace("Interpolate new", "From the cache:"))
    with run_studio(tmp_path) as studio:
        assert "From the cache:" in studio.client.get("/api/ops").json[0]["summary"]
    file.write_text("{")
    with run_studio(tmp_path) as studio:
        assert studio.client.get("/api/ops").json == first
    file.rename(cache / "ops-0123456789abcdef.json")
    with run_studio(tmp_path) as studio:
        assert studio.client.get("/api/ops").json == first
    assert [one.name for one in cache.glob("ops-*.json")] == [file.name]


def preview(client: Client, **body: object) -> dict[str, Any]:
    answer = client.post("/api/ops/interpolate/command", body)
    assert answer.status == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_a_form_shows_its_command_before_it_is_complete(client: Client, folder: Path) -> None:
    found = preview(client, options={"fps": "30000/1001", "ease": "in", "loop": "maybe"})
    assert "interpolate INPUT -o OUTPUT" in found["command"]
    assert "--fps 30000/1001" in found["command"]
    assert list(found["errors"]) == ["loop"]
    assert found["problem"]["error"] == "interpolate needs an input."
    assert found["output"] is None


def test_a_complete_form_shows_its_output_and_command(client: Client, folder: Path) -> None:
    for name in ("a b.png", "c.png"):
        Image.new("RGB", (8, 8)).save(folder / name)
    found = preview(client, inputs=["a b.png", "c.png"], options={"seconds": "0.5"})
    assert (found["problem"], found["errors"]) == (None, {})
    assert found["output"] == "a b-interpolate.mp4"
    assert (
        f"cd {shlex.quote(str(folder))} && kinoloom interpolate 'a b.png' c.png" in found["command"]
    )
    assert "--seconds 1/2" in found["command"]


@pytest.mark.parametrize("body", [{"inputs": ["../a.png"]}, {"output": "/etc/x.mp4"}])
def test_paths_outside_the_folders_are_refused(client: Client, body: dict[str, object]) -> None:
    assert client.post("/api/ops/interpolate/command", body).status == 422
