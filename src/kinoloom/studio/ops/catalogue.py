"""The catalogue of ops: their descriptions, made once for a set of installed packages.

Describing ops imports their modules, which takes a second and libraries that the server must not
load; so a process of the studio does it, and the result is kept in the cache folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import kinoloom
from kinoloom.base.need import need_extra
from kinoloom.base.outputs import write_text_atomically
from kinoloom.base.page import Person
from kinoloom.base.registry import KINDS
from kinoloom.errors import KinoloomError, MissingError, RegistryError
from kinoloom.studio.warm.process import Request, WarmProcess

Description = dict[str, Any]


class Catalogue:
    """The descriptions of all ops; see `tools.ops.describe_ops`.

    Args:
        tools: the process that describes them.
        cache: folder for the descriptions.
    """

    def __init__(self, tools: WarmProcess, cache: Path) -> None:
        self._tools, self._cache = tools, cache
        self._ops: dict[str, Description] | None = None
        self._reading = asyncio.Lock()

    async def list_ops(self, person: Person) -> list[Description]:
        """Return the ops without their options, each with the command that installs its extra.

        Raises:
            KinoloomError: they cannot be described.
        """
        ops = await self._read(person)
        return [
            {name: value for name, value in op.items() if name not in ("options", "help")}
            | {"missing": find_missing(op["extra"])}
            for op in ops.values()
        ]

    async def describe(self, name: str, person: Person) -> Description:
        """Return the description of one op.

        Raises:
            RegistryError: the name is unknown.
        """
        ops = await self._read(person)
        if name not in ops:
            close = get_close_matches(name, ops)
            hint = f"Did you mean {' or '.join(close)}?" if close else ""
            raise RegistryError(f"Unknown op '{name}'.", hint=hint)
        return ops[name] | {"missing": find_missing(ops[name]["extra"])}

    async def _read(self, person: Person) -> dict[str, Description]:
        async with self._reading:
            if self._ops is None:
                file = self._cache / f"ops-{await asyncio.to_thread(_fingerprint)}.json"
                ops = await asyncio.to_thread(_load, file)
                if ops is None:
                    request = Request("kinoloom.studio.tools.ops:describe_ops", {}, person)
                    ops = await self._tools.call(request)
                    await asyncio.to_thread(_store, file, ops)
                self._ops = {op["name"]: op for op in ops}
        return self._ops


def find_missing(extra: str) -> str:
    """Return the command that installs an extra, or "" if it is installed or none is needed."""
    try:
        if extra:
            need_extra(extra)
    except MissingError as error:
        return error.hint
    except KinoloomError as error:  # the extra of a third party
        return error.message
    return ""


def _load(file: Path) -> list[Description] | None:
    with suppress(OSError, ValueError):
        ops: list[Description] = json.loads(file.read_text(encoding="utf-8"))
        return ops
    return None


def _store(file: Path, ops: list[Description]) -> None:
    """Keep the descriptions in place of older ones."""
    with suppress(OSError, KinoloomError):  # a full disk: they are made again next time
        file.parent.mkdir(parents=True, exist_ok=True)
        for old in file.parent.glob("ops-*.json"):
            old.unlink(missing_ok=True)
        write_text_atomically(file, json.dumps(ops))


def _fingerprint() -> str:
    """Return a digest of everything that the descriptions depend on."""
    facts = [kinoloom.__version__]
    for kind in KINDS:
        for point in metadata.entry_points(group=f"kinoloom.{kind}"):
            version = point.dist.version if point.dist else ""
            facts.append(f"{kind} {point.name} {point.value} {version}")
    facts += sorted(_list_states(resources.files("kinoloom")))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _list_states(folder: Traversable) -> Iterator[str]:
    """Yield the names and times of kinoloom's own modules, which change while it is developed."""
    if isinstance(folder, Path):  # as opposed to a zip archive, which has a version
        for file in folder.rglob("*.py"):
            yield f"{file} {file.stat().st_mtime_ns}"
