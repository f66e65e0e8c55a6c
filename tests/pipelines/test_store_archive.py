"""The content store, addresses and archives."""

import contextlib
import io
import os
import tarfile
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinoloom.errors import OutputError, UsageError
from kinoloom.pipelines.local.storage.archive import pack, unpack
from kinoloom.pipelines.local.storage.objects import Objects
from kinoloom.pipelines.local.storage.step_folder import StepFolder
from kinoloom.pipelines.local.storage.store import Store, copy_in


def folder_of(path: Path, **files: str) -> Path:
    for name, text in files.items():
        file = path / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path


def keep(store: Store, folder: Path) -> str:
    return store.keep(StepFolder(folder), set())


def pack_folder(folder: Path, target: Path) -> None:
    pack(StepFolder(folder), target)


def test_equal_folders_have_equal_digests_and_are_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "cas")
    one = folder_of(tmp_path / "one", a="x", b__c="y")
    two = folder_of(tmp_path / "two", b__c="y", a="x")
    assert store.digest_of(one) == store.digest_of(two)
    digest = keep(store, one)
    assert keep(store, two) == digest
    assert len([p for p in (tmp_path / "cas").rglob("*") if p.is_file()]) == 3
    (two / "a").chmod(0o755)
    assert Store(tmp_path / "cas").digest_of(two) != digest, "what may be executed differs"


def test_stored_content_is_restored_and_changes_are_detected(tmp_path: Path) -> None:
    store = Store(tmp_path / "cas")
    digest = keep(store, folder_of(tmp_path / "in", a="x", b__c="y"))
    entries = store.tree(digest)
    assert entries is not None
    store.lay_out(entries, tmp_path / "out", set())
    assert (tmp_path / "out/b/c").read_text() == "y"
    assert store.digest_of(tmp_path / "out") == digest
    (tmp_path / "out/a").chmod(0o644)
    (tmp_path / "out/a").write_text("z")
    assert store.tree(digest) is None, "a changed blob counts as missing"
    assert keep(store, folder_of(tmp_path / "again", a="x", b__c="y")) == digest
    assert store.tree(digest) is not None, "and is mended when the content comes again"


def test_a_lost_or_truncated_blob_counts_as_missing(tmp_path: Path) -> None:
    store = Store(tmp_path / "cas")
    digest = keep(store, folder_of(tmp_path / "in", a="x"))
    blob = next(p for p in (tmp_path / "cas").rglob("*") if p.is_file() and p.read_text() == "x")
    blob.unlink()
    assert store.tree(digest) is None
    assert store.tree("0" * 64) is None


