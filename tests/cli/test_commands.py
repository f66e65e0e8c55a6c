"""Commands generated from declarations: arguments, flags, help and messages."""

import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import plugin
import pytest

from kinoloom import __version__, errors
from kinoloom.base import registry
from kinoloom.base.conformance import check_op
from kinoloom.cli.main import cli, main


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the package of `plugin` for this process, and remove it afterwards."""
    folder = plugin.install(tmp_path_factory.mktemp("packages") / "site")
    sys.path.insert(0, str(folder))
    registry.refresh()
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("tally", None)
    registry.refresh()


@pytest.fixture
def run(site: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs the command line: (exit code, stdout, stderr)."""

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(words)
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "in").mkdir()
    for name in ("a.txt", "b.txt", "c.md"):
        (tmp_path / "in" / name).touch()
    return str(tmp_path / "in")


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("name", ["count", "shout.loud", "fail", "wait"])
def test_ops_of_third_parties_pass_the_conformance_check(name: str) -> None:
    check_op(registry.load("ops", name))


def test_help_lists_the_ops_of_all_packages_and_the_general_commands(run: Any) -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    listed = re.findall(r"^  ([\w-]+) {2,}(.*)$", out.partition("Commands:")[2], re.MULTILINE)
    names = [name for name, _ in listed]
    assert names[0] == "interpolate"
    assert names[-11:] == [
        *("count", "shout", "needy", "fail", "wait"),
        *("studio", "ops", "presets", "models", "doctor", "completion"),
    ]
    assert len(set(names)) == len(names)
    assert dict(listed)["count"] == "Count the files of a folder."
    assert dict(listed)["shout"] == "Commands: shout loud."


def test_missing_command_prints_the_help(run: Any) -> None:
    code, out, err = run()
    assert code == 2
    assert "Usage: kinoloom" in out + err


def test_version_is_printed(run: Any) -> None:
    assert run("--version")[:2] == (0, f"kinoloom, version {__version__}\n")


def test_command_help_is_generated_from_the_declaration(run: Any) -> None:
    code, out, _ = run("count", "--help")
    assert code == 0
    text = " ".join(out.split())
    for part in (
        "Count the files of a folder. Names are sorted before the count.",
        "Usage: kinoloom count [OPTIONS] FOLDER",
        "-o, --output PATH Output file (default: print the report)",
        "--at-most N Largest count (from 1 to 99; default 9)",
        "--share X Fraction to count (from 0.01 to 1)",
        "--pace FPS Counting rate",
        "--memory BYTES Memory limit (default 2.00 GB)",
        "--order name|size Sort order (default name)",
        "--hidden Count hidden files too",
        "--overwrite Replace an existing output",
        "--report PAGE.html",
        "--json",
        "--debug",
    ):
        assert part in text
    assert "not shown in the help" not in text


def test_help_names_the_extra_and_the_report_option(run: Any) -> None:
    out = run("needy", "--help")[1]
    assert "Requires the extra 'nowhere'." in out
    assert "--report" not in out


def test_usage_names_the_inputs_of_the_op(run: Any) -> None:
    assert "Usage: kinoloom interpolate [OPTIONS] INPUT..." in run("interpolate", "--help")[1]
    assert "Usage: kinoloom bench film [OPTIONS] DATA" in run("bench", "film", "--help")[1]


def test_flags_are_parsed_and_passed_to_the_op(run: Any, folder: str) -> None:
    flags = ["--suffix", ".txt", "--at-most", "1e0", "--pace", "29.97", "--hidden"]
    code, out, _ = run("count", folder, *flags, "--json")
    assert code == 0
    assert json.loads(out) == {"files": ["a.txt"], "pace": "30000/1001", "hidden": True}


def test_report_is_printed_without_an_output(run: Any, folder: str) -> None:
    code, out, err = run("count", folder)
    assert (code, err) == (0, "")
    assert out.splitlines() == ["Files", "=====", "", "name", "a.txt", "b.txt", "c.md"]


