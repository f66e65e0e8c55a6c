"""A step's log: its output up to a size limit, and in any case the last part of it.

The step writes into a pipe, and the engine copies its output to the log. A step that writes more
than the limit, or more than the disk can hold, is not stopped; the log says what was left out.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from kinoloom.base.units import format_bytes

LOG_LIMIT_BYTES = 64 << 20
"""The default limit of a step's log."""

_BLOCK_BYTES = 1 << 16
_MAX_BLOCKS = 64  # that are read at once, so that a step cannot keep the engine from its other work
_TAIL_BYTES = 1 << 16
_LAST_LINES = 20
_LAST_BYTES = 1 << 13


class StepLog:
    """The log of one start of a step, which is added to the log of earlier starts.

    Args:
        file: The log.
        limit_bytes: Its maximum size, without the last part.
    """

    def __init__(self, file: Path, limit_bytes: int) -> None:
        self._file = file
        self._limit = limit_bytes
        self._tail = bytearray()
        self._left_out = 0
        self._cause = ""

    def open(self) -> int:
        """Open the log and return a file descriptor for the step; `close_output` closes it."""
        self._log = self._file.open("ab", buffering=0)
        self._size = self._log.tell()
        self.fd, self._output = os.pipe()
        os.set_blocking(self.fd, False)
        return self._output

    def close_output(self) -> None:
        """Close this process's end for writing, so that the end of the output can be seen."""
        os.close(self._output)

    def copy(self) -> bool:
        """Copy what the step has written; return whether it may write more."""
        for _ in range(_MAX_BLOCKS):
            try:
                block = os.read(self.fd, _BLOCK_BYTES)
            except BlockingIOError:
                return True
            if not block:
                return False
            self._add(block)
        return True

    def close(self) -> None:
        """Copy the rest of the output, and write what was left out of the log."""
        self.copy()
        os.close(self.fd)
        if self._left_out:
            self._left_out -= len(self._tail)
            note = f"\nkinoloom: {format_bytes(self._left_out)} were left out: {self._cause}\n"
            with contextlib.suppress(OSError):  # the disk is full; the log ends without a note
                if self._left_out > 0:
                    self._log.write(note.encode())
                self._log.write(self._tail)
        self._log.close()

    def _add(self, block: bytes) -> None:
        if not self._left_out:
            kept = block[: max(0, self._limit - self._size)]
            block = block[self._write(kept) :]
        if block:
            limit = format_bytes(self._limit)
            self._cause = self._cause or f"the log has reached its limit, {limit}."
            self._left_out += len(block)
            self._tail = (self._tail + block)[-_TAIL_BYTES:]

    def _write(self, block: bytes) -> int:
        """Write to the log and return the number of bytes written, less than all on a full disk."""
        written = 0
        try:
            while written < len(block):
                written += self._log.write(block[written:]) or 0
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._cause = "the disk is full."
            size = self._size + written
            kept = max(0, size - 2 * _TAIL_BYTES)  # room for the note, the last part and the state
            self._log.truncate(kept)
            self._left_out += size - kept
        self._size += written
        return written


def read_last_lines(log: Path) -> str:
    """Return the last lines of a log, at most 20 and at most 8 KiB."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LAST_BYTES))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-_LAST_LINES:])
