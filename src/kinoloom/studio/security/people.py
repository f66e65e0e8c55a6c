"""People: the file of names, roles and password hashes of a studio for several computers.

One person a line: ROLE HASH NAME, where HASH is "scrypt:N:R:P:SALT:DIGEST" in base64; lines that
begin with "#" are comments. `kinoloom studio --people FILE --add-person NAME:ROLE` writes it. The
file is read again when it changes: a removed person, or one with a new password, is logged out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.notes import logger
from kinoloom.base.page import Person, Role
from kinoloom.base.page.context import ROLES
from kinoloom.base.printable import printable_line
from kinoloom.errors import OutputError, UsageError

MIN_PASSWORD = 10
"""Characters."""
MAX_PASSWORD = 1_000
_MAX_NAME = 60
_N, _R, _P = 2**15, 8, 3
"""Costs of scrypt, as OWASP recommends: 32 MB and some 0.3 s for each attempt."""
_MAX_MEMORY = 2**27
_SCRYPT_AT_ONCE = threading.Semaphore(2)


@dataclass(frozen=True)
class Account:
    """A line of the file.

    Attributes:
        person: name and role.
        hash: of the password, with its costs and salt.
    """

    person: Person
    hash: str

    @property
    def proof(self) -> str:
        """Text that changes with the password, from which the hash does not follow."""
        return hashlib.sha256(self.hash.encode()).hexdigest()


class People:
    """The accounts of a file; its methods may be called from any thread.

    Args:
        file: see the module.

    Raises:
        UsageError: the file cannot be read, has a malformed line, or others may read it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._version = _version_of(file)
        self._accounts = _load(file)
        if not self._accounts:
            raise UsageError(
                f"{file} lists no person.",
                hint=f"Add one: kinoloom studio --people {file} --add-person NAME:owner",
            )

    def find(self, name: str) -> Account | None:
        """Return the account of a name; None for everyone while the file is not valid."""
        with self._lock:
            version = _version_of(self._file)
            if version != self._version:
                self._version = version
                try:
                    self._accounts = _load(self._file)
                except UsageError as error:
                    logger.warning("%s Until then, no one can log in.", error)
                    self._accounts = {}
            return self._accounts.get(name)

    def check(self, name: str, password: str) -> Account | None:
        """Return the account if the password is right; unknown names take as long."""
        account = self.find(name)
        expected = account.hash if account else _hash("", bytes(16))
        is_right = len(password) <= MAX_PASSWORD and _matches(password, expected)
        return account if is_right else None


def _version_of(file: Path) -> tuple[int, int, int] | None:
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _load(file: Path) -> dict[str, Account]:
    try:
        mode, text = file.stat().st_mode, file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.") from error
    if mode & 0o007:
        raise UsageError(f"Everyone on this computer can read {file}.", hint=f"chmod 600 {file}")
    return _parse(text, file)


def add_person(file: Path, name: str, role: str, password: str) -> None:
    """Add a person to the file, or give one a new role and password.

    Raises:
        UsageError: the name, the role or the password is not valid, or the file is malformed.
        OutputError: the file cannot be written.
    """
    if not name.strip() or name != printable_line(name).strip() or len(name) > _MAX_NAME:
        raise UsageError(f"'{printable_line(name)}' is not a name of 1 to {_MAX_NAME} characters.")
    if role not in ROLES:
        raise UsageError(f"Unknown role '{role}'.", hint=f"Roles: {', '.join(ROLES)}.")
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UsageError(f"A password needs at least {MIN_PASSWORD} characters.")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    _parse("\n".join(lines), file)
    kept = [line for line in lines if line.split(None, 2)[2:] != [name]]
    kept.append(f"{role} {_hash(password, secrets.token_bytes(16))} {name}")
    draft = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        draft.touch(0o600)
        draft.write_text("\n".join(kept) + "\n", encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror}.") from error


def _parse(text: str, file: Path) -> dict[str, Account]:
    accounts: dict[str, Account] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        role, digest, name = [*line.split(None, 2), "", "", ""][:3]
        if role not in ROLES or not _is_hash(digest) or not name or name in accounts:
            raise UsageError(
                f"Line {number} of {file} is not ROLE HASH NAME, or repeats a name.",
                hint="Write the file by: kinoloom studio --people FILE --add-person NAME:ROLE",
            )
        accounts[name] = Account(Person(name, _role(role)), digest)
    return accounts


def _role(text: str) -> Role:
    return next(role for role in ROLES if role == text)


def _is_hash(text: str) -> bool:
    try:
        _read(text)
    except (ValueError, binascii.Error):
        return False
    return True


def _read(text: str) -> tuple[int, int, int, bytes, bytes]:
    kind, *costs, salt, digest = text.split(":")
    n, r, p = map(int, costs)
    if kind != "scrypt" or not 2**14 <= n <= 2**17 or not (1 <= r <= 8 and 1 <= p <= 4):
        raise ValueError("unknown hash")
    return n, r, p, base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)


def _hash(password: str, salt: bytes) -> str:
    digest = _scrypt(password, salt, _N, _R, _P)
    texts = (base64.b64encode(part).decode() for part in (salt, digest))
    return ":".join(("scrypt", str(_N), str(_R), str(_P), *texts))


def _matches(password: str, text: str) -> bool:
    n, r, p, salt, digest = _read(text)
    return hmac.compare_digest(_scrypt(password, salt, n, r, p), digest)


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    data = password.encode("utf-8", "surrogatepass")
    with _SCRYPT_AT_ONCE:
        return hashlib.scrypt(data, salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY)
