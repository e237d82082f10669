"""Verification: compares the results of a repeated run with the originals, and both environments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from stylepipe.engine.runs.records import OutputRecord
from stylepipe.image.files.io import read_image
from stylepipe.image.metrics import psnr

TOLERANCE = 40.0
"""In dB of PSNR: a root mean square difference of 1 % of the range (2.55 of 255 levels), invisible side by side.

Other versions and devices round differently. An optimization amplifies that, and its result looks alike with other pixels.
"""

Verdict = Literal["exact", "within tolerance", "different"]
VERDICTS: tuple[Verdict, ...] = ("exact", "within tolerance", "different")
"""From the best to the worst."""


@dataclass(frozen=True)
class Verification:
    """Comparison of one result. `psnr` is that of the pictures in dB.

    It is None without pictures, or where their sizes or modes differ, and infinite for equal pictures; the results may still
    differ by less than a picture file can hold.
    """

    verdict: Verdict
    psnr: float | None


def compare(digest: str, file: Path | None, repeated: OutputRecord, repeated_file: Path) -> Verification:
    """Compares a result, given by its digest and optionally its picture, with the repeated result.

    The verdict is exact when the digests are equal, and the pictures bit by bit. Raises InputError for an unreadable picture.
    """
    if file is None or repeated_file.suffix != ".png":
        return Verification("exact" if digest == repeated.digest else "different", None)
    value = _likeness(file, repeated_file)
    if digest == repeated.digest and value == np.inf:
        return Verification("exact", value)
    return Verification("within tolerance" if value is not None and value >= TOLERANCE else "different", value)


def _likeness(one: Path, other: Path) -> float | None:
    """Returns the PSNR of two pictures, or of their alpha where it is lower; None for different sizes or kinds."""
    first, second = read_image(one), read_image(other)
    if first.size != second.size or (first.alpha is None) != (second.alpha is None):
        return None
    if first.alpha is None or second.alpha is None:
        return psnr(first.pixels, second.pixels)
    alphas = [np.stack([alpha] * 3, -1) for alpha in (first.alpha, second.alpha)]
    return min(psnr(first.pixels * alphas[0], second.pixels * alphas[1]), psnr(*alphas))  # what is hidden does not count


def changes(
    recorded: Iterable[Mapping[str, str | int]], here: Mapping[str, str | int]
) -> dict[str, tuple[str | int | None, str | int | None]]:
    """Returns the differences between the environment of a run and this one: old and new value by name.

    Without differences, results have the same bytes; see `engine.environment`.
    """
    return {
        name: (environment.get(name), here.get(name))
        for environment in recorded
        for name in {**environment, **here}
        if environment.get(name) != here.get(name)
    }
