"""What `doctor` reports of a build that lacks an encoder or a photo format."""

import pytest

from kinoloom.media import checks


def test_an_encoder_that_this_build_lacks_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_ENCODERS", {"libnothing": "films", "ffv1": "lossless films"})
    missing, present = checks.checks()[:2]
    assert (missing.name, missing.present) == ("libnothing", False)
    assert missing.detail == "not in this build of PyAV"
    assert missing.needed_for == "films"
    assert present.present


def test_a_photo_format_that_this_build_lacks_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.features.check", lambda name: name != "avif")
    found = {check.name: check for check in checks.checks()}
    assert found["webp"].present
    assert not found["avif"].present
    assert found["avif"].detail == "not in this build of Pillow"
