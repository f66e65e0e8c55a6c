"""How much memory work may take."""

from __future__ import annotations

import os
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def default_budget_bytes() -> int:
    """Half of the memory that is free for new work now, within any limit of the container."""
    return max(min(_available_bytes(), _container_bytes()) // 2, 1)


def _available_bytes() -> int:
    if _MEMINFO.exists():
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 4 << 30


def _container_bytes() -> int:
    limit, used = _CGROUP / "memory.max", _CGROUP / "memory.current"
    if not limit.exists() or limit.read_text().strip() == "max":
        return 1 << 62
    return max(int(limit.read_text()) - int(used.read_text()), 1)
