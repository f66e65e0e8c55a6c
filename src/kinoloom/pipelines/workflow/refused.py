"""Steps of the SDK that need the service's own images: made here, they say what to do instead."""

from __future__ import annotations

from typing import Any, NoReturn

from kinoloom.errors import UsageError


class RefusedStep:
    """A step that cannot be made; see its subclasses.

    Raises:
        UsageError: always.
    """

    instead: str

    def __init__(self, name: str = "", *given: Any, **named: Any) -> None:
        self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        raise UsageError(
            f"{type(self).__name__} '{name}' cannot be made here: it runs in the service's own "
            "image or cluster.",
            hint=self.instead,
        )
