"""Where weights of the user are looked for."""

from pathlib import Path

import pytest
from kinoloom.runtime.weights import find_weights, weights_folders


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of weights, empty; no other is named."""
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *_, **__: str(tmp_path / "kinoloom"))
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
    assert find_weights("film") == file
    assert find_weights("other") is None


def test_other_files_and_folders_are_not_taken(home: Path) -> None:
    put(home, "film.txt")
    (home / "film.pt").mkdir()
    assert find_weights("film") is None


def test_the_folder_of_the_environment_goes_first(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = put(home, "film.pt")
    monkeypatch.setenv("KINOLOOM_WEIGHTS", str(tmp_path / "mine"))
    assert weights_folders() == [tmp_path / "mine", home]
    assert find_weights("film") == usual
    named = put(tmp_path / "mine", "film.safetensors")
    assert find_weights("film") == named


def test_an_empty_variable_names_no_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOLOOM_WEIGHTS", "")
    assert weights_folders() == [home]


def test_a_file_named_outright_is_taken_or_nothing(home: Path, tmp_path: Path) -> None:
    put(home, "film.pt")
    own = put(tmp_path, "own.bin")
    assert find_weights("film", own) == own
    assert find_weights("film", tmp_path / "nowhere.pt") is None
