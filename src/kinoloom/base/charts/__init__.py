"""Charts as SVG: line plots, rectangles over time, Gantt charts and layered graphs.

Inputs: numbers and names. Output: a self-contained SVG document as UTF-8 bytes, for a
`base.report.Picture` of type `MEDIA_TYPE`.

Conventions: sizes in px, y downwards. The background is transparent; text, axes and lines follow
the reader's light or dark colour scheme. Fills are the same in both, dark enough for white text.

Example:
    >>> from kinoloom.base.charts import Line, line_plot
    >>> line_plot([Line("loss", [0, 10, 20], [1.0, 0.3, 0.1])], x_label="step")[:4]
    b'<svg'
"""

from kinoloom.base.charts.graphs import Box, Edge, layered_graph
from kinoloom.base.charts.lines import Line, line_plot
from kinoloom.base.charts.rectangles import Bar, Rect, gantt_chart, rectangle_plot
from kinoloom.base.charts.svg import MEDIA_TYPE, Color

__all__ = [
    "MEDIA_TYPE",
    "Bar",
    "Box",
    "Color",
    "Edge",
    "Line",
    "Rect",
    "gantt_chart",
    "layered_graph",
    "line_plot",
    "rectangle_plot",
]
