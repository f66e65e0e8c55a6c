"""Packages with pages, as pip would install them: a folder with their metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PAGES = Path(__file__).parent / "pages"


def declare_pages(folder: Path, pages: Mapping[str, str], name: str = "pages_of_tests") -> Path:
    """Write the metadata of a package that declares pages, and return the folder for PYTHONPATH."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{page} = {path}\n" for page, path in pages.items()]
    (metadata / "entry_points.txt").write_text("[kinoloom.pages]\n" + "".join(lines))
    return folder
