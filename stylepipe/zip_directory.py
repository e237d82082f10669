"""How large the table of members of a zip file is, known from the file's last bytes: reading it takes time for each member."""

import os
import struct
from io import BufferedReader

_END, _LOCATOR = struct.Struct("<4s4H2LH"), 20  # of the central directory; what zip64 has before it

ZIP64 = 2**32
"""What is said of a table in zip64's form, which only files of 65,536 members or 4 GB need."""


def directory_bytes(file: BufferedReader) -> int | None:
    """The bytes of the table; None where the file does not end as a zip file without a comment does."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size - _LOCATOR))
    last = file.read()
    file.seek(0)
    if len(last) < _END.size or last[-_END.size :][:4] != b"PK\5\6":
        return None
    return ZIP64 if last.startswith(b"PK\6\7") else _END.unpack(last[-_END.size :])[5]
