"""Checks of `kinoloom doctor` for the studio."""

from __future__ import annotations

import socket
import webbrowser

from kinoloom.base.checks import Check, check_extra
from kinoloom.studio.options import DEFAULT_PORT

_NEEDED_FOR = "kinoloom studio"


def checks() -> list[Check]:
    """Check the web server's package, the default port and the browser."""
    return [
        check_extra("starlette", extra="studio", needed_for=_NEEDED_FOR),
        _check_port(),
        _check_browser(),
    ]


def _check_port() -> Check:
    name = f"port {DEFAULT_PORT}"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError as error:
            detail = f"{error.strerror}; the studio takes the next free port"
            return Check(name, True, detail, _NEEDED_FOR)
    return Check(name, True, "free", _NEEDED_FOR)


def _check_browser() -> Check:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        detail = "none found: open the printed address in a browser yourself"
        return Check("browser", False, detail, f"{_NEEDED_FOR}, which opens it")
    return Check("browser", True, getattr(browser, "name", "the system's default"), _NEEDED_FOR)
