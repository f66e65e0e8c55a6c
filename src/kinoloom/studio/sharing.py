"""Options of a studio for several computers: how they fit together, and the file of people."""

from __future__ import annotations

import getpass
import ipaddress
import sys

from kinoloom.errors import UsageError
from kinoloom.studio.options import StudioOptions


def check_sharing(options: StudioOptions) -> None:
    """Check the options that open a studio to other computers.

    Raises:
        UsageError: one is missing, or not valid.
    """
    if options.listen is None:
        for name in ("host", "people", "behind"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} requires --listen HOST:PORT.")
        return
    if options.host is None or options.people is None:
        raise UsageError(
            "--listen requires --host and --people.",
            hint="Without them, anyone who reaches the port could use your files.",
        )
    if options.port is not None:
        raise UsageError("--listen has the port: leave out --port.")
    split_address(options.listen)
    if options.behind is not None:
        _check_ip(options.behind, "--behind")


def split_address(text: str) -> tuple[str, int]:
    """Return the IP address and the port of "192.168.1.5:8765" or "[::1]:8765".

    Raises:
        UsageError: it is malformed.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"--listen must be HOST:PORT, such as 0.0.0.0:8765, not '{text}'.")
    _check_ip(host, "--listen")
    return host, int(port)


def add_person(options: StudioOptions) -> int:
    """Add the person of --add-person to the file of people; return the exit code.

    The password is read from the terminal, or from one line of standard input.

    Raises:
        UsageError: --people is missing, or the person is not valid.
        OutputError: the file cannot be written.
    """
    from kinoloom.studio.security import people  # hashes take a moment to load

    name, _, role = (options.add_person or "").rpartition(":")
    if options.people is None:
        raise UsageError("--add-person requires --people FILE.")
    if sys.stdin.isatty():
        password = getpass.getpass(f"Password of {name}: ")
        if getpass.getpass("Again: ") != password:
            raise UsageError("The two passwords differ.")
    else:
        password = sys.stdin.readline().rstrip("\n")
    people.add_person(options.people, name, role, password)
    sys.stderr.write(f"{options.people} lists {name} as {role}.\n")
    return 0


def _check_ip(text: str, flag: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise UsageError(f"{flag} needs an IP address, not '{text}'.") from error
