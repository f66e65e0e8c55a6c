"""The Python reference: the names in `__all__` of every public package.

A package whose `__init__.py` defines `__all__` is public. Each of its names is documented where
the object is defined, under the name that users import.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import kinoloom

_FOLDER = "reference/api"
_SOURCE = Path(kinoloom.__file__).parent
_HEAD = """# Python

```python
import kinoloom

clip = kinoloom.interpolate("clip.mp4", fps="60000/1001")  # lazy: nothing is computed yet
kinoloom.write(clip, "smooth.mp4")
```

Importing `kinoloom` loads no heavy library; each name loads what it needs when it is first used.
Frames are numpy arrays of shape (H, W, 3), 8 or 16 bit; times are `fractions.Fraction`.

"""


def public_packages() -> list[str]:
    """Return the dotted names of all packages that define `__all__`, sorted."""
    return sorted(
        ".".join(("kinoloom", *path.parent.relative_to(_SOURCE).parts))
        for path in _SOURCE.rglob("__init__.py")
        if _defines_all(path)
    )


def api_pages() -> dict[str, str]:
    """Return one page for each public package and an overview, by path below docs/."""
    packages = public_packages()
    homes = _homes(packages)
    rows = [f"| [`{name}`]({name}.md) | {_summary(name)} |" for name in packages]
    overview = _HEAD + "| package | contents |\n|---|---|\n" + "\n".join(rows) + "\n"
    pages = {f"{_FOLDER}/{name}.md": _page(name, homes) for name in packages}
    return {f"{_FOLDER}/index.md": overview, **pages}


def _defines_all(path: Path) -> bool:
    targets = [
        target
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
    ]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def _summary(package: str) -> str:
    text = inspect.getdoc(importlib.import_module(package)) or ""
    return text.partition("\n")[0]


def _homes(packages: list[str]) -> dict[str, str]:
    """Return the package that documents each object: the first one that exports it."""
    homes: dict[str, str] = {}
    for package in packages:
        for name in _names(package):
            homes.setdefault(_path(package, name), package)
    return homes


def _names(package: str) -> list[str]:
    """Return the exported classes and functions, in alphabetical order."""
    exported = sorted(importlib.import_module(package).__all__, key=str.lower)
    return [name for name in exported if _path(package, name)]


def _path(package: str, name: str) -> str:
    """Return where a class or function is defined, or "" for another kind of value.

    A name whose extra is not installed is found in the imports for type checkers.
    """
    try:
        value = getattr(importlib.import_module(package), name)
    except ImportError:
        return f"{_checked_imports(package)[name]}.{name}"
    documented = inspect.isclass(value) or inspect.isfunction(value)
    return f"{value.__module__}.{value.__qualname__}" if documented else ""


def _checked_imports(package: str) -> dict[str, str]:
    """Return the module of every name that a package imports by `from`."""
    path = _SOURCE.parent.joinpath(*package.split("."), "__init__.py")
    imports = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]
    return {alias.name: node.module or "" for node in imports for alias in node.names}


def _page(package: str, homes: dict[str, str]) -> str:
    paths = {name: _path(package, name) for name in _names(package)}
    own = [f"::: {path}\n" for path in paths.values() if homes[path] == package]
    others = [
        f"- [`{name}`][{path}], documented with `{homes[path]}`"
        for name, path in paths.items()
        if homes[path] != package
    ]
    also = ["## Also exported\n", *others] if others else []
    return f"# {package}\n\n{_summary(package)}\n\n" + "\n".join([*own, *also]) + "\n"
