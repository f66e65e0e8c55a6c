"""Mirrored folders: what is processed, where it goes, what is finished, and what fails."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import photo_files as make
import pytest

from kinoloom.base.provenance import Provenance
from kinoloom.errors import (
    InputNotFoundError,
    OutputError,
    OutputExistsError,
    UnreadableMediaError,
    UsageError,
)
from kinoloom.media.photo.editing import (
    PhotoTree,
    TreePhoto,
    TreeReport,
    list_photos,
    open_photo,
    plan_tree,
    read_key,
    save_photo,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of photos and other files."""
    root = tmp_path / "photos"
    (root / "2020" / "may").mkdir(parents=True)
    (root / ".cache").mkdir()
    make.save(root / "b.jpg", make.picture())
    make.save(root / "2020" / "may" / "a.PNG", make.picture())
    make.save(root / "2020" / "a.webp", make.picture())
    make.save(root / "old.bmp", make.picture())
    make.save(root / ".hidden.png", make.picture())
    make.save(root / ".cache" / "c.png", make.picture())
    (root / "notes.txt").write_text("no photo")
    return root


def run(tree: PhotoTree, *, strength: int = 1, **options: bool) -> TreeReport:
    """Process a tree: write each photo as it is."""

    def describe(photo: TreePhoto) -> Provenance:
        return Provenance("enhance", {"strength": strength}, (photo.source,))

    def work(photo: TreePhoto, provenance: Provenance) -> None:
        opened = open_photo(photo.source)
        save_photo(
            opened,
            opened.picture,
            photo.target,
            provenance=provenance,
            overwrite=options.get("overwrite", False),
        )

    return tree.process(describe, work, **options)


def find_photos(places: list[Path], out: Path) -> PhotoTree:
    found = list_photos(places)
    return plan_tree(tuple(found), tuple(found.values()), out)


def names(tree: PhotoTree) -> list[str]:
    return [photo.target.relative_to(tree.out).as_posix() for photo in tree.photos]


def test_outputs_have_the_same_relative_paths(folder: Path, tmp_path: Path) -> None:
    tree = find_photos([folder], tmp_path / "out")
    assert names(tree) == ["2020/a.webp", "2020/may/a.PNG", "b.jpg", "old.png"]
    report = run(tree)
    assert len(report.done) == 4
    assert report.failed == report.finished == []
    written = sorted(p.relative_to(tree.out).as_posix() for p in tree.out.rglob("*.*"))
    assert written == names(tree)


def test_resuming_omits_finished_photos_of_the_same_work(folder: Path, tmp_path: Path) -> None:
    tree = find_photos([folder], tmp_path / "out")
    run(tree)
    times = {p.target: p.target.stat().st_mtime_ns for p in tree.photos}
    tree.photos[0].target.unlink()
    report = run(tree, resume=True)
    assert report.done == [tree.photos[0]]
    assert report.finished == list(tree.photos[1:])
    assert all(p.target.stat().st_mtime_ns == times[p.target] for p in tree.photos[1:])
    other = run(tree, resume=True, strength=2)
    assert len(other.failed) == 4  # other work; nothing is replaced without permission
    assert isinstance(other.failed[0].error, OutputExistsError)
    assert len(run(tree, resume=True, strength=2, overwrite=True).done) == 4
    make.save(folder / "b.jpg", make.picture()[::-1])
    assert [p.source.name for p in run(tree, resume=True, strength=2, overwrite=True).done] == [
        "b.jpg"
    ]


def test_one_bad_file_does_not_stop_the_rest(folder: Path, tmp_path: Path) -> None:
    (folder / "a.jpg").write_bytes((folder / "b.jpg").read_bytes()[:300])
    (folder / "empty.png").write_bytes(b"")
    tree = find_photos([folder], tmp_path / "out")
    report = run(tree)
    assert len(report.done) == 4
    assert [failure.photo.source.name for failure in report.failed] == ["a.jpg", "empty.png"]
    assert all(isinstance(failure.error, UnreadableMediaError) for failure in report.failed)
    assert not (tree.out / "a.jpg").exists()


def test_a_full_disk_stops_the_rest(folder: Path, tmp_path: Path) -> None:
    tree = find_photos([folder], tmp_path / "out")
    seen = []

    def work(photo: TreePhoto, _: Provenance) -> None:
        seen.append(photo)
        cause = OSError(errno.ENOSPC, "full")
        raise OutputError("It cannot be written: the disk is full.") from cause

    with pytest.raises(OutputError, match="disk is full"):
        tree.process(lambda photo: Provenance("enhance", {}), work)
    assert len(seen) == 1


def test_existing_outputs_are_reported_before_the_work(folder: Path, tmp_path: Path) -> None:
    tree = find_photos([folder], tmp_path / "out")
    run(tree)
    with pytest.raises(OutputExistsError, match="4 of 4 outputs already exist"):
        run(tree)


def test_an_output_folder_inside_the_input_is_not_an_input(folder: Path) -> None:
    tree = find_photos([folder], folder / "better")
    run(tree)
    assert names(find_photos([folder], folder / "better")) == names(tree)
    with pytest.raises(UsageError, match="is the input folder"):
        find_photos([folder], folder / ".." / "photos")


def test_links_to_folders_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "2020" / "loop").symlink_to(folder)
    assert len(find_photos([folder], tmp_path / "out").photos) == 4


def test_converted_names_do_not_collide(folder: Path, tmp_path: Path) -> None:
    make.save(folder / "old.png", make.picture())
    shutil.copy(folder / "b.jpg", folder / "no_suffix")
    found = names(find_photos([folder], tmp_path / "out"))
    assert found[2:] == ["b.jpg", "no_suffix.png", "old.bmp.png", "old.png"]


def test_files_and_folders_can_be_mixed(folder: Path, tmp_path: Path) -> None:
    tree = find_photos([folder / "2020", folder / "b.jpg"], tmp_path / "out")
    assert names(tree) == ["a.webp", "b.jpg", "may/a.PNG"]
    with pytest.raises(UsageError, match=r"would have the same output b\.jpg"):
        find_photos([folder, folder / "b.jpg"], tmp_path / "out")


def test_bad_inputs_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="nowhere"):
        find_photos([tmp_path / "nowhere"], tmp_path / "out")
    with pytest.raises(UsageError, match="No photos found"):
        find_photos([tmp_path], tmp_path / "out")


def test_a_folder_that_cannot_be_read_is_an_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root, who often runs tests, can read every folder; so the system's answer is replaced."""
    read = Path.iterdir

    def iterdir(self: Path) -> Iterator[Path]:
        if self.name == "may":
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(UnreadableMediaError, match=r"may cannot be read.*Permission denied"):
        find_photos([folder], tmp_path / "out")


def test_the_key_of_anything_else_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    make.save(tmp_path / "a.png", make.picture())
    for path in (tmp_path / "none.png", tmp_path, tmp_path / "a.txt", tmp_path / "a.png"):
        assert read_key(path) == ""
