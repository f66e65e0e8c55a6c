"""The arena over time, as SVG: a rectangle for each block, addresses up, time to the right."""

from __future__ import annotations

from kinoloom.tiny.ir import Program
from kinoloom.tiny.plan import Plan

WIDTH, HEIGHT, MARGIN = 960, 420, 56
COLOURS = {
    "int8": "#3b7dd8",
    "float32": "#d8743b",
    "bits": "#4aa564",
    "uint8": "#4aa564",
    "scratch": "#999999",
}


def arena_svg(program: Program, plan: Plan) -> str:
    """The picture: int8 blue, gradients and logits orange, masks green, buffers of streams grey."""
    peak, length = max(plan.peak, 1), max(plan.length, 1)
    dx, dy = WIDTH / length, HEIGHT / peak
    boxes = []
    for block in plan.blocks:
        name = block.names[0]
        kind = "scratch" if name.startswith("scratch:") else program.tensors[name].dtype
        for start, end, size in block.spans():
            x, y = MARGIN + start * dx, HEIGHT - (block.offset + size) * dy
            boxes.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{(end - start + 1) * dx:.1f}" '
                f'height="{size * dy:.2f}" fill="{COLOURS[kind]}" stroke="#fff" '
                f'stroke-width="0.4"><title>{", ".join(block.names)}: {size} bytes at '
                f"{block.offset}</title></rect>"
            )
    turn = MARGIN + program.inference * dx
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + MARGIN} {HEIGHT + 24}" '
        'font-family="sans-serif" font-size="11">'
        f'<text x="0" y="11">{plan.peak} B</text><text x="0" y="{HEIGHT}">0</text>'
        f"{''.join(boxes)}"
        f'<line x1="{turn:.1f}" y1="0" x2="{turn:.1f}" y2="{HEIGHT}" stroke="#000" '
        'stroke-dasharray="4 3"/>'
        f'<text x="{MARGIN}" y="{HEIGHT + 16}">forward</text>'
        f'<text x="{turn + 4:.1f}" y="{HEIGHT + 16}">backward and updates</text></svg>'
    )
