"""Checks the declaration of a page, for tests of who writes one."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources
from typing import Any

from kinoloom.base.options import options_of
from kinoloom.base.page.calls import Call, Feed
from kinoloom.base.page.documents import Document
from kinoloom.base.page.page import Page
from kinoloom.base.registry import load_path
from kinoloom.errors import UsageError

_HEAVY = ("PIL", "av", "cv2", "numpy", "onnxruntime", "scipy", "torch")
_PROBE = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]; " + (
    "print([name for name in sys.modules if '.' not in name])"
)


def check_page(page: Page) -> None:
    """Check everything about a page that needs no browser.

    Raises:
        UsageError: the module is missing, a path does not lead to a call, feed or document, a
            function has no docstring, a document's first state is not plain, or the server would
            load a heavy library.
    """
    module = resources.files(page.package).joinpath(*page.module_path.split("/"))
    if not module.is_file() or "export" not in module.read_text(encoding="utf-8"):
        raise _fault(page, f"{page.module} is not a file of the package that exports mount")
    for paths, cls in ((page.calls, Call), (page.feeds, Feed), (page.documents, Document)):
        for name, path in paths.items():
            _check_part(page, name, load_path(path, name), cls)
    _check_imports(page)


def _check_part(page: Page, name: str, part: Any, cls: type) -> None:
    if not isinstance(part, cls):
        raise _fault(page, f"'{name}' is not a {cls.__name__}")
    if isinstance(part, (Call, Feed)):
        if not (part.function.__doc__ or "").strip():
            raise _fault(page, f"'{name}' has no docstring")
        for item in options_of(part.options):
            if not item.help:
                raise _fault(page, f"the option '{item.name}' of '{name}' has no help")
    elif isinstance(part, Document):
        state = part.initial()
        if json.loads(json.dumps(state)) != state:
            raise _fault(page, f"the first state of '{name}' is not a plain value")


def _check_imports(page: Page) -> None:
    """Import the modules as the server does, in a process of their own."""
    paths = (*page.calls.values(), *page.feeds.values(), *page.documents.values())
    modules = sorted({page.package, *(path.partition(":")[0] for path in paths)})
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *modules], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise _fault(page, f"its modules cannot be imported: {done.stderr.strip()}")
    loaded = [name for name in _HEAVY if f"'{name}'" in done.stdout]
    if loaded:
        raise _fault(page, f"its modules load {', '.join(loaded)}; import them in functions")


def _fault(page: Page, what: str) -> UsageError:
    return UsageError(f"The page '{page.name}' does not conform: {what}.")
