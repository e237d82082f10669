"""Drawings of graphs: every node and every arrow, once."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from stylepipe.recipe.drawing import Drawing, DrawnNode
from stylepipe.recipe.load import load_recipe

RECIPE = """\
stylepipe: 1
name: look
inputs: {photo: {image: photo.png}, other: {image: photo.png}, region: {mask: mask.png}}
stages:
  small: {use: resize, image: $photo, long_side: 64}
  sharp: {use: sharpen, image: $small}
  mixed: {use: mask_transfer, image: $sharp, background: $photo, mask: $region}
output: $mixed
"""


@pytest.fixture
def drawing(tmp_path: Path) -> Drawing:
    (tmp_path / "look.yaml").write_text(RECIPE)
    return Drawing.of(load_recipe(tmp_path / "look.yaml"))


def test_mermaid(drawing):
    assert drawing.mermaid.splitlines() == [
        "flowchart LR",
        '  n0(["photo<br/>image"])',
        '  n1(["region<br/>mask"])',
        '  n2["small<br/>resize"]',
        '  n3["sharp<br/>sharpen"]',
        '  n4[["mixed<br/>mask_transfer"]]',
        "  n0 --> n2",
        "  n2 --> n3",
        "  n3 --> n4",
        "  n0 --> n4",
        "  n1 --> n4",
    ]


def test_svg_has_a_box_for_each_node_and_no_two_overlap(drawing):
    root = ET.fromstring(drawing.svg)
    space = "{http://www.w3.org/2000/svg}"
    boxes = [(int(box.get("x")), int(box.get("y"))) for box in root.iter(f"{space}rect")]
    assert len(boxes) == len(set(boxes)) == 5
    assert len([path for path in root.iter(f"{space}path") if path.get("marker-end")]) == 5
    assert all(x + 150 <= int(root.get("width")) and y + 40 <= int(root.get("height")) for x, y in boxes)


def test_names_cannot_break_out_of_labels():
    name = 'a"]<script>'
    drawing = Drawing((DrawnNode(name, name, "stage", ()),))
    assert "<script>" not in drawing.svg
    assert '"]<' not in drawing.mermaid
