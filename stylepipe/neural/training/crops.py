"""Random crops of many pictures: which one is drawn depends on a key alone, so that a resumed training sees the same ones."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from stylepipe.artifacts import Folder, Image
from stylepipe.errors import ChangedInput, InputError, StageError
from stylepipe.image.resize import scaled
from stylepipe.neural.training.picture_folders import Note, PictureCache


class Crops(NamedTuple):
    """The pictures to cut from, the share of all crops that is cut from each, and the number of its folder, from 1."""

    pictures: PictureCache
    shares: Float[np.ndarray, " pictures"]
    folders: Int[np.ndarray, " pictures"]

    def draw(self, key: PRNGKeyArray, *, count: int, side: int) -> Float[np.ndarray, "count side side 3"]:
        """Square crops of `side` pixels, each mirrored or not at random; values in [0, 1].

        In the place of a picture that turns out to be damaged another one is drawn from its folder; which one depends on the
        key and the files alone. Raises StageError when all pictures of a folder are damaged, and ChangedInput.
        """
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        crops = np.empty((count, side, side, 3), np.float32)
        for i, number in enumerate(random.choice(len(self.pictures), count, p=self.shares).tolist()):
            chosen = number
            while (picture := self.pictures[chosen]) is None:
                chosen = self._another(random, chosen)
            top, left = (random.integers(length - side + 1) for length in picture.shape[:2])
            crop = picture[top : top + side, left : left + side]
            crops[i] = crop[:, ::-1] if random.random() < 0.5 else crop
        return crops / np.float32(255)

    def _another(self, random: np.random.Generator, damaged: int) -> int:
        number = self.folders[damaged]
        members = np.flatnonzero(self.folders == number)
        if self.pictures.damaged.issuperset(members.tolist()):
            message = f"Folder {number} of {self.folders[-1]} has no picture that can be read."
            raise StageError(message, hint="Give other pictures.")
        return int(random.choice(members, p=self.shares[members] / self.shares[members].sum()))


def crops_of(
    folders: Sequence[Folder], *, side: int, longest: int, halvings: int, strict: bool = False, note: Note | None = None
) -> Crops:
    """Each picture of the folders, brought to a long side of at most `longest` pixels, and so many times halved.

    Shrinking makes photographs sharp again, and shows more of a picture in a crop. Every folder counts alike, every picture of
    a folder, and every size of a picture; sizes below `side` are left out. Only headers are read now, the pictures when they
    are drawn. A damaged one is left out with a `note`; where `strict`, all are read now, and the first damaged one is an error.

    Raises StageError without folders, and when one has no picture that is large enough, InputError for a damaged picture
    where `strict`, and ChangedInput.
    """
    if not folders:
        raise StageError("No folder of pictures was given.", hint="Give at least one.")
    pictures = PictureCache(folders, longest=longest, note=note)
    shares: list[float] = []
    numbers: list[int] = []
    for number, folder in enumerate(folders, 1):
        levels = [_levels(folder, name, side, longest, halvings, strict=strict, note=note) for name in folder.names]
        usable = sum(map(bool, levels))
        if not usable:
            raise StageError(
                f"Folder {number} of {len(folders)} has no picture of at least {side}×{side} pixels, "
                f"once brought to a long side of at most {longest}.",
                hint="Choose smaller crops, larger pictures, or another 'longest'.",
            )
        for name, count in zip(folder.names, levels, strict=True):
            pictures.add(number, name, count)
            shares += [1 / (len(folders) * usable * count) for _ in range(count)]
            numbers += [number] * count
    return Crops(pictures, np.array(shares) / sum(shares), np.array(numbers))


def center_crops(
    folder: Folder, side: int, *, strict: bool = False, note: Note | None = None
) -> Float[np.ndarray, "pictures side side 3"]:
    """The middle of each picture of a folder that is large enough.

    Damaged pictures are left out with a `note`. Raises StageError when none is left, InputError for a damaged picture where
    `strict`, and ChangedInput.
    """
    crops = []
    for name in folder.names:
        image = _attempted(folder.read, name, strict=strict, note=note)
        if image is None:
            continue
        height, width = image.size
        top, left = (height - side) // 2, (width - side) // 2
        if top >= 0 and left >= 0:
            crops.append(image.pixels[top : top + side, left : left + side].copy())  # not a view, which would keep the picture
    if not crops:
        raise StageError(
            f"The folder to validate with has no picture of at least {side}×{side} pixels.",
            hint="Choose smaller crops, or larger pictures.",
        )
    return np.stack(crops)


def in_groups(crops: Float[np.ndarray, "pictures side side 3"], most: int) -> list[Float[np.ndarray, "_ side side 3"]]:
    """The crops, at most so many together."""
    return [crops[first : first + most] for first in range(0, len(crops), most)]


def _levels(folder: Folder, name: str, side: int, longest: int, halvings: int, *, strict: bool, note: Note | None) -> int:
    """How many sizes of a picture hold a crop."""
    image = _attempted(folder.read if strict else folder.outline or folder.read, name, strict=strict, note=note)
    if image is None:
        return 0
    factor = min(1.0, longest / max(image.size))
    return sum(min(scaled(image.size, factor / 2**level)) >= side for level in range(halvings + 1))


def _attempted(read: Callable[[str], Image], name: str, *, strict: bool, note: Note | None) -> Image | None:
    """The picture; None for one that is damaged and left out."""
    try:
        return read(name)
    except ChangedInput:
        raise
    except InputError as error:
        if strict:
            raise
        if note:
            note(f"{error.message} It is left out.")
        return None
