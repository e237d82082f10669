"""Makes docs/gallery.md and its pictures: recipes at their full size, what went in and what came out.

    python docs/gallery.py

Takes an hour on two cores; what was computed before is taken from the cache.
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

COMMANDS = (
    "run recipes/ancient_city.yaml",
    "run recipes/gatys.yaml",
    "run recipes/stylenet.yaml",
    "run recipes/style_weights.yaml",
    "run recipes/two_styles.yaml",
    "sweep recipes/two_styles.yaml -p scales=[256]",
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

What the recipes make, all but `poster`, with the networks that come with stylepipe, and the command that made it. The pictures
here are small; a run leaves them at their full size, with every intermediate. `python docs/gallery.py` makes this page again.
"""


def recipe_of(command: str) -> str:
    """The name of the recipe's file, without its ending."""
    return Path(shlex.split(command)[1]).stem


def make(command: str) -> dict[str, str]:
    """Runs a command; returns its pictures by their titles, as names of files in PICTURES."""
    said = subprocess.run(
        [Path(sys.executable).with_name("stylepipe"), *shlex.split(command), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    run = json.loads(said.stdout)
    folder = ROOT / run["folder"]
    record = json.loads((folder / "record.json").read_text())
    inputs = {name: found for name, found in record["inputs"].items() if found["file"]}
    made = {name: small(folder / found["file"], Path(found["reference"]).stem) for name, found in inputs.items()}
    if "results" in run:
        (sheet,) = run["results"]["sheets"]
        return {**made, "all variants": small(folder / sheet, f"{recipe_of(command)}-sweep", SHEET_SIDE)}
    return {**made, **{name: small(ROOT / path, f"{recipe_of(command)}-{name}") for name, path in run["outputs"].items()}}


def small(path: Path, name: str, side: int = SIDE) -> str:
    """Writes a picture at most so wide and high; returns its file's name."""
    with Image.open(path) as picture:
        reduced = ImageOps.contain(picture.convert("RGB"), (side, side)) if max(picture.size) > side else picture.convert("RGB")
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
    pictures = make(command)
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
