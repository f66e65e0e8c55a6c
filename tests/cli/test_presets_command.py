"""The commands `kinoloom presets list|show`."""

import json
import tomllib
from pathlib import Path

import pytest

from kinoloom.base.options import build
from kinoloom.cli.main import main
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.planning.presets import find_preset, list_presets


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["presets", *words])
    return int(end.value.code or 0)


def test_each_preset_has_a_line_with_its_op(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    listed = {line.split()[0]: line.split()[1] for line in lines}
    for preset in list_presets():
        assert listed[preset.name] == "enhance"
        assert any(line.endswith(f"  {preset.summary}") for line in lines)


def test_list_as_json_has_the_checked_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--json") == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)["presets"]}
    assert set(found) >= {"meeting", "photo", "scan", "old-film", "vhs", "anime", "screen"}
    for preset in list_presets():
        values = found[preset.name]["values"]
        assert build(EnhanceOptions, values) == build(EnhanceOptions, preset.values)


def test_a_shown_preset_is_a_file_that_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "meeting") == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text)["dedup"] is True
    (tmp_path / "mine.toml").write_text(text)
    assert find_preset(str(tmp_path / "mine.toml")).values == find_preset("meeting").values


def test_show_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "meeting", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["op"], shown["values"]["fps"]) == ("meeting", "enhance", "30")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("meting", "Unknown preset 'meting'. Did you mean meeting?"),
        ("zzz", "Unknown preset 'zzz'. Known: anime,"),
    ],
)
def test_an_unknown_preset_suggests_others(
    name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", name) == 2
    assert message in capsys.readouterr().err
