"""Provenance in a picture: JSON in one compressed iTXt chunk of a PNG file. The pixels do not change.

PNG, third edition, sections 5.3 (chunks) and 11.3.3.4 (iTXt).
"""

import os
import struct
from io import BufferedReader, BytesIO
from pathlib import Path

from PIL.PngImagePlugin import MAX_TEXT_CHUNK, PngImageFile, PngInfo, putchunk

from stylepipe.engine.cache.atomic_files import output_errors, write_whole
from stylepipe.errors import InputError
from stylepipe.image.files.silence import without_warnings
from stylepipe.paths import open_regular
from stylepipe.sharing.provenance import Provenance, parse_provenance

KEYWORD = "stylepipe"
MAX_BYTES = MAX_TEXT_CHUNK
"""1 MiB of JSON before compression, the limit of Pillow and many other readers."""
MAX_FILE_BYTES = 1_000_000_000
MAX_SIDE = 65_536
"""Maximal side of a stage's result in pixels."""

MAX_CHUNKS = 1000
"""Maximal number of chunks before the pixels of a file."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = len(_SIGNATURE) + 4 + len("IHDR") + 13 + 4


def embed(path: Path, provenance: Provenance) -> None:
    """Adds the provenance to a PNG file.

    Raises ValueError when it is larger than `MAX_BYTES`, and StoreError when writing fails.
    """
    text = provenance.model_dump_json(exclude_none=True)
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"expected at most {MAX_BYTES} bytes, received {len(text.encode())}")
    with output_errors(path.parent):
        write_whole(path, with_text(path.read_bytes(), KEYWORD, text))


def with_text(png: bytes, keyword: str, text: str) -> bytes:
    """Returns a PNG file with one more compressed text, as the first chunk after its header."""
    chunks = PngInfo()
    chunks.add_itxt(keyword, text, zip=True)
    chunk = BytesIO()
    for kind, data, *_ in chunks.chunks:
        putchunk(chunk, kind, data)
    return png[:_HEADER] + chunk.getvalue() + png[_HEADER:]


def read_picture(path: Path) -> Provenance:
    """Reads the provenance of a picture without decoding its pixels.

    Raises InputError when it has none, or when the file is missing, damaged, or larger than `MAX_FILE_BYTES`.
    """
    try:
        if not path.is_file():
            raise InputError(f"There is no file '{path}'.", hint="Check its name and its folder.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"'{path}' is larger than {MAX_FILE_BYTES // 10**6} MB.", hint="A picture of a run is smaller.")
        with without_warnings(), open_regular(path) as file:
            _require_few_chunks(file)
            picture = PngImageFile(file)  # of any size that stages make, as nothing is decoded
            if max(picture.size) > MAX_SIDE:
                raise ValueError(f"{picture.size} pixels")
            text = picture.info.get(KEYWORD)
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror}.", hint="Check its permissions.") from error
    except Exception as error:  # Pillow's readers raise whatever they stumble over
        raise InputError(f"'{path}' is damaged, or no PNG file.", hint="Get it again from where it came.") from error
    if not isinstance(text, str):
        raise InputError(
            f"'{path}' does not say how it was made.",
            hint="Results of runs do, unless they were made with --no-embed or another program has saved them again. "
            "To use it as an input of a recipe: -p content=PICTURE; 'stylepipe runs' lists the runs.",
        )
    return parse_provenance(text, file=str(path))


def _require_few_chunks(file: BufferedReader) -> None:
    """Raises ValueError for a PNG with many chunks before its pixels, which Pillow reads slowly."""
    file.seek(len(_SIGNATURE))
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
        if kind in (b"IDAT", b"IEND", bytes(4)):
            file.seek(0)
            return
        file.seek(length + 4, os.SEEK_CUR)
    raise ValueError(f"more than {MAX_CHUNKS} chunks before the pixels")
