"""FFmpeg opens the given file alone: no file or address that the file or its name lists."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image
from tests.media.make import make

import kinoloom
from kinoloom.errors import MediaError, UnsupportedMediaError
from kinoloom.media.files import read

PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{film}\n#EXT-X-ENDLIST\n",
    "key.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
    '#EXT-X-KEY:METHOD=AES-128,URI="{film}"\n#EXTINF:1,\n{film}\n#EXT-X-ENDLIST\n',
    "list.ffconcat": "ffconcat version 1.0\nfile {film}\n",
    "list.mp4": "ffconcat version 1.0\nfile {film}\n",
    "list.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT1S">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1000">'
    "<BaseURL>{film}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "list.idx": "# VobSub index file, v7 (do not modify this line!)\n",
}
"""Content by file name; `{film}` is the other file or its address."""


@pytest.fixture
def requests_seen(tmp_path: Path) -> Iterator[tuple[int, list[str]]]:
    """A loopback server that delivers a film; its port, and the paths requested from it."""
    film = make(tmp_path / "served.ts").read_bytes()
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(film)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port, seen
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("absolute", [False, True])
def test_a_playlist_of_local_files_is_refused(name: str, absolute: bool, tmp_path: Path) -> None:
    film = make(tmp_path / "film.ts")
    shutil.copy(film, tmp_path / "list.sub")
    playlist = tmp_path / name
    playlist.write_text(PLAYLISTS[name].format(film=film if absolute else film.name, port=9))
    with pytest.raises(MediaError, match=re.escape(str(playlist))):
        list(read(playlist).read(Fraction(0)))


@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_playlist_of_addresses_sends_no_request(
    name: str, tmp_path: Path, requests_seen: tuple[int, list[str]]
) -> None:
    port, seen = requests_seen
    playlist = tmp_path / name
    address = f"http://127.0.0.1:{port}/film.ts"
    playlist.write_text(PLAYLISTS[name].format(film=address, port=port))
    with pytest.raises(MediaError):
        read(playlist)
    assert seen == []


@pytest.mark.parametrize("name", ["list.m3u8", "list.ffconcat", "list.sdp", "list.idx"])
def test_the_error_says_what_is_refused_and_what_to_do(name: str, tmp_path: Path) -> None:
    playlist = tmp_path / name
    playlist.write_text(PLAYLISTS[name].format(film="film.ts", port=9))
    with pytest.raises(UnsupportedMediaError, match=r"is a playlist.*not opened.*as one file"):
        read(playlist)


@pytest.mark.parametrize("name", ["image%d.png", "image*.png", "image%03d.jpg", "i?age1.png"])
def test_the_name_of_a_file_is_not_a_pattern(name: str, tmp_path: Path) -> None:
    for number in ("1", "001"):
        for suffix in (".png", ".jpg"):
            Image.new("RGB", (64, 48)).save(tmp_path / f"image{number}{suffix}")
    path = tmp_path / name
    path.write_bytes(b"not a picture")
    with pytest.raises(UnsupportedMediaError, match="pattern of an image sequence"):
        read(path)


@pytest.mark.parametrize("name", ["what?.gif", "image%d.gif", "b[1].png", "100%0d.png", "a*.avif"])
def test_an_animation_may_have_the_name_of_a_pattern(name: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 48), (60 * k, 0, 0)) for k in range(3)]
    path = tmp_path / name
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    assert len(list(read(path).read(Fraction(0)))) == 3


def test_another_format_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    with pytest.raises(UnsupportedMediaError, match=r"format 'srt', which is not supported"):
        read(path)


def test_files_are_opened_in_one_place() -> None:
    root = Path(kinoloom.__file__).parent
    found = {path.name for path in root.rglob("*.py") if "av.open(" in path.read_text()}
    assert found == {"inputs.py", "encoding.py"}  # reading with the limits; writing


@pytest.mark.parametrize("content", [b"\x89", b"II+\0", b"hello"])
def test_suffix_of_a_picture_does_not_make_a_pattern(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"one\.png cannot be read") as caught:
        read(path)
    assert "pattern" not in str(caught.value)
