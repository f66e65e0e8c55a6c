"""Folders of the model store; none of them need exist."""

from __future__ import annotations

import os
from pathlib import Path

from kinoloom.base.model import FetchSource, ModelCard

CACHE_VARIABLE = "KINOLOOM_CACHE"
"""Environment variable that replaces the cache folder."""
WEIGHTS_VARIABLE = "KINOLOOM_WEIGHTS"
"""Environment variable that names a folder of user-supplied weights."""


def store_folder() -> Path:
    """Return the folder of all fetched models.

    It is `models` in the folder that the environment variable KINOLOOM_CACHE names, else in the
    user's cache folder (~/.cache/kinoloom on Linux).
    """
    import platformdirs  # late, so that the command line starts without it

    named = os.environ.get(CACHE_VARIABLE)
    usual = platformdirs.user_cache_dir("kinoloom", appauthor=False)
    return Path(named or usual).expanduser() / "models"


def versions_folder(card: ModelCard) -> Path:
    """Return the folder of all stored versions of a model."""
    return store_folder() / card.name


def version_folder(card: ModelCard, source: FetchSource) -> Path:
    """Return the folder of the version of a model that its card declares."""
    return versions_folder(card) / source.version


def added_folder() -> Path:
    """Return the folder of models that `kinoloom models add` has stored, each in its own folder.

    It is `models` in the folder that the environment variable KINOLOOM_WEIGHTS names, else in the
    user's data folder (~/.local/share/kinoloom on Linux).
    """
    import platformdirs

    named = os.environ.get(WEIGHTS_VARIABLE)
    usual = platformdirs.user_data_dir("kinoloom", appauthor=False)
    return Path(named or usual).expanduser() / "models"


def user_folders() -> list[Path]:
    """Return the folders of user-supplied weights, in the order in which they are searched.

    The first is the folder that the environment variable KINOLOOM_WEIGHTS names, if it is set;
    the last is `weights` in the user's data folder (~/.local/share/kinoloom on Linux).
    """
    import platformdirs

    named = os.environ.get(WEIGHTS_VARIABLE)
    usual = Path(platformdirs.user_data_dir("kinoloom", appauthor=False)) / "weights"
    return [Path(named).expanduser(), usual] if named else [usual]
