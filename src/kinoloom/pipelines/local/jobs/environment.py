"""The environment of steps, as far as it decides their results: a part of cache keys.

That is the interpreter, the installed packages, the source files of packages that are installed in
editable mode, and the variables that steps get from their caller. PATH is left out: it differs
between terminals, and the folder of the interpreter is first on it in any case.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
import re
import sys
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlparse

from kinoloom.pipelines.local.storage.store import SETTLED_NS, file_digest

_INSTALLED = (".dist-info", ".egg-info")  # folders such as numpy-2.4.6.dist-info
_MODULES = (".py", ".so", ".pyd", ".dylib", ".dll")
_MAPPING = re.compile(r"^MAPPING\b[^=]*=\s*(\{.*\})\s*$", re.MULTILINE)  # setuptools' finder
_DIGEST_LENGTH = 16


def describe_environment() -> dict[str, object]:
    """Return the interpreter, and digests of its packages and of editable packages' sources."""
    sites = _read_sites()
    found = sorted({name for names, _ in sites for name in names})
    roots = sorted({root for _, roots in sites for root in roots})
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": sys.platform,
        "packages": _digest("\n".join(found)),
        "sources": {str(root): _digest_sources(root) for root in roots},
    }


def editable_sources() -> set[Path]:
    """Return the sources of the packages that are installed in editable mode."""
    return {root for _, roots in _read_sites() for root in roots}


def _read_sites() -> list[tuple[tuple[str, ...], tuple[Path, ...]]]:
    folders = [Path(path) for path in sys.path if path and Path(path).is_dir()]
    return [_read_site(folder, folder.stat().st_mtime_ns) for folder in folders]


def describe_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return a digest of each variable's value: values may be secret, and causes are stored."""
    return {name: _digest(value) for name, value in variables.items()}


@lru_cache(maxsize=256)
def _read_site(folder: Path, mtime_ns: int) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """Return the names of a folder's packages, and the sources that are installed editable."""
    entries = sorted(folder.iterdir())
    names = tuple(path.name for path in entries if path.suffix in _INSTALLED)
    roots = [root.resolve() for path in entries for root in _iter_roots(path) if root.exists()]
    roots = [root for root in roots if not any(root.glob("*.dist-info"))]  # another site folder
    for project in filter(None, map(_editable_project, entries)):
        # Build backends with an import hook of their own name no folder that could be read here.
        if project.is_dir() and not any(root.is_relative_to(project) for root in roots):
            roots.append(project)
    return names, tuple(roots)


def _iter_roots(path: Path) -> Iterator[Path]:
    """Yield the paths that a file of a site folder makes importable."""
    if path.suffix == ".pth":
        for line in path.read_text(errors="replace").splitlines():
            if line.strip() and not line.startswith(("#", "import ", "import\t")):
                yield path.parent / line.strip()
    elif path.name.startswith("__editable__") and path.name.endswith("_finder.py"):
        match = _MAPPING.search(path.read_text(errors="replace"))
        for place in ast.literal_eval(match[1]).values() if match else ():
            yield Path(place) if Path(place).exists() else Path(f"{place}.py")


def _editable_project(path: Path) -> Path | None:
    """Return the project folder of a .dist-info folder if it is installed in editable mode."""
    try:
        direct = json.loads((path / "direct_url.json").read_text())
    except (OSError, ValueError):
        return None
    is_editable = direct.get("dir_info", {}).get("editable", False)
    return Path(unquote(urlparse(direct["url"]).path)).resolve() if is_editable else None


def _digest_sources(root: Path) -> str:
    """Return a digest of the modules below a folder, and of all files of its packages."""
    files = [str(root)] if root.is_file() else _iter_sources(str(root))
    lines = [f"{file}\0{_digest_source(file)}" for file in files]
    return _digest("\n".join(sorted(lines)))


def _digest_source(file: str) -> str:
    try:
        stat = os.stat(file)  # noqa: PTH116  many files: pathlib costs more than the call
        is_settled = time.time_ns() - stat.st_mtime_ns > SETTLED_NS
        digest = _file_digest if is_settled else _file_digest.__wrapped__
        return digest(file, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    except OSError:  # it cannot be imported either
        return "unreadable"


def _iter_sources(root: str) -> Iterator[str]:
    """Yield the modules below a folder, and all files of its packages."""
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if not name.startswith((".", "__pycache__"))
            and not Path(folder, name, "pyvenv.cfg").exists()
        ]
        is_package = "__init__.py" in names
        for name in names:
            if is_package or name.endswith(_MODULES):
                yield f"{folder}{os.sep}{name}"


@lru_cache(maxsize=1 << 16)
def _file_digest(file: str, inode: int, size: int, mtime_ns: int) -> str:
    return file_digest(Path(file))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:_DIGEST_LENGTH]
