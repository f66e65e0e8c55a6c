"""The caller's own modules: those that a step's function imports from outside the environment.

A function in a script may import modules next to the script, or on PYTHONPATH. A step's
interpreter has the same installed packages, but not these folders, so the files travel with the
step: modules, packages with all of their files, and what these import. Imports by a computed name
are not found; `include_local_workdir` ships the whole working directory instead.
"""

from __future__ import annotations

import dis
import fnmatch
import importlib
import os
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import CodeType
from typing import Any

from kinoloom.pipelines.local.jobs.environment import editable_sources

_SITES = {"site-packages", "dist-packages"}
_OWN = "kinoloom"

Ignore = Callable[[str, list[str]], Collection[str]]
"""Returns the names to leave out of a folder, as for `shutil.copytree`."""

ModuleFinder = Callable[[frozenset[str]], dict[str, Path]]
"""See `find_modules`."""


@dataclass(frozen=True)
class CustomFileFilter:
    """The files of the working directory that `include_local_workdir` ships.

    Attributes:
        ignore_name_patterns: Files and folders whose names match one of these patterns, such as
            "*.csv", are left out; all others are shipped.
    """

    ignore_name_patterns: tuple[str, ...] | list[str] = ()

    def __call__(self, folder: str, names: list[str]) -> set[str]:
        """Return the names that are left out."""
        patterns = self.ignore_name_patterns
        return {name for pattern in patterns for name in fnmatch.filter(names, pattern)}


def find_modules(names: frozenset[str]) -> dict[str, Path]:
    """Return the files of the caller's modules, by path below a folder for `sys.path`.

    Args:
        names: Names of modules; those in the environment are left out.
    """
    importlib.invalidate_caches()
    folders = [str(folder) for folder in _local_folders()]
    found: dict[str, Path] = {}
    seen = {_OWN, *sys.stdlib_module_names}
    waiting = [name.partition(".")[0] for name in names]
    while waiting:
        top = waiting.pop()
        if top in seen:
            continue
        seen.add(top)
        for path, file in _list_files(top, folders):
            found[path] = file
            if file.suffix == ".py":
                stat = file.stat()
                waiting += _imports_of_file(file, stat.st_mtime_ns, stat.st_size)
    return found


def find_imports(code: CodeType) -> set[str]:
    """Return the top-level names of the modules that code imports."""
    found = {
        str(instruction.argval).partition(".")[0]
        for instruction in dis.get_instructions(code)
        if instruction.opname == "IMPORT_NAME"
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= find_imports(constant)
    return found - {""}


def list_workdir(ignore: Ignore | None, own: Path | None) -> dict[str, Path]:
    """Return the files of the working directory, by path.

    Args:
        ignore: See `Ignore`; None leaves out all files but Python modules, as the SDK does.
        own: The session's workspace, which is left out.
    """
    root = Path.cwd()
    found: dict[str, Path] = {}
    for folder, folders, names in os.walk(root):
        dropped = set(ignore(folder, [*folders, *names])) if ignore else set()
        folders[:] = [
            name
            for name in folders
            if name not in dropped
            and Path(folder, name).resolve() != own
            and (ignore is not None or not _is_skipped(Path(folder, name)))
        ]
        for name in sorted(names):
            file = Path(folder, name)
            if name not in dropped and (ignore is not None or file.suffix == ".py"):
                found[file.relative_to(root).as_posix()] = file
    return {path: file for path, file in found.items() if file.is_file()}


def list_package(module: Any) -> dict[str, Path]:
    """Return the files of an imported package, by path below a folder for `sys.path`."""
    folder = Path(module.__file__).parent
    return dict(_walk_package(folder, only_modules=False))


def _list_files(top: str, folders: list[str]) -> Iterator[tuple[str, Path]]:
    spec = PathFinder.find_spec(top, folders)
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        if spec.origin is not None:
            yield Path(spec.origin).name, Path(spec.origin)
        return
    for location in reversed(list(spec.submodule_search_locations)):  # the first has precedence
        # A folder without __init__.py may be a folder of data that has a module's name.
        yield from _walk_package(Path(location), only_modules=spec.origin is None)


def _walk_package(root: Path, *, only_modules: bool) -> Iterator[tuple[str, Path]]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_skipped(Path(folder, name)))
        for name in sorted(names):
            file = Path(folder, name)
            if file.suffix == ".py" or not only_modules:
                yield file.relative_to(root.parent).as_posix(), file


def _is_skipped(folder: Path) -> bool:
    """Return whether a folder has no modules of the user: hidden, cached or an environment."""
    return folder.name.startswith((".", "__pycache__")) or (folder / "pyvenv.cfg").exists()


@lru_cache(maxsize=4096)
def _imports_of_file(file: Path, mtime_ns: int, size: int) -> frozenset[str]:
    try:
        return frozenset(find_imports(compile(file.read_bytes(), str(file), "exec")))
    except (SyntaxError, ValueError):  # the import itself reports it, if the step needs the module
        return frozenset()


def _local_folders() -> list[Path]:
    """Return the folders of `sys.path` that only this process has."""
    paths = sysconfig.get_paths()
    installed = {Path(paths[name]).resolve() for name in ("stdlib", "platstdlib")}
    installed |= {folder / "lib-dynload" for folder in installed} | editable_sources()
    folders = [Path(entry or ".").resolve() for entry in sys.path]
    return [
        folder
        for folder in folders
        if folder.is_dir() and folder not in installed and not _SITES & set(folder.parts)
    ]
