"""A step's own view of /opt/ml, by a mount namespace: `unshare` and `mount` of util-linux.

The step's folder is bound at /opt/ml, for the step alone. A machine without an /opt/ml gets another
/opt for it: an empty one in memory, into which all that is in /opt is bound.
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

ML = "/opt/ml"

# $1 is the folder that becomes /opt/ml, $2 where to run; the rest is the command.
_BIND = 'mount --bind "$1" /opt/ml; cd "$2"; shift 2; exec "$@"'
# $1 is what `_another_opt` gave, before the above.
_REBUILD = (
    'new=$1/new; mount -t tmpfs -o mode=755 kinoloom "$new"; cp -RP "$1/like/." "$new"; '
    'mount --all --fstab "$1/fstab"; shift; '
)


@cache
def namespaces_work() -> bool:
    """Whether this system lets a user bind folders in a namespace of their own."""
    if not Path("/opt").is_dir() or shutil.which("unshare") is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        probe = ["sh", "-c", "mount -t tmpfs kinoloom /opt && mkdir /opt/ml"]
        done = subprocess.run([*unshare_words(), *probe], capture_output=True, timeout=10)
        return done.returncode == 0
    return False


def in_namespace(words: Sequence[str], ml: Path, cwd: str, shared: Path) -> list[str]:
    """The words that run a command with `ml` at /opt/ml.

    Args:
        words: of the command.
        ml: the folder.
        cwd: where to run, a path below /opt/ml.
        shared: a folder for what is the same for all steps; made when it is not there.
    """
    script, first = _BIND, [str(ml), cwd]
    if not Path(ML).is_dir():
        script, first = _REBUILD + _BIND, [str(_another_opt(shared)), *first]
    return [*unshare_words(), "sh", "-ec", script, "sh", *first, *words]


def unshare_words() -> list[str]:
    """What begins a command that runs in a mount namespace of its own."""
    words = ["unshare", "--mount", "--propagation", "private"]
    return words if os.geteuid() == 0 else [*words, "--user", "--map-root-user"]


def _another_opt(shared: Path) -> Path:
    """A folder with `like` (places for /opt/ml and all that is in /opt), `fstab` and `new`.

    It is named by what is in /opt, and appears whole, so that several processes may ask at once.
    """
    opt = Path(ML).parent
    there = sorted(opt.iterdir())
    kinds = [f"{path}\0{path.is_symlink()}{path.is_dir()}" for path in there]
    name = hashlib.sha256("\n".join(kinds).encode()).hexdigest()[:16]
    made = shared / name
    if made.is_dir():
        return made
    part = shared / f".{name}.{os.urandom(6).hex()}.part"
    (part / "like" / "ml").mkdir(parents=True)
    (part / "new").mkdir()
    bound = []
    for path in there:
        place = part / "like" / path.name
        if path.is_symlink():
            place.symlink_to(path.readlink())
            continue
        place.mkdir() if path.is_dir() else place.touch()
        bound.append((path, made / "new" / path.name))
    lines = [
        f"{_escaped(a)} {_escaped(b)} none rbind 0 0\n" for a, b in [*bound, (made / "new", opt)]
    ]
    (part / "fstab").write_text("".join(lines))
    try:
        part.rename(made)
    except OSError:  # another process was quicker
        shutil.rmtree(part)
    return made


def _escaped(path: Path) -> str:
    """A path as fstab has it: blanks, # and backslashes as octal numbers."""
    return re.sub(r"[\s\\#]", lambda match: f"\\{ord(match[0]):03o}", str(path))
