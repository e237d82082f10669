"""Random crops of many pictures, determined by a key alone, so that a resumed training samples the same crops."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from stylepipe.artifacts import Folder, Image
from stylepipe.errors import ChangedInput, InputError, StageError
from stylepipe.image.sizes import scaled
from stylepipe.neural.training.picture_folders import Note, PictureCache


class Crops(NamedTuple):
    """The pictures, their sampling probabilities, and the numbers of their folders, from 1."""

    pictures: PictureCache
    shares: Float[np.ndarray, " pictures"]
    folders: Int[np.ndarray, " pictures"]

    def draw(self, key: PRNGKeyArray, *, count: int, side: int) -> Float[np.ndarray, "count side side 3"]:
        """Samples square crops of `side` pixels, mirrored at random; values in [0, 1].

        A damaged picture is replaced by another one from its folder, determined by the key and the files. Raises StageError if
        all pictures of a folder are damaged, and ChangedInput.
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
    """Prepares crops of all pictures, resized to a long side of at most `longest` pixels, and at `halvings` half sizes.

    Downscaling sharpens photographs, and shows more of a picture in a crop. Folders, pictures of a folder and sizes of a
    picture have equal probabilities; sizes below `side` are omitted. Only headers are read now, pictures when they are sampled.
    A damaged picture is skipped with a `note`; if `strict`, all are read now, and the first damaged one is an error.

    Raises StageError without folders and for a folder without a picture that is large enough, InputError for a damaged picture
    if `strict`, and ChangedInput.
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
    """Returns the center crop of each sufficiently large picture of a folder.

    Damaged pictures are skipped with a `note`. Raises StageError if none remains, InputError for a damaged picture if `strict`,
    and ChangedInput.
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
    """Splits the crops into groups of at most `most`."""
    return [crops[first : first + most] for first in range(0, len(crops), most)]


def _levels(folder: Folder, name: str, side: int, longest: int, halvings: int, *, strict: bool, note: Note | None) -> int:
    """Returns how many sizes of a picture are large enough for a crop."""
    image = _attempted(folder.read if strict else folder.outline or folder.read, name, strict=strict, note=note)
    if image is None:
        return 0
    factor = min(1.0, longest / max(image.size))
    return sum(min(scaled(image.size, factor / 2**level)) >= side for level in range(halvings + 1))


def _attempted(read: Callable[[str], Image], name: str, *, strict: bool, note: Note | None) -> Image | None:
    """Reads a picture; None for a damaged one that is skipped."""
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
