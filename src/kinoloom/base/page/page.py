"""Page: the declaration of a page of the studio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kinoloom.errors import UsageError

RESERVED_NAMES = frozenset(
    {"documents", "events", "file", "files", "home", "jobs", "ops", "parts", "state", "upload"}
)
"""Names that the studio's own addresses and pages use."""

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_MODULE = re.compile(r"[A-Za-z_][\w.]*:[\w][\w./-]*\.m?js")


@dataclass(frozen=True)
class Page:
    """A page of the studio.

    Attributes:
        name: in addresses; lower-case letters, digits and hyphens.
        title: in the navigation, one or two words.
        icon: the name of an icon of the studio ("film", "pipelines"), or an own 18 px drawing:
            the `d` attribute of an SVG path on a grid of 18 x 18, which is stroked.
        summary: one phrase, shown in the search and at the head of the page.
        module: "package:path" of its ES module, which is package data; the other files of the
            module's folder are served, too. It exports `mount(host, studio)`, which returns a
            function that removes everything again.
        opens: core types ("Clip", "Audio") and suffixes (".wav") of the files that it opens.
        calls: paths "module:attribute" of `Call` objects by name.
        feeds: paths of `Feed` objects by name.
        documents: paths of `Document` objects by name.
        extra: the extra of kinoloom that it requires, or "". Without it, the page shows the command
            that installs it.
        order: of its place in the navigation; lower comes first.

    Raises:
        UsageError: a name or the module's path is not valid.
    """

    name: str
    title: str
    icon: str
    summary: str
    module: str
    opens: tuple[str, ...] = ()
    calls: Mapping[str, str] = field(default_factory=dict)
    feeds: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    extra: str = ""
    order: int = 100

    def __post_init__(self) -> None:
        for name in (self.name, *self.calls, *self.feeds, *self.documents):
            if not _NAME.fullmatch(name):
                raise UsageError(
                    f"The page '{self.name}' uses the name '{name}': only lower-case letters, "
                    "digits and hyphens are allowed, beginning with a letter."
                )
        if self.name in RESERVED_NAMES:
            raise UsageError(
                f"A page cannot be called '{self.name}'.",
                hint=f"The studio itself uses {', '.join(sorted(RESERVED_NAMES))}.",
            )
        if not _MODULE.fullmatch(self.module) or ".." in self.module:
            raise UsageError(
                f"The page '{self.name}' declares the module '{self.module}'.",
                hint='Declare "package:path/to/module.js".',
            )

    @property
    def package(self) -> str:
        """The package that has the module."""
        return self.module.partition(":")[0]

    @property
    def module_path(self) -> str:
        """The path of the module in its package."""
        return self.module.partition(":")[2]
