"""Keeps what third-party code prints apart from results, which are on stdout."""

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
    stream: Any = None if sys.stderr is None else _Unclosed(sys.stderr)
    try:
        with redirect_stdout(stream), redirect_stderr(stream):
            yield
    finally:
        sys.stdout, sys.stderr = (each if each and not each.closed else None for each in (sys.stdout, sys.stderr))


class _Unclosed:
    """A stream that is the given one in everything but `close`.

    Attributes are passed on because rich recognizes a stream that it has replaced itself by one of them.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Does nothing."""
