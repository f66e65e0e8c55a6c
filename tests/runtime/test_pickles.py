"""Torch files are read without running what is pickled in them."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "kinoloom"


def test_every_torch_load_reads_weights_only() -> None:
    calls = [
        (path.name, node)
        for path in SOURCE.rglob("*.py")
        if "torch.load" in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert calls
    unsafe = [
        f"{name}:{node.lineno}"
        for name, node in calls
        if "weights_only=True" not in {ast.unparse(each) for each in node.keywords}
    ]
    assert unsafe == []


def test_no_torchscript_archive_is_executed() -> None:
    callers = [
        path.name
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.jit.load"
    ]
    assert callers == []