def test_grouped_command_runs(run: Any, folder: str) -> None:
    assert run("shout", "loud", folder)[1] == "IN\n==\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--at-most", "100"], "--at-most must be from 1 to 99, not 100."),
        (["--at-most", "some"], "--at-most: 'some' is not a number."),
        (["--share", "0.001"], "--share must be from 0.01 to 1, not 0.001."),
        (["--pace", "0"], "--pace: A frame rate must be above 0, not 0."),
        (["--memory", "much"], "--memory: 'much' is not a size. Write it like 2GB or 512MiB."),
        (["--order", "age"], "--order must be one of name, size, not 'age'."),
        (["--at-most"], "Option '--at-most' requires an argument."),
        (["--sufix", ".txt"], "No such option '--sufix'"),
        (["more"], "Got unexpected extra argument (more)"),
        (["--data", "x"], "--data is now a positional argument. Type: kinoloom count x"),
        (["--limit", "3"], "--limit is now --at-most. Type: --at-most 3"),
    ],
)
def test_invalid_arguments_exit_with_2(
    run: Any, folder: str, words: list[str], message: str
) -> None:
    code, out, err = run("count", folder, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["count"], "Missing argument 'FOLDER'"),
        (["interpolate", "-o", "film.mp4"], "Missing argument 'INPUT...'"),
        (["interpolate", "a.jpg"], "Missing option '-o' / '--output'"),
        (["cuont"], "Unknown command 'cuont'. Did you mean 'count'? Commands: interpolate, bench"),
        (["bench", "flim"], "Unknown command 'flim'. Did you mean 'film'? Commands: film"),
        (["completion", "powershell"], "'powershell' is not one of 'bash', 'zsh', 'fish'"),
        (["--nonsense"], "No such option"),
    ],
)
def test_invalid_commands_exit_with_2(run: Any, words: list[str], message: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("BudgetError", 1),
        ("OutputError", 1),
        ("MissingExtraError", 3),
        ("WeightsError", 3),
        ("InputNotFoundError", 4),
    ],
)
def test_each_error_has_its_exit_code_and_no_traceback(
    run: Any, folder: str, how: str, code: int
) -> None:
    assert run("fail", folder, "--how", how) == (
        code,
        "",
        "kinoloom: It went wrong. Do it again.\n",
    )


def test_unexpected_error_suggests_debug(run: Any, folder: str) -> None:
    code, out, err = run("fail", folder)
    assert (code, out) == (1, "")
    assert "Unexpected error: ZeroDivisionError: not an error of kinoloom" in err
    assert "--debug" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("how", "code"), [("bug", 1), ("WeightsError", 3)])
def test_debug_adds_the_traceback_and_keeps_the_exit_code(
    run: Any, folder: str, how: str, code: int
) -> None:
    actual, _, err = run("fail", folder, "--how", how, "--debug")
    assert actual == code
    assert err.startswith("Traceback")
    assert "tally.py" in err


def test_unknown_extra_is_reported_before_the_work(run: Any, folder: str) -> None:
    code, _, err = run("needy", folder)
    assert code == 2
    assert "Unknown extra 'nowhere'" in err


def test_missing_extra_exits_with_3_and_the_install_command(
    run: Any, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"nowhere": ["no-such-package"]}
    monkeypatch.setattr(sys.modules["kinoloom.base.need"], "extras", lambda: known)
    code, _, err = run("needy", folder)
    assert code == 3
    assert "Install it with: pip install 'kinoloom[nowhere]'" in err


def test_report_and_page_are_written_to_separate_files(
    run: Any, folder: str, tmp_path: Path
) -> None:
    out, page = tmp_path / "count.txt", tmp_path / "count.html"
    code, printed, _ = run("count", folder, "-o", str(out), "--report", str(page))
    assert (code, printed) == (0, "")
    assert out.read_text().startswith("Files\n")
    assert "<h1>Count of in</h1>" in page.read_text()


