"""The graph of an executed pipeline, coloured by the outcome of each step.

Runs examples/pipelines/abalone; needs the extras `pipelines` and `dev`.

python examples/gallery/pipeline_graph.py [FOLDER]
"""

import tempfile
from pathlib import Path

from panels import ROOT, run_kinoloom, save_svg

PIPELINE = ROOT / "examples" / "pipelines" / "abalone" / "pipeline.py"

with tempfile.TemporaryDirectory() as name:
    root, page = Path(name) / "root", Path(name) / "page.html"
    run_kinoloom("pipeline", "run", PIPELINE, "--root", root)
    run_kinoloom("pipeline", "show", "--root", root, "-o", page)
    save_svg(page, "pipeline_graph")
