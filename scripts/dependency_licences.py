"""Write docs/dependency-licences.md: the licence of every package that kinoloom may install.

Reads the requirements of pyproject.toml, follows them through the metadata of what is installed,
and lists each package with its declared licence and the copyleft libraries inside its wheel.

    .venv/bin/python scripts/dependency_licences.py
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "dependency-licences.md"

GPL2 = "GPL-2.0-or-later"
LGPL2_OR_GPL = "LGPL-2.1-or-later; GPL where built with x264 or x265"
LGPL3_OR_GPL2 = "LGPL-3.0-or-later OR GPL-2.0-or-later"
COPYLEFT = {
    "libasound": "LGPL-2.1-or-later",
    "libavcodec": LGPL2_OR_GPL,
    "libavdevice": LGPL2_OR_GPL,
    "libavfilter": LGPL2_OR_GPL,
    "libavformat": LGPL2_OR_GPL,
    "libavutil": LGPL2_OR_GPL,
    "libde265": "LGPL-3.0-or-later",
    "libgfortran": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libgmp": LGPL3_OR_GPL2,
    "libgnutls": "LGPL-2.1-or-later",
    "libheif": "LGPL-3.0-or-later",
    "libhogweed": LGPL3_OR_GPL2,
    "libmp3lame": "LGPL-2.0-or-later",
    "libnettle": LGPL3_OR_GPL2,
    "libquadmath": "LGPL-2.1-or-later",
    "libswresample": LGPL2_OR_GPL,
    "libswscale": LGPL2_OR_GPL,
    "libunistring": LGPL3_OR_GPL2,
    "libx264": GPL2,
    "libx265": GPL2,
}
"""Licences of the copyleft libraries that wheels are known to contain."""

SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""SPDX names of licences that metadata spells otherwise."""

HEAD = """\
# Licences of the dependencies

`scripts/dependency_licences.py` generates this page from the metadata of the installed packages;
run it after a change of a requirement. *Needed by* names the requirement's group in
`pyproject.toml`: the core, or the extras. kinoloom's own code is Apache-2.0; the weights that it
ships under another licence have a licence file next to them.

**PyAV's wheels contain x264 and x265, which are GPL.** kinoloom distributes none of the packages
below; who redistributes them together, in a container image or an installer, must observe the
licences of the libraries in the second table.
"""


@dataclass(frozen=True)
class Package:
    """One installed dependency.

    Attributes:
        name: as its metadata spells it.
        version: the installed version.
        licence: as declared; an SPDX expression where there is one.
        groups: `core` and the extras that need it, directly or not.
        libraries: the copyleft libraries in its wheel.
    """

    name: str
    version: str
    licence: str
    groups: tuple[str, ...]
    libraries: tuple[str, ...]


def main() -> None:
    """Write the table.

    Raises:
        SystemExit: a requirement is not installed.
    """
    try:
        packages = list_packages(read_requirements())
    except PackageNotFoundError as error:
        raise SystemExit(
            f"{error.name} is not installed: install every extra first, with make lint."
        ) from error
    TABLE.write_text(render(packages), encoding="utf-8")


def read_requirements(path: Path = ROOT / "pyproject.toml") -> dict[str, list[Requirement]]:
    """Read the direct requirements of a project.

    Returns:
        The requirements by group: `core`, then each extra except those that repeat others.
    """
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    groups = {"core": project["dependencies"], **project["optional-dependencies"]}
    own = canonicalize_name(project["name"])
    parsed = {group: [Requirement(text) for text in texts] for group, texts in groups.items()}
    return {
        group: [need for need in needs if canonicalize_name(need.name) != own]
        for group, needs in parsed.items()
    }


def list_packages(requirements: Mapping[str, Iterable[Requirement]]) -> list[Package]:
    """List the installed packages that requirements lead to, by name.

    Raises:
        PackageNotFoundError: a requirement is not installed.
    """
    groups: dict[str, list[str]] = {}
    for group, needs in requirements.items():
        for name in follow(needs):
            groups.setdefault(name, []).append(group)
    return [describe(distribution(name), groups[name]) for name in sorted(groups)]


def follow(requirements: Iterable[Requirement]) -> set[str]:
    """Follow requirements to the names of all packages that they install here."""
    waiting, seen = list(requirements), set[tuple[str, frozenset[str]]]()
    while waiting:
        need = waiting.pop()
        key = (canonicalize_name(need.name), frozenset(need.extras))
        if key not in seen:
            seen.add(key)
            waiting += required_by(distribution(need.name), need.extras)
    return {name for name, _ in seen}


def required_by(package: Distribution, extras: Iterable[str]) -> Iterator[Requirement]:
    """Yield what a package with some of its extras requires on this machine."""
    for text in package.requires or ():
        need = Requirement(text)
        marker = need.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield need


def describe(package: Distribution, groups: Iterable[str]) -> Package:
    """Describe an installed package."""
    return Package(
        name=package.metadata["Name"],
        version=package.version.partition("+")[0],
        licence=read_licence(package),
        groups=tuple(groups),
        libraries=tuple(find_copyleft(str(file) for file in package.files or ())),
    )


def read_licence(package: Distribution) -> str:
    """Read the declared licence: the SPDX expression, else the field, else the classifiers."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in metadata.get_all("Classifier") or []
        if text.startswith("License :: ") and not text.endswith("OSI Approved")
    ]
    field = (metadata.get("License") or "").strip()
    is_vague = field == "UNKNOWN" or (field == "Dual License" and classifiers)
    if field and "\n" not in field and not is_vague:
        return SPDX.get(field, field)
    return " or ".join(SPDX.get(text, text) for text in classifiers) or "not declared"


def find_copyleft(files: Iterable[str]) -> list[str]:
    """Find the known copyleft libraries among the files of a wheel."""
    shared = (re.match(r"[\w.-]+\.libs/(lib[a-z0-9]+?)[-.]", file) for file in files)
    return sorted({match[1] for match in shared if match} & set(COPYLEFT))


def render(packages: Iterable[Package]) -> str:
    """Render the page, in Markdown."""
    packages = list(packages)
    rows = [f"| {p.name} | {p.version} | {p.licence} | {', '.join(p.groups)} |" for p in packages]
    lines = ["| package | version | licence | needed by |", "|---|---|---|---|", *rows]
    inside = [f"| {p.name} | {name} | {COPYLEFT[name]} |" for p in packages for name in p.libraries]
    more = ["## Copyleft libraries inside wheels", "", "| package | library | licence |"]
    return "\n".join([HEAD, *lines, "", *more, "|---|---|---|", *inside, ""])


if __name__ == "__main__":
    main()
