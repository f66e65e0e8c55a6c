"""What the machine has, where the system reports less than Linux does."""

import os
import resource
from pathlib import Path

import pytest

from kinoloom.base import machine


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /proc and /sys/fs/cgroup, empty."""
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_STATUS", tmp_path / "status")
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    return tmp_path


def test_the_budget_is_half_of_the_available_memory(system: Path) -> None:
    (system / "meminfo").write_text("MemTotal:  999999 kB\nMemAvailable:   4000 kB\n")
    assert machine.default_budget_bytes() == 2000 * 1024


@pytest.mark.parametrize("meminfo", [None, "MemTotal:  999999 kB\n"])
def test_without_meminfo_the_budget_is_half_of_the_physical_memory(
    system: Path, meminfo: str | None
) -> None:
    if meminfo is not None:
        (system / "meminfo").write_text(meminfo)
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert machine.default_budget_bytes() == physical // 2


def test_without_any_figure_the_budget_is_two_gibibytes(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sysconf_names", {})
    assert machine.default_budget_bytes() == 2 << 30


@pytest.mark.parametrize(
    ("limit", "used", "budget"), [("3000", "1000", 1000), ("3000", "3500", 1), ("max", "0", 2048)]
)
def test_a_container_limits_the_budget(system: Path, limit: str, used: str, budget: int) -> None:
    (system / "meminfo").write_text("MemAvailable: 4 kB\n")
    (system / "memory.max").write_text(f"{limit}\n")
    (system / "memory.current").write_text(f"{used}\n")
    assert machine.default_budget_bytes() == budget


@pytest.mark.parametrize("status", [None, "Name: python\n"])
@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_without_status_the_peak_is_that_of_getrusage(
    system: Path, monkeypatch: pytest.MonkeyPatch, platform: str, unit: int, status: str | None
) -> None:
    if status is not None:
        (system / "status").write_text(status)
    monkeypatch.setattr("sys.platform", platform)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = machine.peak_memory_bytes()
    assert peak >= before * unit
    assert peak < 2 * before * unit


def test_the_processor_is_named_without_cpuinfo(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert machine.describe_machine()["cpu"] == "riscv64"
    (system / "cpuinfo").write_text("flags : fpu\n")
    assert machine.describe_machine()["cpu"] == "riscv64"
    (system / "cpuinfo").write_text("model name\t: Some CPU @ 2 GHz\n")
    assert machine.describe_machine()["cpu"] == "Some CPU @ 2 GHz"


def test_cores_are_counted_without_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert machine.cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.cores() == 1
