"""The rules of the architecture that linters do not know: layers, lightness, sizes, docstrings."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kinoloom
from kinoloom import errors

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "kinoloom"
TEXTS = {
    str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8")
    for path in sorted(SOURCE.rglob("*.py"))
}
TREES = {name: ast.parse(text) for name, text in TEXTS.items()}
HEAVY = {"torch", "onnxruntime", "av", "cv2", "PIL", "fastapi", "ray", "boto3", "rich", "scipy"}
CPU_S = 0.5
MOST_LINES, MOST_BODY_LINES = 600, 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_the_import_rules_are_kept() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* kept, 0 broken", done.stdout)


LIGHT = [
    ["-c", "import kinoloom"],
    ["-m", "kinoloom", "--help"],
    ["-m", "kinoloom", "interpolate", "--help"],
    ["-m", "kinoloom", "ops"],
]


@pytest.mark.parametrize("words", LIGHT, ids=" ".join)
def test_what_is_light_loads_nothing_heavy(words: list[str]) -> None:
    line = [sys.executable, "-X", "importtime", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {text.rpartition("|")[2].strip() for text in done.stderr.splitlines()}
    assert "kinoloom" in loaded
    assert {name for name in loaded if name.partition(".")[0] in HEAVY} == set()


@pytest.mark.parametrize("words", LIGHT, ids=" ".join)
def test_what_is_light_takes_little_time(words: list[str]) -> None:
    """The one timing that a test asserts: of the processor, so that other work does not count."""
    assert any(cpu_s(words) < CPU_S for _ in range(5)), f"over {CPU_S} s of CPU each time"


def cpu_s(words: list[str]) -> float:
    """Seconds of the processor that a Python process takes."""
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def test_the_public_names_are_sorted_and_each_resolves() -> None:
    assert kinoloom.__all__ == sorted(kinoloom.__all__)
    assert set(kinoloom.__all__) == {*kinoloom._LAZY, "__version__"}
    assert dir(kinoloom) == kinoloom.__all__
    for name in kinoloom.__all__:
        assert getattr(kinoloom, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'interpolat'"):
        _ = kinoloom.interpolat


def public(tree: ast.Module) -> Iterator[Function]:
    """The functions and methods that others may call."""
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name[0] != "_"]
    for scope in (tree, *classes):
        yield from (n for n in scope.body if isinstance(n, Function) and n.name[0] != "_")


def errors_raised(function: Function) -> set[str]:
    """The errors of kinoloom that a function raises itself, not in one that it defines."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            found.add(ast.unparse(node.exc.func))
        if not isinstance(node, (ast.ClassDef, Function, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found & set(vars(errors))


def told(name: str, docstring: str) -> bool:
    """Whether a docstring tells of an error: by its own name or that of a wider one."""
    section = docstring.partition("Raises:")[2]
    wider = {cls.__name__ for cls in getattr(errors, name).__mro__} & set(vars(errors))
    return any(re.search(rf"\b{word}\b", section) for word in wider)


def body_lines(function: Function) -> int:
    """How many lines a function's body has, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_files_and_functions_are_small() -> None:
    long = [path for path, text in TEXTS.items() if len(text.splitlines()) > MOST_LINES]
    long += [
        f"{path}: {function.name}"
        for path, tree in TREES.items()
        for function in ast.walk(tree)
        if isinstance(function, Function) and body_lines(function) > MOST_BODY_LINES
    ]
    assert long == []


def test_the_errors_that_a_function_raises_are_in_its_docstring() -> None:
    found = [
        f"{path}: {function.name} does not tell of {name}"
        for path, tree in TREES.items()
        for function in public(tree)
        for name in errors_raised(function)
        if not told(name, ast.get_docstring(function) or "")
    ]
    assert found == []


WRITTEN = [
    path
    for folder in ("src", "tests", "docs", "benchmarks", "examples", ".ci", ".")
    for path in ((ROOT / folder).glob("*") if folder == "." else (ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md", ".toml", ".txt", ".js", ".css", ".yml"} and path.is_file()
]


@pytest.mark.parametrize(
    "pattern", [r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"/(work|home|root|Users)/"]
)
def test_nothing_is_left_to_do_and_no_path_is_of_one_machine(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in WRITTEN
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == []


@pytest.mark.parametrize("mark", ["skip", "xfail"])
def test_no_test_is_switched_off(mark: str) -> None:
    pattern = re.compile(rf"pytest\.mark\.{mark}\b")
    tests = [path for path in WRITTEN if path.is_relative_to(ROOT / "tests")]
    assert [path.name for path in tests if pattern.search(path.read_text("utf-8"))] == []
