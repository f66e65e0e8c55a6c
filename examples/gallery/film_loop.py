"""Two photos as a film that plays forwards and backwards, as an animated WebP.

python examples/gallery/film_loop.py [FOLDER]
"""

from panels import PHOTOS, output_path, run_kinoloom

run_kinoloom(
    "interpolate", *PHOTOS, "--seconds", "2.4", "--fps", "10", "--boomerang", "--ease", "in-out",
    "--size", "360", "--quality", "38", "-o", output_path("film_loop.webp"), "--overwrite",
)  # fmt: skip
