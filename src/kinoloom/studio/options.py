"""Options of the command `kinoloom studio`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.options import option

DEFAULT_PORT = 8765


@dataclass(frozen=True)
class StudioOptions:
    """How the studio is served."""

    port: int | None = option(
        None, f"Port; default: {DEFAULT_PORT}, or the next free one", low=1, high=65535, metavar="N"
    )
    no_open: bool = option(False, "Do not open the browser")
    jobs: int | None = option(None, "Number of jobs that run at once; default: by cores", low=1)
    upload_limit: int = option(20_000_000_000, "Largest upload", low=1, unit="bytes")
    link: bool = option(False, "Print another one-time link to a running studio")
    end_jobs: bool = option(False, "End running jobs when the studio stops")
    listen: str | None = option(
        None,
        "Address to listen on for other computers; requires --host and --people",
        metavar="HOST:PORT",
    )
    host: str | None = option(
        None, "With --listen: the name under which browsers reach the studio", metavar="NAME"
    )
    people: Path | None = option(
        None, "With --listen: file of names, roles and password hashes", metavar="FILE"
    )
    add_person: str | None = option(
        None,
        "Add a person to the file of --people and exit; roles: viewer, operator, editor, owner",
        metavar="NAME:ROLE",
    )
    behind: str | None = option(
        None, "With --listen: address of the reverse proxy that provides TLS", metavar="IP"
    )
    json: bool = option(False, "Print one JSON line {url, token, pid} when the studio answers")
