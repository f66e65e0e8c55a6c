"""Limits the attempts to log in."""

from __future__ import annotations

import time
from collections import OrderedDict, deque

MAX_BY_NAME = 5
MAX_BY_ADDRESS = 20
"""Failed attempts before a name, or an address that several people may share, has to wait."""
WINDOW_S = 15 * 60
"""Failures are forgotten after this long."""
_MAX_KEYS = 10_000


class LoginLimits:
    """Counts failed attempts of names and addresses; for the event loop."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def wait_s(self, name: str, address: str) -> float:
        """Return how long to wait until another attempt is allowed; 0 if it is now."""
        now = time.monotonic()
        waits = [0.0]
        for key in _keys(name, address):
            failures = self._failures.get(key, deque())
            if failures and len(failures) == failures.maxlen:
                waits.append(failures[0] + WINDOW_S - now)
        return max(waits)

    def fail(self, name: str, address: str) -> None:
        """Record a failed attempt."""
        for key in _keys(name, address):
            most = MAX_BY_NAME if key[0] == "name" else MAX_BY_ADDRESS
            self._failures.setdefault(key, deque(maxlen=most)).append(time.monotonic())
            self._failures.move_to_end(key)
        while len(self._failures) > _MAX_KEYS:
            self._failures.popitem(last=False)

    def succeed(self, name: str, address: str) -> None:
        """Forget the failures of a name, and the last one of its address."""
        by_name, by_address = _keys(name, address)
        self._failures.pop(by_name, None)
        if by_address in self._failures:
            self._failures[by_address].pop()


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("name", name[:100]), ("address", address)