@pytest.mark.parametrize(("flag", "name"), [("-o", "old.txt"), ("--report", "old.html")])
def test_existing_output_is_replaced_only_with_overwrite(
    run: Any, folder: str, tmp_path: Path, flag: str, name: str
) -> None:
    old = tmp_path / name
    old.write_text("old")
    code, out, err = run("count", folder, flag, str(old))
    assert (code, out) == (2, "")
    assert f"{name} already exists. Choose another name, or add --overwrite." in err
    assert old.read_text() == "old"
    assert run("count", folder, flag, str(old), "--overwrite")[0] == 0
    assert old.read_text() != "old"


def test_existing_output_is_reported_before_the_work(run: Any, folder: str, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old")
    code, _, err = run("fail", folder, "-o", str(tmp_path / "old.txt"))
    assert code == 2
    assert "already exists" in err


def test_missing_output_folder_is_reported_before_the_work(
    run: Any, folder: str, tmp_path: Path
) -> None:
    code, _, err = run("fail", folder, "-o", str(tmp_path / "absent" / "r.txt"))
    assert code == 1
    assert "does not exist" in err


def test_ops_are_listed_for_people_and_for_scripts(run: Any) -> None:
    lines = run("ops")[1].splitlines()
    assert any(re.fullmatch(r"count +Count the files of a folder\.", line) for line in lines)
    assert len({line.index(line.split(maxsplit=1)[1]) for line in lines}) == 1  # one column
    code, out, err = run("ops", "--json")
    assert (code, err) == (0, "")
    found = {item["name"]: item for item in json.loads(out)["ops"]}
    assert (found["count"]["input"], found["count"]["output"]) == ("Path", "Report")
    at_most = next(o for o in found["count"]["options"] if o["flag"] == "--at-most")
    assert at_most == {
        "flag": "--at-most",
        "help": "largest count",
        "default": 9,
        "range": "from 1 to 99",
        "choices": [],
    }


def test_models_are_listed_for_people_and_for_scripts(run: Any) -> None:
    code, out, err = run("models", "list", "--json")
    assert (code, err) == (0, "")
    cards = {card["name"]: card for card in json.loads(out)["models"]}
    assert cards["film"]["parameters"] == 34_436_667
    text = run("models", "list", "film", "fusion")[1]
    assert "film: " in text
    assert "34,436,667 parameters" in text
    assert f"licence   {cards['film']['licence']}" in text
    assert f"trained   {cards['fusion']['trained_on']}" in text
    assert "measured  PSNR dB" in text


def test_doctor_lists_present_and_missing_parts(run: Any) -> None:
    code, out, err = run("doctor")
    assert (code, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    assert any(re.fullmatch(r"ok abacus +wooden", line) for line in lines)
    missing = next(k for k, line in enumerate(lines) if line.startswith("-- fingers"))
    assert [line.strip() for line in lines[missing + 1 : missing + 3]] == [
        "needed for: counting further",
        "install with: wave them",
    ]
    assert any(line.startswith("numpy ") for line in lines)
    assert any("engine" in line for line in lines)


def test_doctor_prints_json(run: Any) -> None:
    code, out, _ = run("doctor", "--json")
    assert code == 0
    data = json.loads(out)
    assert data["versions"]["kinoloom"] == __version__
    names = [check["name"] for check in data["checks"]]
    assert {"abacus", "fingers", "libx264", "torch"} <= set(names)


def test_doctor_exits_with_3_if_a_requirement_is_missing(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tally

    from kinoloom.base.checks import Check

    failed = Check("heart", False, "absent", "all", "find it", required=True)
    monkeypatch.setattr(tally, "checks", lambda: [failed])
    assert run("doctor")[0] == 3


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(run: Any, shell: str) -> None:
    code, out, _ = run("completion", shell)
    assert code == 0
    assert "_KINOLOOM_COMPLETE" in out
    assert f"{shell}_complete" in out


def test_every_command_has_help_for_each_flag(run: Any) -> None:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str()
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or parameter.help, (name, parameter.name)


def test_incomplete_output_has_an_exit_code_that_no_error_has() -> None:
    codes = {error.exit_code for _, error in inspect.getmembers(errors, inspect.isclass)}
    assert errors.EXIT_INCOMPLETE not in codes | {0, 130}
    assert f"; {errors.EXIT_INCOMPLETE} the output lacks a part" in (cli.help or "")
