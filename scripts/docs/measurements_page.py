"""The measurements: every committed result file as tables.

The title and the method come from the docstring of the benchmark that wrote the file, so a new
result needs no entry here.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HEAD = """# Measurements

Every figure in this documentation comes from a file in `benchmarks/results/`, and this page shows
all of them. Compare ratios within one table: seconds depend on the machine. Losses are listed next
to wins.

"""
_HIDDEN = {"machine", "command", "title", "commit", "schema", "provenance"}


def measurements_page(results: Path) -> str:
    """Return the Markdown of the page for a folder of result files."""
    return _HEAD + "\n".join(_section(path) for path in sorted(results.glob("*.json")))


def _section(path: Path) -> str:
    result = json.loads(path.read_text(encoding="utf-8"))
    title, method = _described(path, result)
    facts = [f"File: `benchmarks/results/{path.name}`."]
    if "command" in result:
        facts.append(f"Command: `{result['command']}`.")
    if "machine" in result:
        facts.append(_machine(result["machine"], result.get("commit", "")))
    body = {key: value for key, value in result.items() if key not in _HIDDEN}
    tables = "\n".join(_blocks(body, ""))
    head = f"## {title}\n\n{method}\n\n{' '.join(facts)}\n\n"
    return f'{head}<div class="results" markdown>\n\n{tables}\n\n</div>\n'


def _described(path: Path, result: dict[str, Any]) -> tuple[str, str]:
    """Return title and method: the first sentence and the first paragraph of the docstring.

    Results without a benchmark script have a title of their own, or the name of their schema.
    """
    script = path.parents[1] / f"{path.stem}.py"
    if not script.exists():
        command = result.get("schema", path.stem).partition("/")[0].replace(".", " ")
        return result.get("title", f"{command}: {path.stem}"), ""
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    head, *paragraphs = re.split(r"\n\s*\n", text)
    prose = [" ".join(part.split()) for part in paragraphs if not part.startswith("    ")]
    title = " ".join(head.split()).partition(". ")[0].rstrip(".")
    return title, re.sub(r"[^.]*:$", "", prose[0]).strip() if prose else ""


def _machine(machine: dict[str, Any], commit: str) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"Machine: {machine['cpu']}, {machine['cores']} cores; {versions}; commit {commit}."


def _blocks(value: dict[str, Any], name: str) -> Iterator[str]:
    """Yield tables for the nested parts of a result, and one list for its plain values."""
    plain = {key: item for key, item in value.items() if _is_cell(item)}
    if plain:
        yield _titled(name, _table([{"quantity": key, "value": plain[key]} for key in plain]))
    for key, item in value.items():
        if key in plain:
            continue
        title = f"{name}: {key}" if name else key
        if isinstance(item, list):
            yield _titled(title, _table([_flat(row) for row in item]))
        elif all(isinstance(row, dict) and not _is_cell(row) for row in item.values()):
            yield _titled(title, _table([{"name": k, **_flat(row)} for k, row in item.items()]))
        else:
            yield from _blocks(item, title)


def _titled(name: str, table: str) -> str:
    return f"**{_words(name)}**\n\n{table}\n" if name and name != "rows" else f"{table}\n"


def _is_cell(item: Any) -> bool:
    if isinstance(item, dict):
        return "median" in item or set(item) == {"mean", "deviation"}
    if isinstance(item, list):
        return all(not isinstance(part, dict | list) for part in item)
    return True


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a row with one level: nested keys are joined, lists of rows are left out."""
    cells: dict[str, Any] = {}
    for key, item in row.items():
        if _is_cell(item):
            cells[prefix + key] = item
        elif isinstance(item, dict):
            cells |= _flat(item, f"{prefix}{key}, ")
    return cells


def _table(rows: list[dict[str, Any]]) -> str:
    """Lay out rows; a quantity that is equal in all rows goes below the table."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = {column: [_text(row.get(column)) for row in rows] for column in columns}
    equal = [c for c in columns if len(rows) > 1 and len(set(cells[c])) == 1]
    shown = [column for column in columns if column not in equal]
    lines = [
        "| " + " | ".join(_words(column) for column in shown) + " |",
        "|" + "---|" * len(shown),
    ]
    lines += ["| " + " | ".join(row) + " |" for row in zip(*(cells[c] for c in shown), strict=True)]
    common = ", ".join(f"{_words(column)} {cells[column][0]}" for column in equal)
    note = f"\nIn every row: {common}.\n" if common else ""
    return "\n".join(lines) + "\n" + note


def _words(name: str) -> str:
    return name.replace("_", " ").replace("|", "/")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict) and "median" in value:
        spread = f" ({_text(value['q1'])} to {_text(value['q3'])})" if "q1" in value else ""
        return _text(value["median"]) + spread
    if isinstance(value, dict):
        return f"{_text(value['mean'])} ± {_text(value['deviation'])}"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return _words(str(value))
