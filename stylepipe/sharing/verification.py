"""Verification: compares the results of a repeated run with the originals, and says what could be promised."""

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

Other versions and devices round otherwise, which an optimization amplifies; its result is another one of the same look.
"""

Verdict = Literal["exact", "within tolerance", "different"]
VERDICTS: tuple[Verdict, ...] = ("exact", "within tolerance", "different")
"""From the best to the worst."""


@dataclass(frozen=True)
class Compared:
    """How a result came out; `psnr` in dB is of the pictures that both left, None where there is none or they are not alike.

    It is infinite for equal pictures, of which the results may still differ by less than a picture's file can hold.
    """

    verdict: Verdict
    psnr: float | None


def compare(digest: str, file: Path | None, made: OutputRecord, made_file: Path) -> Compared:
    """Compares a result, given by its digest and optionally its picture, with the repeated result.

    It is exact when the digests are equal, and the pictures to the last bit. Raises InputError when a picture cannot be read.
    """
    if file is None or made_file.suffix != ".png":
        return Compared("exact" if digest == made.digest else "different", None)
    value = _likeness(file, made_file)
    if digest == made.digest and value == np.inf:
        return Compared("exact", value)
    return Compared("within tolerance" if value is not None and value >= TOLERANCE else "different", value)


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

    Where there is nothing, results are equal to the byte, as `engine.environment` says.
    """
    return {
        name: (environment.get(name), here.get(name))
        for environment in recorded
        for name in {**environment, **here}
        if environment.get(name) != here.get(name)
    }
