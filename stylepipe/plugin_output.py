"""Keeps what third-party code prints apart from results, which are on stdout."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any


@contextmanager
def plugin_output() -> Iterator[None]:
    """Sends everything that is printed inside to stderr.

    The code may close `sys.stdout` and `sys.stderr` without effect. Streams of the process that it closes by other names are
    None afterwards, as where they were closed from the beginning.
    """
    stream = None if sys.stderr is None else _Unclosed(sys.stderr)
    try:
        with redirect_stdout(stream), redirect_stderr(stream):
            yield
    finally:
        sys.stdout, sys.stderr = (each if each and not each.closed else None for each in (sys.stdout, sys.stderr))


class _Unclosed(io.TextIOBase):
    """Writes to a stream that it does not close. (Closing an `io.TextIOWrapper` around its buffer would.)"""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._stream.encoding
