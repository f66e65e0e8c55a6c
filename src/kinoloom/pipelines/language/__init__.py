"""The language of pipeline definitions, version 2020-12-01: grammar, model, graph.

from kinoloom.pipelines.language import load_file

checked = load_file(Path("pipeline.json"))
checked.definition.steps, checked.graph.order
"""

from kinoloom.pipelines.language.graph import Graph
from kinoloom.pipelines.language.load import Checked, check, load_file, load_text
from kinoloom.pipelines.language.model import Definition, Step

__all__ = ["Checked", "Definition", "Graph", "Step", "check", "load_file", "load_text"]
