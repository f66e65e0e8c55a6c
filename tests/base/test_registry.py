"""The registry: lazy, open to other packages, strict about names."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinoloom.base import Op, registry
from kinoloom.errors import RegistryError


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which packages may be installed; nothing of it stays behind."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    registry.refresh()
    yield tmp_path
    registry.refresh()
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(site: Path, package: str, entry_points: str, code: str = "") -> None:
    """Lay a package and its metadata into a folder, as pip does."""
    (site / f"{package}.py").write_text(code)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


def test_every_built_in_entry_can_be_loaded() -> None:
    for kind in registry.KINDS:
        assert registry.names(kind)
        for name in registry.names(kind):
            assert registry.load(kind, name) is not None


def test_listing_names_imports_the_entries_alone() -> None:
    script = (
        "import sys; from kinoloom.base import registry; before = set(sys.modules)\n"
        "print([registry.names(kind) for kind in registry.KINDS])\n"
        "print(sorted(m for m in set(sys.modules) - before if m.startswith('kinoloom')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    names, loaded = done.stdout.splitlines()
    packages = {f"kinoloom.{name}" for name in registry.PACKAGES}
    light = packages | {f"{name}.entries" for name in packages}
    assert "'bench.film'" in names
    assert set(ast.literal_eval(loaded)) <= light


def test_entry_point_op_is_listed_and_loaded(site: Path) -> None:
    code = '''
from dataclasses import dataclass
from kinoloom.base import Clip, op

@dataclass(frozen=True)
class Options:
    """Nothing."""

@op("sparkle")
def sparkle(clip: Clip, options: Options) -> Clip:
    """Sparkle."""
    return clip
'''
    install(site, "sparkle_kit", "[kinoloom.ops]\nsparkle = sparkle_kit:sparkle\n", code)
    assert registry.names("ops")[-1] == "sparkle"
    assert "sparkle_kit" not in sys.modules
    found = registry.load("ops", "sparkle")
    assert isinstance(found, Op)
    assert found.summary == "Sparkle."


def test_built_in_name_cannot_be_redeclared(site: Path) -> None:
    install(site, "other_kit", "[kinoloom.interpolators]\nfast = other_kit:FAST\n")
    with pytest.raises(RegistryError) as caught:
        registry.names("interpolators")
    assert "Two packages declare the engine 'fast'" in str(caught.value)
    assert "kinoloom.film.engines.fast:FAST and other_kit:FAST" in str(caught.value)
    assert registry.names("ops")  # other kinds go on working


def test_two_packages_cannot_declare_one_name(site: Path) -> None:
    install(site, "one_kit", "[kinoloom.ops]\nglow = one_kit:glow\n")
    install(site, "two_kit", "[kinoloom.ops]\nglow = two_kit:glow\n")
    with pytest.raises(RegistryError, match=r"'glow': .*_kit:glow and .*_kit:glow\. Unin"):
        registry.load("ops", "glow")


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("ops", "interpolat", "Unknown op 'interpolat'. Did you mean interpolate?"),
        ("interpolators", "fsat", "Unknown engine 'fsat'. Did you mean fast?"),
        (
            "interpolators",
            "zzz",
            "Unknown engine 'zzz'. Known: film, deep, best, fast.",
        ),
    ],
)
def test_unknown_name_suggests_close_ones(kind: registry.Kind, name: str, message: str) -> None:
    with pytest.raises(RegistryError) as caught:
        registry.load(kind, name)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("lost_kit:glow", "", "but lost_kit has no 'glow'"),
        ("lost_kit", "", "but lost_kit has no ''"),
        ("lost_kit.deeper:glow", "", "cannot be imported: No module named 'lost_kit.deeper'"),
        ("lost_kit:glow", "import no_such_package", "imported: No module named 'no_such_package'"),
    ],
)
def test_invalid_path_is_named(site: Path, target: str, code: str, message: str) -> None:
    install(site, "lost_kit", f"[kinoloom.ops]\nglow = {target}\n", code)
    with pytest.raises(RegistryError, match=f"'glow' is declared as {target}, .*{message}"):
        registry.load("ops", "glow")


def test_error_inside_an_entry_is_not_caught(site: Path) -> None:
    install(site, "broken_kit", "[kinoloom.ops]\nglow = broken_kit:glow\n", "None.attribute")
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'attribute'"):
        registry.load("ops", "glow")
