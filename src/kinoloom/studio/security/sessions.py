"""Links and cookies: a link is valid once, and becomes the cookie of one browser.

Only digests are kept. They are in the database: another process can add a link, and a browser stays
logged in when the server is stopped and started again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time

from kinoloom.base.page import Person
from kinoloom.studio.security.people import People
from kinoloom.studio.state.database import Database

SESSION_S = 30 * 24 * 3600
"""A cookie is valid this long."""
LINK_S = 24 * 3600
"""A link is valid this long."""
_SECRET_BYTES = 24


class Sessions:
    """The links and cookies of a server; its methods may be called from any thread.

    Args:
        database: keeps the digests of the cookies.
        people: who may log in with a password; None: who has a link is the owner.
    """

    def __init__(self, database: Database, people: People | None = None) -> None:
        self._database, self._people = database, people
        self._known: dict[str, tuple[Person, str]] = {}
        self._lock = threading.Lock()

    def create_link(self) -> str:
        """Return the token of a new link."""
        token = secrets.token_urlsafe(_SECRET_BYTES)
        now = time.time()
        with self._database.transaction():
            self._database.execute("DELETE FROM links WHERE created < ?", now - LINK_S)
            self._database.execute("INSERT INTO links VALUES (?, ?)", _digest(token), now)
        return token

    def redeem_link(self, token: str) -> str | None:
        """Return the secret of a new cookie for the token of an unused link, else None."""
        given = _digest(token)
        with self._database.transaction():
            rows = self._database.query(
                "SELECT digest FROM links WHERE created >= ?", time.time() - LINK_S
            )
            if not any(hmac.compare_digest(row["digest"], given) for row in rows):
                return None
            self._database.execute("DELETE FROM links WHERE digest = ?", given)
        return self.create(Person("owner", "owner"))

    def create(self, person: Person, proof: str = "") -> str:
        """Return the secret of a new cookie of a person.

        Args:
            person: who logs in.
            proof: of the person's account; "" for who used a link.
        """
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        now = time.time()
        with self._database.transaction():
            self._database.execute("DELETE FROM sessions WHERE created < ?", now - SESSION_S)
            self._database.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
                *(_digest(secret), person.name, person.role, now, proof),
            )
        return secret

    def identify(self, secret: str) -> Person | None:
        """Return the person of a cookie, or None if it is unknown or expired."""
        known = self._find(_digest(secret))
        if known is None:
            return None
        person, proof = known
        if self._people is None:
            return None if proof else person
        account = self._people.find(person.name)
        return account.person if account is not None and account.proof == proof else None

    def _find(self, digest: str) -> tuple[Person, str] | None:
        with self._lock:
            if digest in self._known:
                return self._known[digest]
        row = self._database.find(
            "SELECT * FROM sessions WHERE digest = ? AND created >= ?",
            *(digest, time.time() - SESSION_S),
        )
        if row is None:
            return None
        known = Person(row["person"], row["role"]), row["account"]
        with self._lock:
            self._known[digest] = known
        return known

    def end(self, secret: str) -> None:
        """Make a cookie invalid."""
        digest = _digest(secret)
        with self._lock:
            self._known.pop(digest, None)
        self._database.execute("DELETE FROM sessions WHERE digest = ?", digest)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
