"""Which role a request needs at least: everyone looks, editors change."""

from __future__ import annotations

from kinoloom.base.page import Role
from kinoloom.base.page.page import RESERVED_NAMES


def least_role(method: str, path: str) -> Role:
    """Return the least role for a request.

    Documents and the calls of pages declare roles themselves, and check them; everything else that
    is not a read is for editors.
    """
    if method in ("GET", "HEAD"):
        return "viewer"
    _, top, page, *rest = [*path.split("/"), "", ""]
    if top == "api" and page in ("login", "logout", "documents"):
        return "viewer"
    if top == "api" and page == "ops" and path.endswith("/command"):
        return "viewer"  # it prints the command, and runs nothing
    is_call = top == "api" and method == "POST" and page not in RESERVED_NAMES and len(rest) == 3
    return "viewer" if is_call else "editor"
