"""What the package says of itself: version, licences, extras, the table of dependencies."""

import importlib.util
import json
import sys
import tomllib
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kinoloom

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LICENCES = (ROOT / "docs" / "dependency-licences.md").read_text()


def load_script(name: str) -> ModuleType:
    """Import a file of scripts/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_version_has_one_place() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert "version" not in PROJECT
    assert f"## [{kinoloom.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licences_of_shipped_weights_are_in_the_metadata() -> None:
    licences = {path for glob in PROJECT["license-files"] for path in ROOT.glob(glob)}
    weights = set((ROOT / "src").rglob("weights/LICENSE*"))
    client = set((ROOT / "src").rglob("vendor/LICENSE*"))
    assert weights and client
    shipped = weights | client
    assert licences == {ROOT / "LICENSE", *shipped}
    assert any("MIT License" in path.read_text() for path in shipped)
    assert PROJECT["license"] == "Apache-2.0 AND BSD-3-Clause AND MIT AND OFL-1.1"


def test_every_extra_has_a_job_that_checks_it() -> None:
    jobs = load_script("smoke_extras").JOBS
    assert set(jobs) == {"core", *PROJECT["optional-dependencies"]} - {"all", "dev", "docs"}


def test_all_has_every_extra_of_users() -> None:
    (everything,) = PROJECT["optional-dependencies"]["all"]
    extras = set(PROJECT["optional-dependencies"]) - {"all", "dev", "docs"}
    assert Requirement(everything).extras == extras


def listed() -> set[str]:
    """Names in the table of packages."""
    rows = [line for line in LICENCES.splitlines() if line.count(" | ") == 3]
    return {canonicalize_name(row.split("|")[1].strip()) for row in rows}


def test_the_table_of_licences_has_every_requirement() -> None:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    names = {canonicalize_name(Requirement(text).name) for group in groups for text in group}
    assert names - {"kinoloom"} - listed() == set()


def test_the_table_names_the_gpl_libraries_in_the_wheel_of_pyav() -> None:
    find_copyleft = load_script("dependency_licences").find_copyleft
    inside = find_copyleft(str(file) for file in distribution("av").files or ())
    if inside:  # a PyAV that was built here has none
        assert {"libx264", "libx265"} <= set(inside)
    assert "PyAV's wheels contain x264 and x265, which are GPL" in LICENCES
    assert "| av | libx264 | GPL-2.0-or-later |" in LICENCES


@pytest.mark.parametrize(
    ("headers", "licence"),
    [
        ([("License-Expression", "MIT"), ("License", "other")], "MIT"),
        ([("License", "Apache 2.0")], "Apache-2.0"),
        (
            [
                ("License", "a text\n of many lines"),
                ("Classifier", "License :: OSI Approved :: MIT License"),
            ],
            "MIT",
        ),
        (
            [
                ("License", "Dual License"),
                ("Classifier", "License :: OSI Approved :: BSD License"),
                ("Classifier", "License :: OSI Approved :: Apache Software License"),
            ],
            "BSD or Apache-2.0",
        ),
        ([("Classifier", "License :: OSI Approved")], "not declared"),
    ],
)
def test_a_licence_is_read_from_the_best_field(
    headers: list[tuple[str, str]], licence: str
) -> None:
    class Package:
        metadata = Message()

    for name, value in headers:
        Package.metadata[name] = value
    read_licence: Any = load_script("dependency_licences").read_licence
    assert read_licence(Package()) == licence


def test_the_coverage_of_folders_adds_up() -> None:
    def entry(statements: int, covered: int) -> dict[str, Any]:
        counts = {"num_statements": statements, "covered_lines": covered}
        return {"summary": {**counts, "num_branches": 0, "covered_branches": 0}}

    files = {"src/kinoloom/errors.py": entry(10, 10), "src/kinoloom/base/op.py": entry(30, 20)}
    found = load_script("record_coverage").summarise(files)
    assert found["lines_percent"] == 75.0
    assert found["packages"]["base"]["lines_percent"] == 66.7
    assert found["packages"]["root"] == {"lines_percent": 100.0, "branches_percent": 100.0}


def test_a_figure_of_coverage_is_committed() -> None:
    record = json.loads((ROOT / "benchmarks" / "results" / "coverage.json").read_text())
    assert 0 < record["branches_percent"] <= record["lines_percent"] <= 100
    assert record["commit"] != "unknown"
    assert {"base", "media", "runtime"} <= set(record["packages"])
