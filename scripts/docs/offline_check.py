"""Check that a built site loads every script, style, font and picture from itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from mkdocs.exceptions import PluginError

_LOADS = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "video": "src",
}
_PASSIVE_LINKS = {"canonical", "next", "prev"}
_OUTSIDE = re.compile(r"^(https?:)?//")
_STYLE_LOADS = re.compile(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)")


class _Loads(HTMLParser):
    """Collects the addresses that a page loads by itself, without a click."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record what the element loads."""
        values = dict(attrs)
        if tag == "link" and values.get("rel") in _PASSIVE_LINKS:
            return
        if address := values.get(_LOADS.get(tag, "")):
            self.addresses.append(address)


def outside_loads(site: Path) -> list[str]:
    """Return `FILE: ADDRESS` for everything that the site loads from another host."""
    found = []
    for page in sorted(site.rglob("*.html")):
        loads = _Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        found += [f"{page}: {address}" for address in loads.addresses if _OUTSIDE.match(address)]
    for style in sorted(site.rglob("*.css")):
        addresses = _STYLE_LOADS.findall(style.read_text(encoding="utf-8"))
        found += [f"{style}: {address}" for address in addresses]
    return found


def check_offline(site: Path) -> None:
    """Raise when the site loads anything from another host."""
    if found := outside_loads(site):
        raise PluginError("These pages load from another host:\n" + "\n".join(found))
