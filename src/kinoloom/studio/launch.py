"""The command `kinoloom studio`: opens a running studio of the folder, or starts one."""

from __future__ import annotations

import json
import os
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from kinoloom.base.need import need_extra
from kinoloom.errors import OutputError, UsageError
from kinoloom.studio.options import StudioOptions
from kinoloom.studio.running import STATE_FOLDER, Running, claim_folder, find_running
from kinoloom.studio.sharing import add_person, check_sharing


def open_studio(folders: tuple[Path, ...], options: StudioOptions) -> int:
    """Open the studio for folders in the browser.

    Starts a local web server and prints one address, valid for one browser. Ctrl-C stops the
    server; running jobs continue, and the next start shows them again.

    \b
    For other computers, add people, then listen behind a reverse proxy with TLS:
      kinoloom studio --people people.txt --add-person Ada:owner
      kinoloom studio FOLDER --people people.txt --listen 127.0.0.1:8765 \\
        --host studio.example.org --behind 127.0.0.1

    Args:
        folders: to show; the first one holds the state, in .kinoloom. None: the current folder.
        options: see `StudioOptions`.

    Returns:
        The exit code.

    Raises:
        MissingExtraError: the extra `studio` is not installed.
        UsageError: a folder does not exist, or options do not fit together.
        OutputError: the first folder cannot be written.
    """
    need_extra("studio")
    if options.add_person is not None:
        return add_person(options)
    check_sharing(options)
    chosen = _check_folders(folders or (Path(),))
    state = _make_state_folder(chosen[0])
    claim = claim_folder(state)
    if claim is None:
        return _open_running(state, options)
    with claim:
        if options.link:
            raise UsageError(
                f"No studio runs for {chosen[0]}.", hint="Leave out --link to start one."
            )
        from kinoloom.studio.serve import serve  # needs the extra

        return serve(chosen, options, _announce)


def _check_folders(folders: Sequence[Path]) -> list[Path]:
    for folder in folders:
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "does not exist"
            raise UsageError(f"{folder} {what}.", hint="Name folders: kinoloom studio ~/films")
    return [folder.resolve() for folder in folders]


def _make_state_folder(folder: Path) -> Path:
    state = folder / STATE_FOLDER
    if state.is_symlink():
        raise OutputError(
            f"{state} is a link, but the studio keeps its state in a folder of its own.",
            hint="Remove the link.",
        )
    try:
        state.mkdir(mode=0o700, exist_ok=True)
        probe = state / f"probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"The studio keeps its state in {state}, which cannot be written: {error.strerror}.",
            hint="Make the folder writable, free disk space, or name a writable folder first.",
        ) from error
    return state


def _open_running(state: Path, options: StudioOptions) -> int:
    from kinoloom.studio.security.sessions import Sessions
    from kinoloom.studio.state.database import Database

    running = find_running(state)
    if running.is_shared:
        if options.link:
            raise UsageError(
                f"The studio at {running.url} has no links: people log in with passwords."
            )
        _announce(running, "", options)
        return 0
    database = Database(state / "studio.db")
    try:
        token = Sessions(database).create_link()
    finally:
        database.close()
    _announce(running, token, options)
    return 0


def _announce(running: Running, token: str, options: StudioOptions) -> None:
    """Print the address, and open the browser."""
    address = f"{running.url}/?token={token}" if token else running.url
    if running.is_shared and running.url.startswith("http:"):
        sys.stderr.write("Passwords travel unencrypted: use a proxy with TLS, --behind IP\n")
    if options.json:
        line = {"url": running.url, "token": token, "pid": running.pid}
        sys.stdout.write(json.dumps(line) + "\n")
    else:
        sys.stdout.write(f"{address}\n")
        once = "The address works once. " if token else ""
        sys.stderr.write(f"{once}Ctrl-C stops the studio; jobs continue.\n")
    sys.stdout.flush()
    if not options.no_open and not options.json:
        webbrowser.open(address)
