"""Draws pictures of two runs side by side in their own sizes, with a title above each."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from stylepipe.image.files.preview import preview

MARGIN, LINE, MAX_SIDE = 16, 24, 4096
_PAPER, _INK = "white", "#202020"


def side_by_side(rows: Sequence[tuple[Path, Path]], titles: Sequence[tuple[str, str]]) -> Pillow.Image:
    """Returns one picture of all pairs, one below the other; `titles` are those of each pair.

    Transparent pixels are blended with white; pictures with a side of more than MAX_SIDE pixels are scaled down. Raises
    NoPreview for a file that is not a picture.
    """
    pictures = [(_opaque(one), _opaque(other)) for one, other in rows]
    width = max(picture.width for pair in pictures for picture in pair)
    heights = [LINE + MARGIN + max(picture.height for picture in pair) for pair in pictures]
    canvas = Pillow.new("RGB", (2 * width + 3 * MARGIN, sum(heights) + MARGIN), _PAPER)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(14)
    top = MARGIN
    for pair, labels, height in zip(pictures, titles, heights, strict=True):
        for column, (picture, label) in enumerate(zip(pair, labels, strict=True)):
            left = MARGIN + column * (width + MARGIN)
            pen.text((left, top), label, _INK, font)
            canvas.paste(picture, (left, top + LINE))
        top += height
    return canvas


def _opaque(path: Path) -> Pillow.Image:
    picture = preview(path, (MAX_SIDE, MAX_SIDE))
    return Pillow.alpha_composite(Pillow.new("RGBA", picture.size, _PAPER), picture).convert("RGB")
