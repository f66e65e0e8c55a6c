"""A step's own /opt/ml in a mount namespace, by util-linux's `unshare` and `mount`.

The step's folder is mounted at /opt/ml for that step alone. On a machine without /opt/ml, /opt is
replaced too: by a tmpfs into which everything in /opt is mounted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from kinoloom.base.outputs.sync import sync_folder, sync_tree

ML = "/opt/ml"

# $1 is the folder that becomes /opt/ml, $2 the working directory; the rest is the command.
_BIND = 'mount --bind "$1" /opt/ml; cd "$2"; shift 2; exec "$@"'
# $1 is the result of `_prepare_opt`, followed by the arguments of _BIND.
_REBUILD = (
    'new=$1/new; mount -t tmpfs -o mode=755 kinoloom "$new"; cp -RP "$1/like/." "$new"; '
    'mount --all --fstab "$1/fstab"; shift; '
)


@cache
def namespaces_work() -> bool:
    """Return whether this system allows mounts in a user's own namespace."""
    if not Path("/opt").is_dir() or shutil.which("unshare") is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        probe = ["sh", "-c", "mount -t tmpfs kinoloom /opt && mkdir /opt/ml"]
        result = subprocess.run([*unshare_words(), *probe], capture_output=True, timeout=10)
        return result.returncode == 0
    return False


def in_namespace(words: Sequence[str], ml: Path, cwd: str, shared: Path) -> list[str]:
    """Return the words that run a command with `ml` mounted at /opt/ml.

    Args:
        words: The command.
        ml: The folder.
        cwd: The working directory, below /opt/ml.
        shared: A folder for what all steps share; created if missing.
    """
    script, first = _BIND, [str(ml), cwd]
    if not Path(ML).is_dir():
        script, first = _REBUILD + _BIND, [str(_prepare_opt(shared)), *first]
    return [*unshare_words(), "sh", "-ec", script, "sh", *first, *words]


def unshare_words() -> list[str]:
    """Return the words that start a command in a mount namespace of its own."""
    words = ["unshare", "--mount", "--propagation", "private"]
    return words if os.geteuid() == 0 else [*words, "--user", "--map-root-user"]


def _prepare_opt(shared: Path) -> Path:
    """Return a folder with `like` (mount points for /opt/ml and /opt's content), `fstab`, `new`.

    Its name is a digest of /opt's content. It is created atomically, so that several processes can
    prepare it at the same time.
    """
    opt = Path(ML).parent
    content = sorted(opt.iterdir())
    kinds = [f"{path}\0{path.is_symlink()}{path.is_dir()}" for path in content]
    name = hashlib.sha256("\n".join(kinds).encode()).hexdigest()[:16]
    folder = shared / name
    if folder.is_dir():
        return folder
    part = shared / f".{name}.{os.urandom(6).hex()}.part"
    (part / "like" / "ml").mkdir(parents=True)
    (part / "new").mkdir()
    mounts = []
    for path in content:
        mount_point = part / "like" / path.name
        if path.is_symlink():
            mount_point.symlink_to(path.readlink())
            continue
        mount_point.mkdir() if path.is_dir() else mount_point.touch()
        mounts.append((path, folder / "new" / path.name))
    lines = [
        f"{_escape(source)} {_escape(target)} none rbind 0 0\n"
        for source, target in [*mounts, (folder / "new", opt)]
    ]
    (part / "fstab").write_text("".join(lines))
    sync_tree(part)
    try:
        part.rename(folder)
    except OSError:
        shutil.rmtree(part)
        if not folder.is_dir():  # else another process created it first
            raise
    sync_folder(shared)
    return folder


def _escape(path: Path) -> str:
    """Return a path for fstab: blanks, # and backslashes as octal numbers."""
    return re.sub(r"[\s\\#]", lambda match: f"\\{ord(match[0]):03o}", str(path))
