"""The page and its calls, feeds and documents."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinoloom.base.options import option
from kinoloom.base.page import Blob, Context, Document, Page, call, feed
from kinoloom.errors import MediaError, UsageError


@dataclass(frozen=True)
class NoOptions:
    """No options."""


@dataclass(frozen=True)
class AddOptions:
    """Two numbers."""

    a: int = option(0, "First number")
    b: int = option(0, "Second number", low=0)


@dataclass(frozen=True)
class FileOptions:
    """A file."""

    path: str = option("", "Path of a file")


@dataclass(frozen=True)
class WaitOptions:
    """Where a call records that it runs."""

    mark: str = option("", "Name of a file in the folder that the call writes")


@call()
def add(context: Context, options: AddOptions) -> int:
    """Add two numbers."""
    return options.a + options.b


@call()
def who(context: Context, options: NoOptions) -> dict[str, str]:
    """Return who calls."""
    return {"name": context.person.name, "role": context.person.role}


@call(role="owner")
def secret(context: Context, options: NoOptions) -> str:
    """Return what only owners may read."""
    return "for owners"


@call(cost="io")
def read(context: Context, options: FileOptions) -> str:
    """Return the text of a file."""
    return context.path(options.path).read_text(encoding="utf-8")


@call(cost="io")
def find(context: Context, options: FileOptions) -> Path:
    """Return a file."""
    return context.path(options.path)


@call(cost="io")
def cached(context: Context, options: FileOptions) -> Path:
    """Write a file next to the folders and return it."""
    file = context.folder / options.path
    file.parent.mkdir(exist_ok=True)
    file.write_text("made")
    return file


@call()
def picture(context: Context, options: NoOptions) -> Blob:
    """Return bytes of a media type."""
    return Blob(b"\x00\x01", "image/png", (("seen", "“yes”"),))


@call()
def fail(context: Context, options: NoOptions) -> None:
    """Fail as calls do on purpose."""
    raise MediaError("The file cannot be read.", hint="Choose another file.")


@call()
def crash(context: Context, options: NoOptions) -> None:
    """Fail as no call should."""
    raise ZeroDivisionError("<b>divided</b>")


@call()
def heavy(context: Context, options: NoOptions) -> None:
    """Import a heavy library where none may be imported."""
    import numpy as np

    np.zeros(1)


@call(cost="io")
def wait(context: Context, options: WaitOptions) -> str:
    """Wait until nobody needs the answer, and record it."""
    return _wait(context, options)


@call(cost="model")
def wait_warm(context: Context, options: WaitOptions) -> str:
    """Wait in the process of the page until nobody needs the answer."""
    return _wait(context, options)


def _wait(context: Context, options: WaitOptions) -> str:
    file = context.folder / options.mark
    file.write_text("started")
    while not context.cancelled():
        time.sleep(0.01)
    file.write_text("cancelled")
    return "cancelled"


@call(cost="model")
def mean(context: Context, options: AddOptions) -> dict[str, Any]:
    """Compute the mean of two numbers by a heavy library, and count in a document."""
    import numpy as np

    if options.a < 0:
        os._exit(1)
    context.change("counter", "means", {"type": "add", "by": 1})
    return {
        "mean": float(np.mean([options.a, options.b])),
        "pid": os.getpid(),
        "count": context.document("counter", "means"),
        "person": context.person.name,
    }


@call(cost="model", role="editor")
def begin(context: Context, options: FileOptions) -> dict[str, str]:
    """Start a job of an op."""
    started = context.start("metrics", [options.path, options.path], {})
    return {"id": started.id, "output": started.output}


@call(cost="model")
def misfit(context: Context, options: NoOptions) -> str:
    """Return the class of the error of a change that does not fit."""
    try:
        context.change("counter", "means", {"type": "divide"})
    except UsageError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


@feed()
def ticks(context: Context, options: AddOptions) -> Iterator[Mapping[str, Any]]:
    """Yield numbers from a to b, or endless ones; record the end."""
    number = options.a
    try:
        while not options.b or number <= options.b:
            yield {"number": number, "person": context.person.name}
            number += 1
    finally:
        (context.folder / "ticks.txt").write_text(f"ended at {number}")


@feed(cost="model")
def heavy_ticks(context: Context, options: AddOptions) -> Iterator[Mapping[str, Any]]:
    """Yield numbers in a process of its own."""
    import numpy as np

    for number in np.arange(options.a, options.b + 1):
        yield {"number": int(number), "pid": os.getpid(), "server": "starlette" in sys.modules}
    while options.b and not context.cancelled():
        time.sleep(0.01)


@feed(role="owner")
def secrets(context: Context, options: NoOptions) -> Iterator[Mapping[str, Any]]:
    """Yield what only owners may see."""
    yield {"secret": True}


@feed()
def broken(context: Context, options: NoOptions) -> Iterator[Mapping[str, Any]]:
    """Yield once and fail."""
    yield {"number": 1}
    raise MediaError("The camera is off.", hint="Switch it on.")


def _check_counter(state: int, change: Mapping[str, Any]) -> None:
    if change["type"] == "add" and isinstance(change["by"], int):
        return
    if change["type"] == "double" and state > 0:
        return
    raise UsageError(f"The counter, {state}, cannot {change['type']}.")


def _count(state: int, change: Mapping[str, Any]) -> int:
    return state * 2 if change["type"] == "double" else state + int(change["by"])


COUNTER = Document(lambda: 0, _count, _check_counter)
ACKNOWLEDGED = Document(lambda: 0, _count, _check_counter, role="operator", is_signed=True)

_CALLS = (
    "add",
    "who",
    "secret",
    "read",
    "find",
    "cached",
    "picture",
    "fail",
    "crash",
    "heavy",
    "wait",
)
_MODEL_CALLS = ("mean", "begin", "misfit")

PAGE = Page(
    name="lab",
    title="Lab",
    icon="M3 9h12M9 3v12",
    summary="Tries what pages can do",
    module="lab:client/lab.js",
    opens=("Clip", ".lab"),
    calls={name: f"lab.page:{name}" for name in (*_CALLS, *_MODEL_CALLS)}
    | {"wait-warm": "lab.page:wait_warm", "nothing": "lab.page:NoOptions"},
    feeds={
        "ticks": "lab.page:ticks",
        "heavy-ticks": "lab.page:heavy_ticks",
        "secrets": "lab.page:secrets",
        "broken": "lab.page:broken",
    },
    documents={"counter": "lab.page:COUNTER", "alert": "lab.page:ACKNOWLEDGED"},
    order=200,
)
