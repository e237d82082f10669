"""The file of a picture as decoders read it: with a limit on the number of reads, and a missing end marker added."""

from io import BufferedReader, FileIO
from pathlib import Path

READS, BYTES_PER_READ, MAX_READS = 50_000, 256, 1_000_000
"""The limit on reads: READS, and one more for each BYTES_PER_READ bytes of the file, but at most MAX_READS.

Pillow's parsers read several times for each chunk, segment or block, some microseconds each: 100 megapixels of 16-bit RGBA in
PNG chunks of 8 KiB take 400,000 reads.
"""


class TooManyParts(Exception):
    """A file in so many parts that reading it would take minutes."""


class PictureFile(BufferedReader):
    """An opened file that counts its reads.

    `end` is returned once to a decoder that reads beyond the last byte; `ended_early` tells whether one did.
    Raises OSError as the system reports it; reading raises TooManyParts.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(FileIO(path))
        self.end = b""
        self.ended_early = False
        self._reads = min(MAX_READS, READS + path.stat().st_size // BYTES_PER_READ)

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads as `BufferedReader.read` does, and once after the last byte returns the end marker."""
        self._reads -= 1
        if self._reads < 0:
            raise TooManyParts
        data = super().read(size)
        if data or size == 0:
            return data
        self.ended_early = True
        data, self.end = self.end, b""
        return data
