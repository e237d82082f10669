"""Drawings of a recipe's graph: SVG, and text for Mermaid."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from stylepipe.recipe.resolved import ResolvedRecipe

_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN = 150, 40, 60, 20, 10
"""The size of a box, the gaps between boxes, and the margin, in pixels."""

_COLORS = {"input": ("#eef4fb", "#3b6ea5"), "stage": ("#ffffff", "#444444"), "output": ("#eef7ee", "#3c7d3c")}
"""The fill and the line of each kind of node."""


@dataclass(frozen=True)
class DrawnNode:
    """A node of the drawing: its name, its second line, its kind (input, stage, output), and the nodes that it needs."""

    name: str
    detail: str
    kind: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    """The graph of a recipe, in an order in which each node follows those that it needs."""

    nodes: tuple[DrawnNode, ...]

    @classmethod
    def of(cls, recipe: ResolvedRecipe) -> "Drawing":
        """Returns the drawing of a recipe; inputs that no stage needs are left out."""
        needed = {name for stage in recipe.stages.values() for name in stage.needs}
        inputs = (DrawnNode(file.name, file.kind, "input", ()) for file in recipe.inputs.values() if file.name in needed)
        results = set(recipe.outputs.values())
        stages = (
            DrawnNode(name, node.stage.name, "output" if name in results else "stage", tuple(dict.fromkeys(node.needs)))
            for name, node in recipe.stages.items()
        )
        return cls((*inputs, *stages))

    @property
    def mermaid(self) -> str:
        """The graph as a Mermaid flowchart."""
        ids = {node.name: f"n{number}" for number, node in enumerate(self.nodes)}
        shapes = {"input": '(["{}"])', "stage": '["{}"]', "output": '[["{}"]]'}
        boxes = [
            f"  {ids[node.name]}{shapes[node.kind].format(f'{_quoted(node.name)}<br/>{_quoted(node.detail)}')}"
            for node in self.nodes
        ]
        arrows = [f"  {ids[needed]} --> {ids[node.name]}" for node in self.nodes for needed in node.needs]
        return "\n".join(["flowchart LR", *boxes, *arrows]) + "\n"

    @property
    def svg(self) -> str:
        """The graph as an SVG document, from left to right."""
        places = _places(self.nodes)
        width = max((x for x, _ in places.values()), default=0) + _WIDTH + _MARGIN
        height = max((y for _, y in places.values()), default=0) + _HEIGHT + _MARGIN
        arrows = (_arrow(places[needed], places[node.name]) for node in self.nodes for needed in node.needs)
        boxes = (_box(node, *places[node.name]) for node in self.nodes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
            ' font-family="sans-serif" font-size="12">'
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0 0L8 4L0 8z" fill="#777777"/></marker></defs>'
            f"{''.join(arrows)}{''.join(boxes)}</svg>\n"
        )

    def _repr_svg_(self) -> str:
        return self.svg


def _places(nodes: tuple[DrawnNode, ...]) -> Mapping[str, tuple[int, int]]:
    """Returns the upper left corner of each box.

    A stage's column is the longest path to it, its row that of the first stage it needs, or the next free one. Inputs stand
    above the stages, in the column before the first stage that needs them, so that their arrows pass over other stages.
    """
    columns: dict[str, int] = {}
    for node in nodes:
        columns[node.name] = 1 + max((columns[needed] for needed in node.needs), default=-1)
    for node in nodes:
        if node.kind == "input":
            columns[node.name] = min(columns[other.name] for other in nodes if node.name in other.needs) - 1
    inputs = Counter(columns[node.name] for node in nodes if node.kind == "input")
    above = max(inputs.values(), default=0)
    rows: dict[str, int] = {}
    taken: set[tuple[int, int]] = set()
    for node in nodes:
        column = columns[node.name]
        row = above - inputs[column] if node.kind == "input" else above
        row = max(row, min((rows[needed] for needed in node.needs if rows[needed] >= above), default=row))
        while (column, row) in taken:
            row += 1
        taken.add((column, row))
        rows[node.name] = row
    return {
        name: (_MARGIN + column * (_WIDTH + _ACROSS), _MARGIN + rows[name] * (_HEIGHT + _DOWN))
        for name, column in columns.items()
    }


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    to_x, to_y = end[0], end[1] + _HEIGHT // 2
    middle = to_x - _ACROSS // 2
    curve = f"M{x} {y}H{to_x - _ACROSS}C{middle} {y} {middle} {to_y} {to_x} {to_y}"
    return f'<path d="{curve}" fill="none" stroke="#777777" marker-end="url(#arrow)"/>'


def _box(node: DrawnNode, x: int, y: int) -> str:
    fill, line = _COLORS[node.kind]
    middle = x + _WIDTH // 2
    return (
        f'<g><title>{escape(node.name)}</title><rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"'
        f' fill="{fill}" stroke="{line}"/>'
        f'<text x="{middle}" y="{y + 17}" text-anchor="middle" fill="#111111">{escape(_shortened(node.name))}</text>'
        f'<text x="{middle}" y="{y + 32}" text-anchor="middle" fill="#555555" font-size="10">{escape(node.detail)}</text></g>'
    )


def _shortened(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"


def _quoted(text: str) -> str:
    """Returns a text for a Mermaid label."""
    return "".join(_entities(text))


def _entities(text: str) -> Iterator[str]:
    for character in text:
        yield character if character.isalnum() or character in " _.@+-" else f"#{ord(character)};"
