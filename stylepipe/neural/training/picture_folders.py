"""Pictures of folders at the sizes for crops: read on demand, with a least-recently-used cache in memory."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from stylepipe.artifacts import Folder, Image
from stylepipe.errors import ChangedInput, InputError
from stylepipe.image.sizes import scaled
from stylepipe.transparency import fill_hidden

Picture = UInt8[np.ndarray, "_ _ 3"]
Note = Callable[[str], None]
"""Receives a message about a skipped picture."""

MAX_BYTES = 512_000_000
"""The size of the cache: 550 pictures of 640×480 pixels, or 28 of 6 megapixels."""


class PictureCache:
    """Pictures by number: each size of each added picture, resized to a long side of at most `longest`, and halved.

    `damaged` are the numbers of unreadable pictures; `note` is called once per file.
    """

    def __init__(
        self, folders: Sequence[Folder], *, longest: int, note: Note | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        self.damaged: set[int] = set()
        self._folders = folders
        self._longest = longest
        self._note = note
        self._max_bytes = max_bytes
        self._members: list[tuple[int, str, int, int]] = []
        self._kept: OrderedDict[tuple[int, str], list[Picture]] = OrderedDict()
        self._bytes = 0

    def add(self, folder: int, name: str, levels: int) -> None:
        """Adds `levels` sizes of a picture of a folder, counted from 1."""
        self._members += [(folder, name, level, levels) for level in range(levels)]

    def __len__(self) -> int:
        """The number of pictures, each size counted."""
        return len(self._members)

    def __getitem__(self, number: int) -> Picture | None:
        """Returns a picture by number, from 0; None if it cannot be read. Raises ChangedInput."""
        if number in self.damaged:
            return None
        folder, name, level, levels = self._members[number]
        if (folder, name) not in self._kept:
            try:
                image = self._folders[folder - 1].read(name)
            except ChangedInput:
                raise
            except InputError as error:
                self.damaged.update(range(number - level, number - level + levels))
                if self._note:
                    self._note(f"{error.message} It is left out.")
                return None
            self._keep((folder, name), _sizes(image, self._longest, levels))
        self._kept.move_to_end((folder, name))
        return self._kept[folder, name][level]

    def _keep(self, place: tuple[int, str], pictures: list[Picture]) -> None:
        self._kept[place] = pictures
        self._bytes += sum(picture.nbytes for picture in pictures)
        while self._bytes > self._max_bytes and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= sum(picture.nbytes for picture in dropped)


def _sizes(image: Image, longest: int, levels: int) -> list[Picture]:
    height, width = image.size
    factor = min(1.0, longest / max(height, width))
    # Pillow, because ours is compiled anew for each size of picture.
    planes = [image.pixels] if image.alpha is None else [image.pixels, image.alpha[..., None]]
    whole = PIL.Image.fromarray(np.rint(np.concatenate(planes, axis=-1) * 255).astype(np.uint8))
    return [
        _filled(np.asarray(whole.resize((width, height), PIL.Image.Resampling.LANCZOS)))  # premultiplied, where there is alpha
        for height, width in (scaled(image.size, factor / 2**level) for level in range(levels))
    ]


def _filled(levels: UInt8[np.ndarray, "_ _ channels"]) -> Picture:
    """Without alpha, what it hides filled."""
    if levels.shape[2] == 3:
        return levels
    pixels, alpha = levels[..., :3].astype(np.float32) / 255, levels[..., 3].astype(np.float32) / 255
    return np.rint(fill_hidden(pixels, alpha) * 255).astype(np.uint8)
