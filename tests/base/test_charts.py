"""Charts: valid SVG whose marks are where the values say."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from kinoloom.base.charts import (
    Bar,
    Box,
    Edge,
    Line,
    Rect,
    gantt_chart,
    layered_graph,
    line_plot,
    rectangle_plot,
)
from kinoloom.base.charts.axes import format_ticks, round_grid, round_ticks
from kinoloom.base.charts.svg import COLOURS
from kinoloom.errors import ArrayError, UsageError

Points = list[tuple[float, float]]
COLOURS_OF_KINDS = {"good": "green", "bad": "red", "idle": "grey"}


def elements(svg: bytes, name: str) -> list[ET.Element]:
    return [e for e in ET.fromstring(svg).iter() if e.tag.endswith("}" + name)]


def texts(svg: bytes) -> list[str]:
    return [e.text or "" for e in elements(svg, "text")]


def drawn_lines(svg: bytes) -> list[list[Points]]:
    """Runs of points of each line, without the swatches of the legend."""
    paths = [
        e.get("d") or "" for e in elements(svg, "path") if (e.get("class") or "").startswith("line")
    ]
    return [
        [
            [tuple(map(float, point.split()[:2])) for point in run.replace("h0", "").split("L")]
            for run in path.split("M")[1:]
        ]
        for path in paths
        if "h22" not in path
    ]


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios() -> None:
    svg = line_plot([Line("a", [0, 1, 2], [1, 10, 100])], x_label="n", y_label="v", y_log=True)
    [[[(_, y0), (_, y1), (_, y2)]]] = drawn_lines(svg)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert y0 > y2, "larger values are higher"
    assert {"a", "n", "v", "1", "10", "100"} <= set(texts(svg))


def test_both_axes_can_be_logarithmic() -> None:
    x = np.array([1, 2, 4, 8])
    [[run]] = drawn_lines(line_plot([Line("", x, 1.0 / x**3)], x_log=True, y_log=True))
    steps = np.diff(np.array(run), axis=0)
    np.testing.assert_allclose(steps, steps[:1].repeat(3, 0), atol=0.2)
    assert steps[0, 0] > 0


def test_a_linear_axis_has_equal_steps_for_equal_differences() -> None:
    svg = line_plot([Line("", [0, 5, 10], [0.0, 0.5, 1.0])], y_limits=(0, 1))
    [[[(x0, y0), (x1, y1), (x2, y2)]]] = drawn_lines(svg)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2)
    labels = {e.text: float(e.get("y") or 0) - 4 for e in elements(svg, "text")}
    assert labels["0.0"] == y0
    assert labels["1.0"] == y2


@pytest.mark.parametrize(
    ("limits", "y_log", "message"),
    [((1, 1), False, "ascending values"), ((2, 1), False, ""), ((0, 1), True, "positive values")],
)
def test_invalid_limits_are_refused(limits: tuple[float, float], y_log: bool, message: str) -> None:
    with pytest.raises(UsageError, match=f"Invalid y_limits .*{message}"):
        line_plot([Line("", [0], [1])], y_limits=limits, y_log=y_log)


def test_lines_break_at_values_that_cannot_be_drawn() -> None:
    nan, inf = float("nan"), float("inf")
    lines = [Line("a", range(5), [1, 2, nan, inf, 3]), Line("b", range(3), [-1, 0, 10])]
    first, second = drawn_lines(line_plot(lines, y_log=True))
    assert [len(run) for run in first] == [2, 1]
    assert [len(run) for run in second] == [1]


def test_a_logarithmic_axis_spans_eight_decades() -> None:
    [[run]] = drawn_lines(line_plot([Line("a", [0, 1, 2], [1, 1e-4, 1e-30])], y_log=True))
    tops = [y for _, y in run]
    assert tops[1] - tops[0] == pytest.approx(tops[2] - tops[1], abs=0.2)


def test_values_beyond_the_limits_are_drawn_at_the_ends() -> None:
    svg = line_plot([Line("a", [0, 5, 10], [0.0, 1e9, -1.0])], y_limits=(0, 2))
    [[[(_, y0), (_, y1), (_, y2)]]] = drawn_lines(svg)
    assert y0 == y2 > y1 >= 0
    assert "2.0" in texts(svg)


@pytest.mark.parametrize("y", [[5, 5], [], [0, 0], [1e300, -1e300], [1, 1 + 1e-12]])
@pytest.mark.parametrize("y_log", [False, True])
def test_degenerate_values_give_a_valid_plot(y: list[float], y_log: bool) -> None:
    svg = line_plot([Line("a", range(len(y)), y)], y_log=y_log)
    assert "a" in texts(svg)
    assert b"nan" not in svg
    assert b"inf" not in svg


def test_no_lines_give_a_valid_plot() -> None:
    assert elements(line_plot([]), "path")


def test_the_legend_is_above_the_plot_and_wraps() -> None:
    names = [f"a rather long name of line {k}" for k in range(9)]
    svg = line_plot([Line(name, [0, 1], [0, 1]) for name in names])
    entries = [
        tuple(map(float, (e.get("transform") or "")[10:-1].split())) for e in elements(svg, "g")
    ]
    assert len(set(entries)) == 9
    assert len({y for _, y in entries}) > 1
    width = float(ET.fromstring(svg).get("width") or 0)
    assert all(x + 150 < width for x, _ in entries)
    assert max(y for _, y in entries) < min(y for runs in drawn_lines(svg) for _, y in runs[0])


def test_lines_differ_by_colour_and_dashes() -> None:
    svg = line_plot([Line("a", [0, 1], [0, 1]), Line("b", [0, 1], [1, 0], dashed=True)])
    first, second = [e for e in elements(svg, "path") if "L" in (e.get("d") or "")]
    assert first.get("class") != second.get("class")
    assert (first.get("stroke-dasharray"), second.get("stroke-dasharray")) == (None, "6 4")


def test_whole_numbers_have_whole_ticks() -> None:
    labels = texts(line_plot([Line("", [1, 2, 3], [0.0, 1.0, 2.0])]))
    assert {"1", "2", "3"} <= set(labels)
    assert "1.5" not in labels[labels.index("2.0") + 1 :]


def test_coordinates_of_unequal_number_are_refused() -> None:
    with pytest.raises(ArrayError, match="line 'a' has 2 x and 1 y coordinates"):
        Line("a", [0, 1], [0])


@pytest.mark.parametrize(
    ("high", "ticks"),
    [
        (49.7, [0, 10, 20, 30, 40]),
        (8.0, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (0.001, [0, 2e-4, 4e-4, 6e-4, 8e-4, 1e-3]),
        (86400, [0, 20000, 40000, 60000, 80000]),
    ],
)
def test_ticks_are_round(high: float, ticks: list[float]) -> None:
    assert round_ticks(0, high, 8) == pytest.approx(ticks)


def test_rounding_errors_add_no_grid_line() -> None:
    assert round_grid(-1e-9, 0.25, 6)[0] == 0


@pytest.mark.parametrize("is_log", [False, True])
@pytest.mark.parametrize("low", [1e-9, 0.0031, 1, 7.2, 1e5])
@pytest.mark.parametrize("ratio", [1.0001, 1.5, 30, 1e4, 1e8])
def test_a_grid_encloses_its_range(low: float, ratio: float, is_log: bool) -> None:
    high = low * ratio
    grid = round_grid(low, high, 6, is_log=is_log)
    assert grid[0] <= low * (1 + 1e-8)
    assert grid[-1] >= high * (1 - 1e-8)
    assert 2 <= len(grid) <= 9
    assert grid == sorted(set(grid))


@pytest.mark.parametrize(
    ("values", "is_log", "labels"),
    [
        ([0, 10000, 20000], False, ["0", "10,000", "20,000"]),
        ([-0.2, 0, 0.2], False, ["-0.2", "0.0", "0.2"]),
        ([0, 2e-6, 4e-6], False, ["0", "2×10⁻⁶", "4×10⁻⁶"]),  # noqa: RUF001
        ([0, 1e8], False, ["0", "10⁸"]),
        ([1e-5, 1e-3, 0.1, 10, 1000, 1e5], True, ["10⁻⁵", "0.001", "0.1", "10", "1,000", "10⁵"]),
    ],
)
def test_ticks_are_short_texts(values: list[float], is_log: bool, labels: list[str]) -> None:
    assert format_ticks(values, is_log=is_log) == labels


def test_rectangles_are_in_proportion() -> None:
    rects = [Rect(0, 5, 0, 100, "good", "a <block>"), Rect(5, 10, 100, 200, "bad")]
    svg = rectangle_plot(rects, COLOURS_OF_KINDS, phases={"one": 0, "two": 5}, y_label="bytes")
    drawn = [e for e in elements(svg, "rect") if (e.get("class") or "").startswith("gap")]
    low, high = [{k: float(e.get(k) or 0) for k in ("x", "y", "width", "height")} for e in drawn]
    assert low["width"] == pytest.approx(high["width"], abs=0.02)
    assert low["height"] == pytest.approx(high["height"], abs=0.02)
    assert low["x"] + low["width"] == pytest.approx(high["x"], abs=0.02)
    assert high["y"] + high["height"] == pytest.approx(low["y"], abs=0.02)
    assert [e.text for e in elements(svg, "title")] == ["a <block>"]
    assert {"one", "two", "bytes", "good", "bad"} <= set(texts(svg))
    assert "idle" not in texts(svg), "the legend has only kinds that occur"
    dashed = [e for e in elements(svg, "path") if e.get("stroke-dasharray")]
    (x,) = [float((e.get("d") or "").split()[0][1:]) for e in dashed]
    assert x == pytest.approx(high["x"], abs=0.1)


def test_bars_start_where_the_ones_they_follow_end() -> None:
    bars = [Bar("load", 0, 3, "good", "3.00 s"), Bar("train", 3, 9, "bad", "9.00 s")]
    svg = gantt_chart([*bars, Bar("end", 12, 0, "bad", "0.00 s")], COLOURS_OF_KINDS)
    shapes = [e for e in elements(svg, "rect") if e.get("height") != "12.0"]
    load, train, end = [(float(e.get("x") or 0), float(e.get("width") or 0)) for e in shapes]
    assert sum(load) == pytest.approx(train[0], abs=0.1)
    assert train[1] == pytest.approx(3 * load[1], abs=0.2)
    assert end[1] == 2, "the shortest bar can be seen"
    on_bar = {e.text: e.get("class") == "white" for e in elements(svg, "text")}
    assert (on_bar["9.00 s"], on_bar["0.00 s"]) == (True, False)
    assert {"load", "train", "end", "0 s", "12 s"} <= set(texts(svg))


def test_edges_of_a_graph_join_its_boxes() -> None:
    layers = [[Box("a", "good")], [Box("b", "idle"), Box("c", "idle")]]
    edges = [Edge("a", "b"), Edge("a", "c", dashed=True)]
    svg = layered_graph(layers, edges, COLOURS_OF_KINDS)
    assert texts(svg) == ["good", "idle", "a", "b", "c"]
    a, b, _ = [e for e in elements(svg, "rect") if e.get("height") == "34.0"]
    path, dashed = elements(svg, "path")
    x0, y0 = map(float, (path.get("d") or "")[1:].split("C")[0].split())
    x1 = float((path.get("d") or "").split()[-2])
    assert x0 == pytest.approx(float(a.get("x") or 0) + float(a.get("width") or 0) / 2, abs=0.1)
    assert y0 == float(a.get("y") or 0) + 34
    assert x1 == pytest.approx(float(b.get("x") or 0) + float(b.get("width") or 0) / 2, abs=0.1)
    assert dashed.get("stroke-dasharray")


def test_names_cannot_break_out_of_a_chart() -> None:
    name = "</text><script>&\x00\ud800"
    shown = "</text><script>&\ufffd\ufffd"
    kinds = {name: "blue"}
    charts = (
        line_plot([Line(name, [0], [1])], x_label=name, y_label=name),
        rectangle_plot([Rect(0, 1, 0, 1, name, name)], kinds, phases={name: 0}, y_label=name),
        gantt_chart([Bar(name, 0, 1, name, name)], kinds),
        layered_graph([[Box(name, name)]], [], kinds),
    )
    for svg in charts:
        assert shown in texts(svg)
        assert not elements(svg, "script")


def test_no_rectangles_give_a_valid_plot() -> None:
    assert {"0.0", "1.0"} <= set(texts(rectangle_plot([], {})))


def test_empty_charts_and_unknown_kinds_are_refused() -> None:
    with pytest.raises(ArrayError, match="no bars to plot"):
        gantt_chart([], {})
    with pytest.raises(UsageError, match="kind 'x' has the colour None: expected one of blue, "):
        gantt_chart([Bar("a", 0, 1, "x")], {"y": "blue"})


def luminance(color: str) -> float:
    """Relative luminance of "#rrggbb" by WCAG 2."""
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("name", COLOURS)
def test_colours_are_legible_on_light_and_dark_pages(name: str) -> None:
    light, dark = COLOURS[name]
    assert 1.05 / (luminance(light) + 0.05) >= 4.5
    assert (luminance(dark) + 0.05) / (luminance("#16181b") + 0.05) >= 4.5
