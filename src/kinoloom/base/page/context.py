"""Context: what the studio provides to the calls and feeds of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Role = Literal["viewer", "operator", "editor", "owner"]
"""What a person may do: look; also acknowledge and label; also start jobs and edit documents;
everything."""

ROLES: tuple[Role, ...] = ("viewer", "operator", "editor", "owner")
"""In ascending order: each may do what those before it may do."""


@dataclass(frozen=True)
class Person:
    """Who uses the studio.

    Attributes:
        name: shown next to changes and decisions.
        role: what the person may do.
    """

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the person has a role, or one above it."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class StartedJob:
    """A job that a call has started.

    Attributes:
        id: of the job.
        output: path of its output, as pages write it, or "".
    """

    id: str
    output: str


class Context(Protocol):
    """What a call or a feed may use.

    Attributes:
        folder: the first folder of the studio; its state is in `folder / ".kinoloom"`.
        person: who called.
    """

    folder: Path
    person: Person

    def path(self, text: str) -> Path:
        """Return the file of a path as pages write it: relative, with "/".

        Raises:
            InputNotFoundError: it is not a regular file inside the folders of the studio.
        """

    def start(
        self,
        op: str,
        inputs: Sequence[str],
        options: Mapping[str, Any],
        *,
        output: str | None = None,
    ) -> StartedJob:
        """Start a job; paths as pages write them.

        Raises:
            UsageError: an unknown op or option, or a path outside the folders.
            MissingError: the op requires an extra that is not installed.
        """

    def document(self, kind: str, name: str) -> Mapping[str, Any]:
        """Return the state of a document of this page.

        Raises:
            UsageError: the page declares no such kind.
        """

    def change(self, kind: str, name: str, change: Mapping[str, Any], *, key: str = "") -> int:
        """Change a document of this page as the person does; return the number of the change.

        Use it for results of models, and for first states, which may be larger than a request.

        Args:
            kind: of the document.
            name: of the document.
            change: see `Document`.
            key: a change with the key of an earlier one is not made again; "" for a new key.

        Raises:
            UsageError: the page declares no such kind, the change does not fit the document's
                present state, or the person may not change it.
        """

    def cancelled(self) -> bool:
        """Whether nobody needs the answer: a newer request replaced this one, or the page left."""
