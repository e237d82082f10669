"""Digests and imports of Python sources, kept between processes, because parsing takes longer than all other parts of a key.

Entries are found by the SHA-256 of the source, so that none can be out of date. The private file only saves time: where it is
missing, damaged or cannot be written, sources are parsed.
"""

import hashlib
import json
import sys
from contextlib import suppress
from pathlib import Path

from stylepipe.cache_folder import make_private
from stylepipe.engine.cache.atomic_files import write_whole

MAX_SOURCES = 4096

ParsedSource = tuple[str, tuple[str, ...]]
"""The digest of a module's code, and the names that it imports."""


class ParsedSources:
    """The entries of the file in a folder; `parser` is the code that computed them, whose change invalidates all."""

    def __init__(self, folder: Path, *, parser: bytes) -> None:
        self._file = folder / f"sources-{sys.implementation.cache_tag}.json"
        self._parser = sys.version.encode() + parser
        self._entries: dict[str, ParsedSource] = {}
        self._changed = False
        with suppress(OSError):
            checksum, _, content = self._file.read_bytes().partition(b"\n")
            if checksum == self._checksum(content):
                self._entries = {key: (digest, tuple(imports)) for key, (digest, imports) in json.loads(content).items()}

    def get(self, source: bytes, package: str) -> ParsedSource | None:
        """Returns the entry of a source whose relative imports start from `package`."""
        return self._entries.get(_key(source, package))

    def put(self, source: bytes, package: str, parsed: ParsedSource) -> None:
        """Adds an entry; `save` stores it."""
        self._entries[_key(source, package)] = parsed
        self._changed = True

    def save(self) -> None:
        """Writes the file if there are new entries; of more than `MAX_SOURCES`, those added last."""
        if not self._changed:
            return
        self._changed = False
        content = json.dumps(dict(list(self._entries.items())[-MAX_SOURCES:])).encode()
        with suppress(OSError):
            if make_private(self._file.parent):
                write_whole(self._file, self._checksum(content) + b"\n" + content)

    def _checksum(self, content: bytes) -> bytes:
        return hashlib.sha256(self._parser + b"\0" + content).hexdigest().encode()


def _key(source: bytes, package: str) -> str:
    return hashlib.sha256(package.encode() + b"\0" + source).hexdigest()
