"""Generates docs/gallery.md and its pictures: the inputs and results of recipes at full size.

    python docs/gallery.py

Takes about an hour on two cores; results that are in the cache are not computed again.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageOps

ROOT = Path(__file__).parents[1]
PAGE, PICTURES = ROOT / "docs" / "gallery.md", ROOT / "docs" / "gallery"
SIDE, SHEET_SIDE, QUALITY = 320, 960, 85
FINISH, PART = ("resized", "drawn", "leveled", "recolored"), (1000, 250, 1320, 490)
"""Of the recipe ancient_city: stages that follow each other, and the part of their pictures that is shown at full size."""

COMMANDS = (
    "run recipes/ancient_city.yaml",
    "run recipes/ancient_city_best.yaml",
    "run recipes/gatys.yaml",
    "run recipes/stylenet.yaml",
    "run recipes/style_weights.yaml",
    "run recipes/two_styles.yaml",
    "sweep recipes/two_styles.yaml -p scales=[128] -p iterations=[50]",
    "run recipes/masked.yaml",
    "run recipes/color_preserving.yaml",
    "run recipes/silhouette.yaml",
    "run recipes/long_range.yaml",
    "run recipes/histogram.yaml",
    "run recipes/inetwork.yaml",
    "run recipes/mrf.yaml",
    "run recipes/wasserstein.yaml",
    "run recipes/texture.yaml",
    "run recipes/sliced_texture.yaml",
    "run recipes/doodle.yaml",
    "sweep recipes/losses.yaml",
    "run recipes/fast.yaml",
    "run recipes/fast_then_refine.yaml",
    "sweep recipes/style_mix.yaml",
)
"""In the order of the page; a recipe's commands follow each other."""

INTRODUCTION = """\
# Gallery

The results of the shipped recipes except `poster`, with the networks that come with stylepipe, and the commands that
computed them. The pictures are reduced; a run writes them at full size, with every intermediate. `python docs/gallery.py`
generates this page.
"""

FINISH_EXPLANATION = """\
The finish at full size: the enlarged picture; after `coherence_filter`, which smooths along strokes and sharpens across
them; after `levels`, which stretches the lightness; and after `color_transfer` with `method: {kind: guided}`, which
restores the content's colors.
"""


def recipe_of(command: str) -> str:
    """The name of the recipe's file, without its ending."""
    return Path(shlex.split(command)[1]).stem


def make(command: str) -> Iterator[dict[str, str]]:
    """Runs a command; yields its pictures by their titles, as names of files in PICTURES, table by table."""
    said = subprocess.run(
        [Path(sys.executable).with_name("stylepipe"), *shlex.split(command), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    run, recipe = json.loads(said.stdout), recipe_of(command)
    folder = ROOT / run["folder"]
    record = json.loads((folder / "record.json").read_text())
    inputs = {name: found for name, found in record["inputs"].items() if found["file"]}
    made = {name: small(folder / found["file"], Path(found["reference"]).stem) for name, found in inputs.items()}
    if "results" in run:
        (sheet,) = run["results"]["sheets"]
        yield {**made, "all variants": small(folder / sheet, f"{recipe}-sweep", SHEET_SIDE)}
    else:
        yield {**made, **{name: small(ROOT / path, f"{recipe}-{name}") for name, path in run["outputs"].items()}}
    if recipe == "ancient_city":
        yield {name: small(folder / record["stages"][name]["file"], f"{recipe}-{name}", part=PART) for name in FINISH}


def small(path: Path, name: str, side: int = SIDE, part: tuple[int, int, int, int] | None = None) -> str:
    """Writes a picture, or a part of it, at most so wide and high; returns its file's name."""
    with Image.open(path) as picture:
        shown = picture.convert("RGB").crop(part)
        reduced = ImageOps.contain(shown, (side, side)) if max(shown.size) > side else shown
        reduced.save(PICTURES / f"{name}.jpg", quality=QUALITY, optimize=True)
    return f"{name}.jpg"


def explanation(recipe: str) -> str:
    """The first paragraph of the comment that a recipe begins with, on lines as they are."""
    comment = re.match(r"(#.*\n)+", (ROOT / "recipes" / f"{recipe}.yaml").read_text())
    lines = [line.lstrip("#").strip() for line in comment[0].splitlines()] if comment else []
    return "\n".join(lines[: lines.index("")] if "" in lines else lines)


def section(command: str, *, first: bool) -> Iterator[str]:
    """The part of the page on a command; the first one of a recipe has its heading and what it says of itself."""
    recipe = recipe_of(command)
    if first:
        yield f"## [{recipe}](../recipes/{recipe}.yaml)\n\n{explanation(recipe)}\n"
    yield f"```sh\nstylepipe {command}\n```\n"
    for number, pictures in enumerate(make(command)):
        if number:
            yield FINISH_EXPLANATION
        cells = [f"![{title}](gallery/{file})" for title, file in pictures.items()]
        yield "\n".join(f"| {' | '.join(row)} |" for row in (pictures, ["---"] * len(cells), cells)) + "\n"


def main() -> None:
    """Runs the commands and writes the page."""
    PICTURES.mkdir(exist_ok=True)
    parts = [INTRODUCTION]
    for before, command in zip((None, *COMMANDS), COMMANDS, strict=False):
        parts += section(command, first=before is None or recipe_of(before) != recipe_of(command))
    PAGE.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
