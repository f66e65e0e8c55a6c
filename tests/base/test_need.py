"""need() and need_extra(): what is missing, and the exact line that gets it."""

import sys
from pathlib import Path

import pytest

from kinoloom.base.need import extras, need, need_extra
from kinoloom.errors import MissingExtraError, UsageError


def test_installed_module_is_imported() -> None:
    import json.decoder

    assert need("json.decoder", extra="train") is json.decoder


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.deeper"])
def test_missing_package_error_has_the_install_command(module: str) -> None:
    with pytest.raises(MissingExtraError) as caught:
        need(module, extra="train")
    assert str(caught.value) == (
        f"The package {module} is required and not installed. "
        "Install it with: pip install 'kinoloom[train]'"
    )
    assert caught.value.exit_code == 3


def test_missing_submodule_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, monkeypatch, "")
    with pytest.raises(MissingExtraError, match=r"package halfway\.deeper"):
        need("halfway.deeper", extra="train")


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("import no_such_package", ModuleNotFoundError, "No module named 'no_such_package'"),
        ("import halfway._native", ModuleNotFoundError, "No module named 'halfway._native'"),
        ("from json import no_such_name", ImportError, "cannot import name 'no_such_name'"),
        ("raise OSError('libfoo.so: cannot open')", OSError, "libfoo"),
    ],
)
def test_import_error_inside_a_package_is_not_caught(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    error: type[Exception],
    message: str,
) -> None:
    package(tmp_path, monkeypatch, code)
    with pytest.raises(error, match=message) as caught:
        need("halfway", extra="train")
    assert not isinstance(caught.value, MissingExtraError)


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    (folder / "halfway").mkdir()
    (folder / "halfway" / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "halfway", raising=False)


def test_the_extras_are_those_of_the_package() -> None:
    known = extras()
    train = [name.lower() for name in known["train"]]  # builders of wheels differ in case
    assert train == ["onnx", "onnxscript", "scipy", "tensorboardx", "torch"]
    assert known["heic"] == ["pillow-heif"]
    assert {"torch", "pillow-heif"} <= set(known["all"])


@pytest.fixture
def own_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Metadata of a kinoloom with extras of which nothing, one and all packages are there."""
    info = tmp_path / "kinoloom-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: kinoloom\nVersion: 9\n"
        "Requires-Dist: numpy>=1\n"
        "Provides-Extra: here\nRequires-Dist: numpy>=1; extra == 'here'\n"
        "Provides-Extra: half\nRequires-Dist: click; extra == 'half'\n"
        "Requires-Dist: no-such.package==1.0; python_version > '3' and extra == 'half'\n"
        'Requires-Dist: gone>=2; extra == "gone"\nProvides-Extra: gone\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("own_metadata")
def test_need_extra_accepts_installed_packages() -> None:
    need_extra("here")


@pytest.mark.usefixtures("own_metadata")
@pytest.mark.parametrize(("extra", "package"), [("half", "no-such.package"), ("gone", "gone")])
def test_need_extra_names_the_first_missing_package(extra: str, package: str) -> None:
    with pytest.raises(MissingExtraError) as caught:
        need_extra(extra)
    assert f"The package {package} is required" in caught.value.message
    assert caught.value.hint == f"Install it with: pip install 'kinoloom[{extra}]'"


@pytest.mark.usefixtures("own_metadata")
def test_unknown_extra_is_rejected() -> None:
    with pytest.raises(UsageError, match=r"Unknown extra 'nonsense'\. Extras: here, half, gone"):
        need_extra("nonsense")
