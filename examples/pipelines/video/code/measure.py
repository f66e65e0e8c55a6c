"""Measures the PSNR and SSIM of the interpolated frames against the frames that were held out."""

import json
import os
import sys
import tarfile
from pathlib import Path
from statistics import mean

import kinoloom
from kinoloom.metrics.quality import psnr, ssim


def main() -> None:
    """Write quality.json, and model.tar.gz with the engine's name and quality."""
    base = Path(os.environ["KINOLOOM_ML_ROOT"]) / "processing"
    interpolated = list(kinoloom.read(base / "new" / "new.mkv"))[1::2]
    truth = list(kinoloom.read(base / "truth" / "truth.mkv"))
    pairs = [(new.image, old.image) for new, old in zip(interpolated, truth, strict=False)]
    psnrs = [psnr(new, old) for new, old in pairs]
    quality = {
        "psnr_db": {"mean": mean(psnrs), "least": min(psnrs)},
        "ssim": {"mean": mean(ssim(new, old) for new, old in pairs)},
        "frames": len(pairs),
    }
    (base / "quality" / "quality.json").write_text(json.dumps(quality, indent=2))
    card = base / "model" / "card.json"
    card.write_text(json.dumps({"engine": sys.argv[1], **quality}, indent=2))
    with tarfile.open(base / "model" / "model.tar.gz", "w:gz") as archive:
        archive.add(card, card.name)
    card.unlink()


if __name__ == "__main__":
    main()
