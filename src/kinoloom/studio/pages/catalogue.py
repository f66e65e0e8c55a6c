"""The pages that the registry lists, with the reason where one cannot be used."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any, TypeVar

from kinoloom.base import registry
from kinoloom.base.need import need_extra
from kinoloom.base.notes import logger
from kinoloom.base.page import Call, Document, Feed, Page
from kinoloom.errors import KinoloomError, MissingExtraError
from kinoloom.studio.responses import RequestError

_Part = TypeVar("_Part", Call, Feed, Document)


@dataclass(frozen=True)
class Listed:
    """A page as the navigation shows it.

    Attributes:
        name: under which it is registered.
        page: its declaration; None if that cannot be loaded.
        missing: the command that installs what it requires, or "".
        failure: why it cannot be used, or "".
    """

    name: str
    page: Page | None
    missing: str = ""
    failure: str = ""

    def describe(self) -> dict[str, Any]:
        """Return what the client shows."""
        page = self.page
        return {
            "name": self.name,
            "title": page.title if page else self.name.capitalize(),
            "icon": page.icon if page else "",
            "summary": page.summary if page else "",
            "module": f"/pages/{self.name}/{page.module_path.rpartition('/')[2]}" if page else "",
            "opens": page.opens if page else (),
            "order": page.order if page else 1000,
            "missing": self.missing,
            "failure": self.failure,
        }


class Pages:
    """All pages, loaded once; a page that fails does not affect the others."""

    def __init__(self) -> None:
        self._pages: dict[str, Listed] = {}
        for name, path in registry.declarations("pages"):
            if name in self._pages:
                text = f"Two packages declare the page '{name}'; {path} is not used."
                logger.warning("%s Uninstall one of them, or rename its entry point.", text)
                continue
            self._pages[name] = _load(name, path)
        self._parts: dict[tuple[str, str, str], Any] = {}

    def list_all(self) -> list[Listed]:
        """Return all pages in the order of the navigation."""
        return sorted(self._pages.values(), key=lambda one: one.page.order if one.page else 1000)

    def page(self, name: str) -> Page:
        """Return a page that can be used.

        Raises:
            RequestError: it is unknown (404), fails (500), or requires an extra (424).
        """
        listed = self._pages.get(name)
        if listed is None:
            raise RequestError(404, f"There is no page '{name}'.")
        if listed.page is None or listed.failure:
            raise RequestError(500, f"The page '{name}' cannot be used: {listed.failure}")
        if listed.missing:
            message = f"The page '{name}' requires packages that are not installed."
            raise RequestError(424, message, f"Install them with: {listed.missing}")
        return listed.page

    def call(self, page: str, name: str) -> Call:
        """Return a call of a page; raises as `page` and, if it has no such call, with 404."""
        return self._load_part(page, "call", name, Call)

    def call_path(self, page: str, name: str) -> str:
        """Return the path "module:attribute" of a call of a page."""
        return self.page(page).calls[name]

    def feed(self, page: str, name: str) -> Feed:
        """Return a feed of a page; raises as `call`."""
        return self._load_part(page, "feed", name, Feed)

    def feed_path(self, page: str, name: str) -> str:
        """Return the path "module:attribute" of a feed of a page."""
        return self.page(page).feeds[name]

    def document(self, page: str, name: str) -> Document:
        """Return a kind of document of a page; raises as `call`."""
        return self._load_part(page, "document", name, Document)

    def _load_part(self, page: str, kind: str, name: str, cls: type[_Part]) -> _Part:
        declared = getattr(self.page(page), f"{kind}s")
        if name not in declared:
            known = f"It has {', '.join(declared)}." if declared else ""
            raise RequestError(404, f"The page '{page}' has no {kind} '{name}'.", known)
        key = page, kind, name
        if key not in self._parts:
            part = _import(declared[name])
            if not isinstance(part, cls):
                message = f"The {kind} '{name}' of the page '{page}' is not a {cls.__name__}."
                raise RequestError(500, message, f"Declare it with kinoloom.base.page.{kind}.")
            self._parts[key] = part
        found: _Part = self._parts[key]
        return found


def _load(name: str, path: str) -> Listed:
    try:
        page = _import(path)
    except RequestError as error:
        return Listed(name, None, failure=error.message)
    if not isinstance(page, Page):
        return Listed(name, None, failure=f"{path} is not a kinoloom.base.page.Page.")
    if page.name != name:
        return Listed(name, None, failure=f"It is registered as '{name}' but named '{page.name}'.")
    try:
        if page.extra:
            need_extra(page.extra)
    except MissingExtraError as error:
        return Listed(name, page, missing=error.hint.partition(": ")[2])
    except KinoloomError as error:
        return Listed(name, page, failure=str(error))
    return Listed(name, page)


def _import(path: str) -> Any:
    """Import what a page declares; whatever its module raises becomes a sentence."""
    try:
        return registry.load_path(path, path)
    except KinoloomError as error:
        raise RequestError(500, str(error)) from error
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename.rpartition('/')[2]}, line {last.lineno}"
        message = f"{path} cannot be imported: {type(error).__name__}: {error} ({place})."
        raise RequestError(500, message) from error
