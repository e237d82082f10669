"""Pictures in a terminal: two pixels per character cell."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from PIL import Image as Pillow
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from stylepipe.escapes import visible_line
from stylepipe.image.files.preview import NoPreview, preview

WIDTH, HEIGHT = 16, 10
"""Maximal width and height of a thumbnail in pixels."""

Pixel = tuple[int, int, int, int]


def with_thumbnails(columns: Sequence[str], rows: Sequence[Sequence[str]], pictures: Sequence[Path | None]) -> str | None:
    """Formats rows as a table, each with its picture.

    Returns None where stdout is not a true-color terminal, or is too narrow.
    """
    console = Console(highlight=False)
    if not console.is_terminal or console.color_system != "truecolor" or console.no_color:
        return None
    widths = [max(map(len, cells)) + 2 for cells in zip(columns, *rows, strict=True)]
    if WIDTH + 2 + sum(widths) > console.width + 2:
        return None
    illustrated = Table("", *columns, box=None, padding=(0, 2, 1, 0), header_style="")
    for row, picture in zip(rows, pictures, strict=True):
        illustrated.add_row(thumbnail(picture) if picture else "", *(Text(visible_line(cell)) for cell in row))
    with console.capture() as written:
        console.print(illustrated)
    return written.get().rstrip("\n")


def thumbnail(path: Path) -> Text:
    """Returns a picture as colored characters; empty when it is missing or unreadable."""
    try:
        picture = preview(path, (WIDTH, HEIGHT))
    except NoPreview:
        return Text()
    width, height = picture.size
    framed = Pillow.new("RGBA", (width, height + height % 2))
    framed.paste(picture)

    def at(x: int, y: int) -> Pixel:
        return cast("Pixel", framed.getpixel((x, y)))

    lines = [Text.assemble(*(_character(at(x, y), at(x, y + 1)) for x in range(width))) for y in range(0, framed.height, 2)]
    return Text("\n").join(lines)


def _character(upper: Pixel, lower: Pixel) -> tuple[str, Style]:
    """Returns a half block: the upper color on the lower one, or the reverse where only the lower one is visible."""
    ink, paper = (Color.from_rgb(*pixel[:3]) if pixel[3] >= 128 else None for pixel in (upper, lower))
    if ink is None:
        return ("▄", Style(color=paper)) if paper else (" ", Style())
    return "▀", Style(color=ink, bgcolor=paper)
