"""The error reference, from the classes of `kinoloom.errors`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from kinoloom import errors

_HEAD = """# Errors

Every error that kinoloom raises on purpose is a subclass of `KinoloomError` and, where one fits,
of the built-in exception that Python programmers expect. The message gives the offending value and
what is allowed; `hint` says what to do next.

```python
import kinoloom
from kinoloom.errors import KinoloomError

try:
    kinoloom.read("missing.mp4")
except KinoloomError as error:
    print(error.message, error.hint, error.exit_code)
```

On the command line an error is one line on standard error, without a traceback. Add `--debug` to
see the traceback.

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | the work failed |
| 2 | an option, an argument or a name is wrong |
| 3 | an extra, a package or weights are missing; the message has the command that gets them |
| 4 | an input cannot be read |
| 5 | the output is written, but part of it is missing: an input is damaged |
| 130 | interrupted |

## Classes
"""


def errors_page() -> str:
    """Return the Markdown of the page."""
    return _HEAD + "\n".join(_entry(cls) for cls in _tree(errors.KinoloomError))


def _tree(cls: type[errors.KinoloomError]) -> Iterator[type[errors.KinoloomError]]:
    yield cls
    for sub in cls.__subclasses__():
        if sub.__module__ == errors.__name__:
            yield from _tree(sub)


def _entry(cls: type[errors.KinoloomError]) -> str:
    text = (inspect.getdoc(cls) or "").partition("Args:")[0].strip()
    bases = [_base(base) for base in cls.__bases__ if base is not Exception]
    parents = f" Subclass of {' and '.join(bases)}." if bases else ""
    return f"### `{cls.__name__}`\n\n{text}\n\n*Exit code {cls.exit_code}.{parents}*\n"


def _base(cls: type) -> str:
    name = f"`{cls.__name__}`"
    return f"[{name}](#{cls.__name__.lower()})" if cls.__module__ == errors.__name__ else name