def test_links_out_of_a_folder_are_rejected(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", a="x")
    (folder / "inside").symlink_to("a")
    store = Store(tmp_path / "cas")
    store.digest_of(folder)
    (folder / "outside").symlink_to("/etc/hostname")
    with pytest.raises(OutputError, match="outside must be a file"):
        keep(store, folder)


def test_a_copy_may_be_changed(tmp_path: Path) -> None:
    store = Store(tmp_path / "cas")
    digest = keep(store, folder_of(tmp_path / "in", a="x"))
    store.lay_out(store.tree(digest) or [], tmp_path / "kept", set())
    copy_in(tmp_path / "kept", tmp_path / "copy")
    assert os.access(tmp_path / "copy/a", os.W_OK)
    (tmp_path / "copy/a").write_text("changed")
    assert store.tree(digest) is not None


@pytest.mark.parametrize(
    "uri",
    [
        "s3://", "s3://b", "s3:///key", "s3://bucket/../x", "s3://bucket/a/../../x", "s3://../x",
        "s3://bucket//etc/passwd", "s3://BUCKET/x", "http://x/y", "bucket/key", "s3://bucket/a\0b",
    ],
)  # fmt: skip
def test_invalid_addresses_are_rejected(tmp_path: Path, uri: str) -> None:
    with pytest.raises(UsageError, match=r"not a supported address|must not leave"):
        Objects(tmp_path).path(uri)


@given(st.text(st.sampled_from("ab./\\~$ \n"), max_size=12))
def test_no_key_leaves_the_root(key: str) -> None:
    root = Path("/root-of-all")
    try:
        path = Objects(root).path(f"s3://bucket/{key}")
    except UsageError:
        return
    assert Path(os.path.normpath(path)).is_relative_to(root / "bucket")


def test_outputs_go_to_s3_addresses_only(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be an s3:// address"):
        Objects(tmp_path).put(b"x", f"file://{tmp_path}/x")


def test_equal_folders_have_equal_archives(tmp_path: Path) -> None:
    for name in ("one", "two"):
        pack_folder(folder_of(tmp_path / name, a="x", b__c="y"), tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    unpack(tmp_path / "one.tar.gz", tmp_path / "back")
    assert (tmp_path / "back/b/c").read_text() == "y"


def hostile(kind: bytes, name: str, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "member",
    [
        hostile(tarfile.REGTYPE, "../escaped"),
        hostile(tarfile.REGTYPE, "/absolute"),
        hostile(tarfile.REGTYPE, "a/../../escaped"),
        hostile(tarfile.SYMTYPE, "link", "/etc"),
        hostile(tarfile.LNKTYPE, "hard", "/etc/passwd"),
        hostile(tarfile.CHRTYPE, "device"),
        hostile(tarfile.FIFOTYPE, "pipe"),
    ],
    ids=lambda member: member.name,
)
def test_hostile_archives_are_rejected(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.addfile(member, io.BytesIO())
    (tmp_path / "in").mkdir()
    with pytest.raises(UsageError, match="is not allowed"):
        unpack(tmp_path / "bad.tar", tmp_path / "in")
    assert list(tmp_path.iterdir()) == [tmp_path / "bad.tar", tmp_path / "in"] or not list(
        (tmp_path / "in").iterdir()
    )


def test_an_archive_of_zeros_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack_folder(folder_of(tmp_path / "one", a="0" * 4_000_000), tmp_path / "one.tar.gz")
    assert (tmp_path / "one.tar.gz").stat().st_size * 500 < 4_000_000
    unpack(tmp_path / "one.tar.gz", tmp_path / "back")
    monkeypatch.setattr("kinoloom.pipelines.local.storage.archive._FREE_BYTES", 1_000_000)
    with pytest.raises(UsageError, match="too large"):
        unpack(tmp_path / "one.tar.gz", tmp_path / "again")


def test_archives_that_are_too_large_are_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_folder(folder_of(tmp_path / "one", a="x" * 100, b="y"), tmp_path / "one.tar.gz")
    monkeypatch.setattr("kinoloom.pipelines.local.storage.archive._MAX_BYTES", 50)
    with pytest.raises(UsageError, match="too large"):
        unpack(tmp_path / "one.tar.gz", tmp_path / "back")
    with monkeypatch.context() as patch:
        patch.setattr("kinoloom.pipelines.local.storage.archive._MAX_FILES", 1)
        patch.setattr("kinoloom.pipelines.local.storage.archive._MAX_BYTES", 1 << 30)
        with pytest.raises(UsageError, match="too large"):
            unpack(tmp_path / "one.tar.gz", tmp_path / "back")
    (tmp_path / "cut.tar.gz").write_bytes((tmp_path / "one.tar.gz").read_bytes()[:40])
    with pytest.raises(UsageError, match="not a valid archive"):
        unpack(tmp_path / "cut.tar.gz", tmp_path / "back")


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_damaged_archives_are_rejected(
    tmp_path_factory: pytest.TempPathFactory, mode: Literal["w"], data: st.DataObject
) -> None:
    """Bytes that are changed or missing: the archive is unpacked, or rejected with a message."""
    tmp_path = tmp_path_factory.mktemp("damaged")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name in ("a", "b"):
            info = tarfile.TarInfo(name)
            info.size = 3000
            tar.addfile(info, io.BytesIO(bytes(range(250)) * 12))
    content = bytearray(buffer.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[place] = data.draw(st.integers(0, 255))
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(UsageError):
        unpack(archive, tmp_path / "out")


def test_name_with_a_null_character_is_rejected(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "model.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"path": "a\0b"}
        tar.addfile(info)
    with pytest.raises(UsageError, match="not a valid archive"):
        unpack(tmp_path / "model.tar", tmp_path / "out")
