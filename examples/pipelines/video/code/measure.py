"""How near are the woven frames to those that were held out? Their PSNR and SSIM."""

import json
import os
import sys
import tarfile
from pathlib import Path
from statistics import mean

import kinoloom
from kinoloom.metrics.quality import psnr, ssim


def main() -> None:
    """Write quality.json, and model.tar.gz with the name of the engine and its quality."""
    base = Path(os.environ["KINOLOOM_ML_ROOT"]) / "processing"
    woven = list(kinoloom.read(base / "woven" / "woven.mkv"))[1::2]
    truth = list(kinoloom.read(base / "truth" / "truth.mkv"))
    pairs = [(new.image, old.image) for new, old in zip(woven, truth, strict=False)]
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
