"""Watches the folders that pages show, and publishes what changes on the topic "files".

It compares modification times and sizes at intervals, and only while someone listens.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable

from kinoloom.errors import KinoloomError
from kinoloom.studio.events.bus import Bus
from kinoloom.studio.folders.listing import Entry, list_folder
from kinoloom.studio.folders.tree import Tree

TOPIC = "files"
INTERVAL_S = 1.0
"""Between two looks at a folder; longer if one takes more than a twentieth of it."""
MAX_FOLDERS = 8
"""The latest folders that were listed are watched."""
MAX_CHANGES = 100
"""More changes at once are published as one change of the folder."""

_State = dict[str, tuple[int, int]]
"""Modification time in ns and size by path."""


class Watcher:
    """Publishes changes of folders; its methods are called in the event loop.

    Args:
        tree: the folders.
        bus: where changes are published as {path, change}, change being "added", "changed" or
            "removed".
    """

    def __init__(self, tree: Tree, bus: Bus) -> None:
        self._tree, self._bus = tree, bus
        self._states: OrderedDict[str, _State] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        bus.on_first.append(self._start)
        bus.on_last.append(self._stop)

    def update(self, folder: str, entries: Iterable[Entry]) -> None:
        """Take the present state of a folder: publish what changed, and watch the folder."""
        now = {entry.path: (entry.modified_ns, entry.bytes) for entry in entries}
        before = self._states.get(folder)
        self._states[folder] = now
        self._states.move_to_end(folder)
        while len(self._states) > MAX_FOLDERS:
            self._states.popitem(last=False)
        if before is not None and before != now:
            self._publish(folder, before, now)

    async def look(self, path: str) -> None:
        """Look at once at the folder in which a path was changed."""
        folder = path.rpartition("/")[0]
        if folder in self._states:
            await self._look(folder)

    def close(self) -> None:
        """Stop watching."""
        self._stop(TOPIC)

    def _start(self, topic: str) -> None:
        if topic == TOPIC and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _stop(self, topic: str) -> None:
        if topic == TOPIC and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        due: dict[str, float] = {}
        while True:
            for folder in list(self._states):
                start = time.monotonic()
                if start >= due.get(folder, 0.0):
                    await self._look(folder)
                    took = time.monotonic() - start
                    due[folder] = start + max(INTERVAL_S, 20 * took)
            due = {folder: at for folder, at in due.items() if folder in self._states}
            await asyncio.sleep(INTERVAL_S)

    async def _look(self, folder: str) -> None:
        try:
            entries = await asyncio.to_thread(list_folder, self._tree, folder)
        except (KinoloomError, OSError):  # the folder was removed, or cannot be read any more
            self._states.pop(folder, None)
            self._bus.publish(TOPIC, {"path": folder, "change": "removed"})
            return
        if folder in self._states:
            self.update(folder, entries)

    def _publish(self, folder: str, before: _State, now: _State) -> None:
        changes = [(path, "added") for path in now.keys() - before.keys()]
        changes += [(path, "removed") for path in before.keys() - now.keys()]
        changes += [(path, "changed") for path in now.keys() & before if now[path] != before[path]]
        if len(changes) > MAX_CHANGES:
            changes = [(folder, "changed")]
        for path, change in sorted(changes):
            self._bus.publish(TOPIC, {"path": path, "change": change})
