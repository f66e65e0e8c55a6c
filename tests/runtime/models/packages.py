"""Real wheels, sdists and npm tarballs, a local registry that serves them, and cards for them."""

import base64
import contextlib
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kinoloom.base.model import Archive, FetchedFile, FetchSource, Member, ModelCard, Registry

WEIGHTS = bytes(range(256)) * 400
LICENCE = b"Permission is granted.\n"
BACKEND = """
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    from pathlib import Path
    folder = Path(metadata_directory, "demo_net-1.0.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\\nName: demo-net\\nVersion: 1.0\\n")
    return folder.name
"""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel(
    folder: Path,
    files: Mapping[str, bytes],
    name: str = "demo-net",
    version: str = "1.0",
    tag: str = "py3-none-any",
) -> Path:
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    wheel = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    path = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in files.items():
            archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", wheel)
        archive.writestr(f"{info}/RECORD", "")
    return path


def make_tar(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member, content in files.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def make_sdist(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A source distribution that builds without any other package."""
    build = b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    return make_tar(
        folder / "demo_net-1.0.tar.gz",
        {
            "demo_net-1.0/PKG-INFO": b"Metadata-Version: 2.1\nName: demo-net\nVersion: 1.0\n",
            "demo_net-1.0/pyproject.toml": build,
            "demo_net-1.0/backend.py": BACKEND.encode(),
            **{f"demo_net-1.0/{name}": content for name, content in files.items()},
        },
    )


def make_npm_tarball(folder: Path, files: Mapping[str, bytes]) -> Path:
    package = json.dumps({"name": "demo-net", "version": "1.0.0"}).encode()
    named = {f"package/{name}": content for name, content in files.items()}
    return make_tar(folder / "demo-net-1.0.0.tgz", {"package/package.json": package, **named})


def archive_of(path: Path, registry: Registry = "pypi", version: str = "1.0") -> Archive:
    content = path.read_bytes()
    name = path.name.split("-1.0")[0].replace("_", "-")
    return Archive(registry, name, version, path.name, digest(content), len(content))


def file_of(name: str, content: bytes, *parts: Member) -> FetchedFile:
    return FetchedFile(name, digest(content), len(content), parts)


def card_of(source: FetchSource, name: str = "demo") -> ModelCard:
    return ModelCard(
        name=name,
        task="interpolate",
        summary="a model of the tests",
        source="none",
        licence="MIT",
        weights="fetched",
        fetch=source,
    )


def simple_card(archive: Archive, prefix: str = "demo_net/", version: str = "1.0") -> ModelCard:
    """A card of one file and its licence, both members of one archive."""
    weights = file_of("net.onnx", WEIGHTS, Member(archive, f"{prefix}net.onnx"))
    licence = file_of("LICENSE", LICENCE, Member(archive, f"{prefix}LICENSE"))
    return card_of(FetchSource(version, (weights,), licence))


MEMBERS = {"demo_net/net.onnx": WEIGHTS, "demo_net/LICENSE": LICENCE}


def with_archive(card: ModelCard, **changes: Any) -> ModelCard:
    """The same card, with another description of its archive."""
    assert card.fetch is not None
    archive = replace(card.fetch.archives[0], **changes)
    assert isinstance(card.fetch.licence, FetchedFile)

    def moved(file: FetchedFile) -> FetchedFile:
        return replace(file, parts=tuple(Member(archive, part.path) for part in file.parts))

    files = tuple(moved(file) for file in card.fetch.files)
    return replace(card, fetch=replace(card.fetch, files=files, licence=moved(card.fetch.licence)))


def install_card(folder: Path, card: ModelCard) -> Path:
    """A folder for PYTHONPATH with a package that adds a card to the registry."""
    info = folder / "demo_cards-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-cards\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[kinoloom.cards]\n{card.name} = demo_cards:CARD\n")
    (folder / "demo_cards.py").write_text(
        "from pathlib import PosixPath, WindowsPath\n"
        f"from kinoloom.base.model import *\n\nCARD = {card!r}\n"
    )
    return folder


class LocalRegistry:
    """Serves one archive on the loopback interface as PyPI and npm do.

    Attributes:
        url: of the registry.
        downloads: how often the archive was requested.
        half_sent: set when half of the archive has been sent.
        resume: the second half is sent when it is set, which it is at first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.downloads = 0
        self.half_sent = threading.Event()
        self.resume = threading.Event()
        self.resume.set()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.answer(self)

            def log_message(self, *args: object) -> None:
                """Keep the output of the tests clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == f"/files/{self.path.name}":
            self.downloads += 1
            self.send_archive(request)
        elif request.path == "/simple/demo-net/":
            page = f'<a href="/files/{self.path.name}">{self.path.name}</a>'.encode()
            self.send(request, 200, "text/html", page)
        elif request.path == "/demo-net":
            self.send(request, 200, "application/json", self.packument())
        else:
            self.send(request, 404, "application/json", b"{}")

    def packument(self) -> bytes:
        content = self.path.read_bytes()
        integrity = base64.b64encode(hashlib.sha512(content).digest()).decode()
        dist = {
            "tarball": f"{self.url}/files/{self.path.name}",
            "integrity": f"sha512-{integrity}",
            "shasum": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        }
        version = {"name": "demo-net", "version": "1.0.0", "dist": dist}
        document = {
            "name": "demo-net",
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": version},
        }
        return json.dumps(document).encode()

    def send(self, request: BaseHTTPRequestHandler, code: int, kind: str, content: bytes) -> None:
        request.send_response(code)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def send_archive(self, request: BaseHTTPRequestHandler) -> None:
        content = self.path.read_bytes()
        request.send_response(200)
        request.send_header("Content-Type", "application/octet-stream")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        half = len(content) // 2
        with contextlib.suppress(OSError):  # the client was killed
            request.wfile.write(content[:half])
            request.wfile.flush()
            self.half_sent.set()
            self.resume.wait(60)
            request.wfile.write(content[half:])


@contextlib.contextmanager
def serve(path: Path) -> Iterator[LocalRegistry]:
    """Serve an archive while the block runs."""
    registry = LocalRegistry(path)
    thread = threading.Thread(target=registry.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        registry.resume.set()
        registry.server.shutdown()
        registry.server.server_close()
        thread.join()
