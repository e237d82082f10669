"""Pictures in a terminal: which characters, in which colors."""

from pathlib import Path

import PIL.Image
import pytest
from rich.color import Color
from rich.console import Console

from stylepipe.cli.thumbnails import thumbnail

RED, BLUE, CLEAR = (255, 0, 0, 255), (0, 0, 255, 255), (0, 255, 0, 0)


def shown(path: Path) -> list[tuple[str, Color | None, Color | None]]:
    """Each character with its colors, line by line."""
    text = thumbnail(path)
    styles = [text.get_style_at_offset(Console(), at) for at in range(len(text.plain))]
    return [(sign, style.color, style.bgcolor) for sign, style in zip(text.plain, styles, strict=True)]


def test_two_pixels_are_one_character_and_what_is_transparent_stays_so(tmp_path):
    picture = PIL.Image.new("RGBA", (2, 3))
    for at, color in {(0, 0): RED, (0, 1): BLUE, (1, 0): CLEAR, (1, 1): RED, (0, 2): BLUE, (1, 2): CLEAR}.items():
        picture.putpixel(at, color)
    picture.save(tmp_path / "some.png")
    red, blue = Color.from_rgb(255, 0, 0), Color.from_rgb(0, 0, 255)
    first, second, _, third, fourth = shown(tmp_path / "some.png")
    assert [first, second, third, fourth] == [("▀", red, blue), ("▄", red, None), ("▀", blue, None), (" ", None, None)]


@pytest.mark.parametrize(
    ("size", "lines", "width"), [((160, 160), 5, 10), ((300, 20), 1, 16), ((20, 300), 5, 1), ((3, 3), 2, 3)]
)
def test_a_picture_keeps_its_shape(tmp_path, size, lines, width):
    PIL.Image.new("RGB", size, "red").save(tmp_path / "some.png")
    found = thumbnail(tmp_path / "some.png").plain.split("\n")
    assert (len(found), {len(line) for line in found}) == (lines, {width})


def test_without_a_picture_there_is_none(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n0000")
    for name in ("broken.png", "missing.png"):
        assert thumbnail(tmp_path / name).plain == ""
