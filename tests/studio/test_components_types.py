"""The types of the client: TypeScript reads the JSDoc of its modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROWSER = ROOT / "tests/browser"
STATIC = ROOT / "src/kinoloom/studio/static"


@pytest.mark.system_package("npm")
def test_types_are_correct() -> None:
    compiler = BROWSER / "node_modules/.bin/tsc"
    if not compiler.exists():
        pytest.skip("needs TypeScript: npm ci --prefix tests/browser")
    found = subprocess.run([compiler, "-p", BROWSER], capture_output=True, text=True)
    assert found.stdout == ""
    assert found.returncode == 0


def test_vendored_files_are_those_of_their_packages() -> None:
    script = ROOT / "scripts/vendor_js.py"
    found = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


def test_modules_are_small_and_use_no_raw_markup() -> None:
    modules = [*STATIC.glob("app/*.js"), *STATIC.glob("ui/*.js")]
    assert modules
    for module in modules:
        text = module.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, module
        assert text.startswith("// "), module
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ):
            assert forbidden not in text, module


def test_no_module_names_another_host() -> None:
    for module in STATIC.rglob("*"):
        if module.suffix in {".js", ".css", ".html"}:
            assert "https://" not in module.read_text(encoding="utf-8"), module
