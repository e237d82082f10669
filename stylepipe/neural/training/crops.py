"""Random crops of many pictures: which one is drawn depends on a key alone, so that a resumed training sees the same ones."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
import PIL.Image
from jaxtyping import Float, PRNGKeyArray, UInt8

from stylepipe.artifacts import Folder
from stylepipe.errors import StageError
from stylepipe.image.resize import scaled
from stylepipe.transparency import fill_hidden

Picture = UInt8[np.ndarray, "height width 3"]


class Crops(NamedTuple):
    """The pictures to cut from, each with 8 bits a sample, and the share of all crops that is cut from each."""

    pictures: tuple[Picture, ...]
    shares: Float[np.ndarray, " pictures"]

    def draw(self, key: PRNGKeyArray, *, count: int, side: int) -> Float[np.ndarray, "count side side 3"]:
        """Square crops of `side` pixels, each mirrored or not at random; values in [0, 1]."""
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        crops = np.empty((count, side, side, 3), np.float32)
        for i, chosen in enumerate(random.choice(len(self.pictures), count, p=self.shares)):
            picture = self.pictures[chosen]
            top, left = (random.integers(length - side + 1) for length in picture.shape[:2])
            crop = picture[top : top + side, left : left + side]
            crops[i] = crop[:, ::-1] if random.random() < 0.5 else crop
        return crops / np.float32(255)


def crops_of(folders: Sequence[Folder], *, side: int, longest: int, halvings: int) -> Crops:
    """Each picture of the folders, brought to a long side of at most `longest` pixels, and so many times halved.

    Shrinking makes photographs sharp again, and shows more of a picture in a crop. Every folder counts alike, every picture of
    a folder, and every size of a picture; sizes below `side` are left out. Raises StageError without folders, and when one has
    no picture that is large enough, and InputError as `Folder.read` does.
    """
    if not folders:
        raise StageError("No folder of pictures was given.", hint="Give at least one.")
    pictures: list[Picture] = []
    shares: list[float] = []
    for number, folder in enumerate(folders, 1):
        sizes = [found for name in folder.names if (found := _sizes(folder, name, side, longest, halvings))]
        if not sizes:
            raise StageError(
                f"Folder {number} of {len(folders)} has no picture of at least {side}×{side} pixels, "
                f"once brought to a long side of at most {longest}.",
                hint="Choose smaller crops, larger pictures, or another 'longest'.",
            )
        for of_one in sizes:
            pictures += of_one
            shares += [1 / (len(folders) * len(sizes) * len(of_one))] * len(of_one)
    return Crops(tuple(pictures), np.array(shares) / sum(shares))


def center_crops(folder: Folder, side: int) -> Float[np.ndarray, "pictures side side 3"]:
    """The middle of each picture of a folder that is large enough. Raises StageError when none is."""
    found = []
    for name in folder.names:
        pixels = folder.read(name).pixels
        height, width, _ = pixels.shape
        top, left = (height - side) // 2, (width - side) // 2
        if top >= 0 and left >= 0:
            found.append(pixels[top : top + side, left : left + side].copy())  # not a view, which would keep the picture
    if not found:
        raise StageError(
            f"The folder to validate with has no picture of at least {side}×{side} pixels.",
            hint="Choose smaller crops, or larger pictures.",
        )
    return np.stack(found)


def in_groups(crops: Float[np.ndarray, "pictures side side 3"], most: int) -> list[Float[np.ndarray, "_ side side 3"]]:
    """The crops, at most so many together."""
    return [crops[first : first + most] for first in range(0, len(crops), most)]


def _sizes(folder: Folder, name: str, side: int, longest: int, halvings: int) -> list[Picture]:
    image = folder.read(name)
    height, width = image.size
    factor = min(1.0, longest / max(height, width))
    sizes = [scaled((height, width), factor / 2**n) for n in range(halvings + 1)]
    # Pillow, because ours is compiled anew for each size of picture.
    planes = [image.pixels] if image.alpha is None else [image.pixels, image.alpha[..., None]]
    whole = PIL.Image.fromarray(np.rint(np.concatenate(planes, axis=-1) * 255).astype(np.uint8))
    return [
        _filled(np.asarray(whole.resize((width, height), PIL.Image.Resampling.LANCZOS)))  # premultiplied, where there is alpha
        for height, width in sizes
        if min(height, width) >= side
    ]


def _filled(levels: UInt8[np.ndarray, "height width channels"]) -> Picture:
    """Without alpha, what it hides filled."""
    if levels.shape[2] == 3:
        return levels
    pixels, alpha = levels[..., :3].astype(np.float32) / 255, levels[..., 3].astype(np.float32) / 255
    return np.rint(fill_hidden(pixels, alpha) * 255).astype(np.uint8)
