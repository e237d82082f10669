"""Paints the pictures of this folder: `python recipes/assets/paint.py [name …]`, without names all of them.

Needs NumPy and Pillow only; the same versions of both give the same pictures again.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from painting import city, doodles, ember, lighthouse, masks, pebbles, swirls
from painting.picture import Array, eight_bits

FOLDER = Path(__file__).parent


def ancient_city() -> dict[str, Array]:
    """The city and the mask that keeps its sky and pillar."""
    picture, mask = city.paint()
    return {"ancient_city.jpg": picture, "ancient_city_mask.png": mask}


def halves() -> dict[str, Array]:
    """Two masks for two regions, of the lighthouse's size."""
    left = masks.halves(lighthouse.SHAPE)
    return {"halves_mask.png": left, "halves_mask_inverse.png": 1 - left}


def doodle() -> dict[str, Array]:
    """What lies where in the lighthouse, its silhouette, and a doodle of another coast."""
    return {
        "lighthouse_map.png": doodles.style_map(),
        "lighthouse_mask.png": doodles.silhouette(),
        "doodle_map.png": doodles.target_map(),
    }


PICTURES: dict[str, Callable[[], dict[str, Array]]] = {
    "ancient_city": ancient_city,
    "blue_swirls": lambda: {"blue_swirls.jpg": swirls.paint()},
    "ember_strokes": lambda: {"ember_strokes.jpg": ember.paint()},
    "lighthouse": lambda: {"lighthouse.jpg": lighthouse.paint()},
    "halves": halves,
    "doodle": doodle,
    "pebbles": lambda: {"pebbles.png": pebbles.paint()},
}


def main(names: list[str]) -> None:
    """Paints the named pictures, or all."""
    if unknown := set(names) - set(PICTURES):
        sys.exit(f"No picture is called {', '.join(sorted(unknown))}. The pictures are {', '.join(PICTURES)}.")
    for name in names or PICTURES:
        start = perf_counter()
        for file, pixels in PICTURES[name]().items():
            eight_bits(pixels).save(FOLDER / file, quality=95, subsampling=0, optimize=True)
            print(f"{file}: {pixels.shape[1]}×{pixels.shape[0]}, {perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
