"""Measures the central directory of a zip file from the file's last bytes, without reading its entries."""

import os
import struct
from io import BufferedReader

_END, _LOCATOR = struct.Struct("<4s4H2LH"), 20  # end-of-directory record; zip64 locator before it

ZIP64 = 2**32
"""The size reported for a directory in zip64 format, which only files of 65,536 members or 4 GB need."""


def directory_bytes(file: BufferedReader) -> int | None:
    """Returns the size of the central directory in bytes; None where the file does not end as a zip file without comment."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size - _LOCATOR))
    last = file.read()
    file.seek(0)
    if len(last) < _END.size or last[-_END.size :][:4] != b"PK\5\6":
        return None
    return ZIP64 if last.startswith(b"PK\6\7") else _END.unpack(last[-_END.size :])[5]
