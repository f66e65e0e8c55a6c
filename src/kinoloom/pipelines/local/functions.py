"""The functions of Lambda steps: registered by the caller, or stored scripts with a handler.

A stored function is the folder `functions/<digest>/` of the workspace: its `code` and its handler.
Its ARN has the digest as qualifier, so an execution that another process resumes calls the code
that it started with, and changed code is a change of the definition.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import runpy
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.importing import importing_from
from kinoloom.pipelines.local.storage.store import file_digest

Function = Callable[[dict[str, Any], Any], Any]
"""What a Lambda step calls: (event, context) -> a dict with its outputs."""


class Functions:
    """The functions of a session by ARN.

    Args:
        root: The folder of stored functions.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._functions: dict[str, Function] = {}

    def register(self, arn: str, function: Function) -> None:
        """Register a function."""
        self._functions[arn] = function

    def find(self, arn: str) -> Function | None:
        """Return a function; None if it is neither registered nor stored.

        Raises:
            UsageError: A stored script lacks its handler.
        """
        if arn not in self._functions:
            folder = self.root / arn.rpartition(":")[2]
            if not (folder / "handler").is_file():
                return None
            self._functions[arn] = _load(folder / "code", (folder / "handler").read_text())
        return self._functions[arn]

    def keep(self, arn: str, files: Mapping[str, Path], handler: str) -> str:
        """Store a function and return its ARN with a qualifier.

        Args:
            arn: The ARN without a qualifier.
            files: The files of its code by path.
            handler: "module.function".

        Raises:
            UsageError: The script lacks the function.
        """
        listing = [f"{name}\0{file_digest(path)}" for name, path in sorted(files.items())]
        digest = hashlib.sha256("\n".join([handler, *listing]).encode()).hexdigest()
        folder = self.root / digest
        if not folder.is_dir():
            part = self.root / f".{digest}.{os.urandom(6).hex()}.part"
            for name, path in files.items():
                target = part / "code" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            (part / "handler").write_text(handler)
            with contextlib.suppress(OSError):  # another process stored it first
                part.rename(folder)
            shutil.rmtree(part, ignore_errors=True)
        qualified = f"{arn}:{digest}"
        self.find(qualified)
        return qualified


def _load(folder: Path, handler: str) -> Function:
    module, _, name = handler.rpartition(".")
    script = folder / f"{module.replace('.', '/')}.py"
    if not script.is_file():
        raise UsageError(f"Handler '{handler}' needs {module}.py, which does not exist.")
    with importing_from(folder):
        function = runpy.run_path(str(script), run_name=module).get(name)
    if not callable(function):
        raise UsageError(f"{script.name} has no function '{name}', its handler.")
    loaded: Function = function
    return loaded
