"""Contact sheets: the pictures of a sweep side by side, labeled; two parameters span columns and rows, others extra sheets."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from stylepipe.engine.cache.atomic_files import output_errors
from stylepipe.engine.runs.records import file_name
from stylepipe.engine.sweeps.results import SweepResults, VariantResult
from stylepipe.image.files.preview import NoPreview, preview
from stylepipe.recipe.params.labels import axis_labels

MAX_SIDE = 320
MAX_WIDTH = 4096
MIN_SIDE = 64
MARGIN = 10
LINE = 20
LABEL_WIDTH = 200

_PAPER, _INK, _FAINT, _BLANK, _ALARM = "white", "#202020", "#707070", "#ececec", "#a02020"


@dataclass(frozen=True)
class SheetCell:
    """One cell of a sheet: a picture's file, or text in its place; and a label."""

    label: str
    file: str | None
    words: str
    failed: bool = False


@dataclass(frozen=True)
class Sheet:
    """One sheet: its title, the labels of its rows and columns if any, and its cells by row and column."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    tiles: Mapping[tuple[int, int], SheetCell]


def write_sheets(results: SweepResults, folder: Path) -> tuple[str, ...]:
    """Writes the sheets of all outputs into the sweep's folder and returns their file names. Raises StoreError."""
    files: list[str] = []
    for output in results.outputs:
        for parts, sheet in arrange(results, output):
            if all(tile.file is None for tile in sheet.tiles.values()):
                continue
            name = "-".join(["00-contact-sheet", *([output] if len(results.outputs) > 1 else []), *parts])
            files.append(f"{file_name(name)}.png")
            with output_errors(folder):
                draw(sheet, folder).save(folder / files[-1])
    return tuple(files)


def arrange(results: SweepResults, output: str) -> Iterator[tuple[tuple[str, ...], Sheet]]:
    """Yields the sheets of an output, each with the labels of its fixed values.

    The last parameter that varies spans the columns, the one before it the rows; each combination of the others has its own
    sheet. Variants of one parameter, or ones that fill less than half of the table, are listed one after the other by name.
    """
    axes = {name: values for name, values in results.axes.items() if len(values) > 1}
    if len(axes) < 2 or 2 * len(results.variants) < math.prod(map(len, axes.values())):
        width = math.ceil(math.sqrt(len(results.variants)))
        tiles = {divmod(at, width): _tile(variant, output, variant.name) for at, variant in enumerate(results.variants)}
        yield (), Sheet(results.recipe, (), (), tiles)
        return
    *fixed_axes, down, across = axes
    for fixed in product(*(axes[name] for name in fixed_axes)):
        tiles = {
            (axes[down].index(variant.params[down]), axes[across].index(variant.params[across])): _tile(variant, output)
            for variant in results.variants
            if all(variant.params[name] == value for name, value in zip(fixed_axes, fixed, strict=True))
        }
        labels = {name: [f"{name}={label}" for label in axis_labels(values)] for name, values in axes.items()}
        named = [labels[name][axes[name].index(value)] for name, value in zip(fixed_axes, fixed, strict=True)]
        rows, columns = (tuple(labels[name]) for name in (down, across))
        if tiles:
            yield tuple(named), Sheet("  ".join([results.recipe, *named]), rows, columns, tiles)


def _tile(variant: VariantResult, output: str, label: str = "") -> SheetCell:
    record = variant.outputs.get(output)
    if record is None:
        words = variant.error.message if variant.error else variant.status
        return SheetCell(label, None, words, failed=variant.error is not None)
    return SheetCell(label, record.file, "") if record.file.endswith(".png") else SheetCell(label, None, "no picture")


def draw(sheet: Sheet, folder: Path) -> Pillow.Image:
    """Returns the sheet as a picture; the files of its cells are in `folder`."""
    font = ImageFont.load_default(14)
    height, width = (1 + max(place[axis] for place in sheet.tiles) for axis in (0, 1))
    height, width = max(height, len(sheet.rows)), max(width, len(sheet.columns))
    labels = min(LABEL_WIDTH, max((math.ceil(font.getlength(label)) + MARGIN for label in sheet.rows), default=0))
    left = MARGIN + labels
    side = max(MIN_SIDE, min(MAX_SIDE, (MAX_WIDTH - left) // width - MARGIN))
    drawn = {place: _thumbnail(folder / tile.file, side) for place, tile in sheet.tiles.items() if tile.file}
    pictures = {place: picture for place, picture in drawn.items() if isinstance(picture, Pillow.Image)}
    words = {place: f"Not drawn: {error}." for place, error in drawn.items() if isinstance(error, NoPreview)}
    cell = max((picture.height for picture in pictures.values()), default=side)
    side = max(min(side, LABEL_WIDTH), *(picture.width for picture in pictures.values()))
    top = MARGIN + LINE * (2 if sheet.columns else 1)
    under = 0 if sheet.rows else LINE
    step_x, step_y = side + MARGIN, cell + under + MARGIN
    canvas = Pillow.new("RGB", (left + width * step_x, top + MARGIN + height * step_y), _PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((MARGIN, MARGIN), _shortened(sheet.title, font, canvas.width - 2 * MARGIN), _INK, font)
    for column, label in enumerate(sheet.columns):
        pen.text((left + column * step_x, MARGIN + LINE), _shortened(label, font, side), _INK, font)
    for row, label in enumerate(sheet.rows):
        pen.text((MARGIN, top + row * step_y + cell // 2), _shortened(label, font, labels - MARGIN), _INK, font)
    for (row, column), tile in sheet.tiles.items():
        x, y = left + column * step_x, top + row * step_y
        if (picture := pictures.get((row, column))) is not None:
            canvas.paste(picture, (x + (side - picture.width) // 2, y + (cell - picture.height) // 2))
        else:
            pen.rectangle((x, y, x + side - 1, y + cell - 1), _BLANK)
            lines = _wrapped(words.get((row, column), tile.words), font, side - 2 * MARGIN)[: (cell - MARGIN) // LINE]
            pen.multiline_text((x + MARGIN, y + MARGIN), "\n".join(lines), _ALARM if tile.failed else _FAINT, font)
        pen.text((x, y + cell), _shortened(tile.label, font, side), _INK, font)
    return canvas


def _thumbnail(path: Path, side: int) -> Pillow.Image | NoPreview:
    """Returns the picture on the sheet's background, scaled down to the side if larger; or why there is none."""
    try:
        picture = preview(path, (side, side))
    except NoPreview as error:
        return error
    paper = Pillow.new("RGBA", picture.size, _PAPER)
    return Pillow.alpha_composite(paper, picture).convert("RGB")


_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _shortened(text: str, font: _Font, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    kept = next((end for end in range(len(text), 0, -1) if font.getlength(text[:end] + "…") <= width), 0)
    return text[:kept] + "…"


def _wrapped(text: str, font: _Font, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = _shortened(longer, font, width)
        else:
            lines.append(_shortened(word, font, width))
    return lines
