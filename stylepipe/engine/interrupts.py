"""Ctrl-C: the first one asks a run to stop in good order, the second one stops it at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from stylepipe.errors import Interrupted

RESUME = "Run the same command again to go on from there."


class StopRequest:
    """Whether the user has asked to stop."""

    def __init__(self) -> None:
        self._asked = False

    @property
    def asked(self) -> bool:
        """Whether to stop as soon as the state is saved."""
        return self._asked

    def ask(self) -> None:
        """Asks to stop."""
        self._asked = True

    def check(self) -> None:
        """Raises Interrupted if so: for moments at which nothing is lost by stopping."""
        if self.asked:
            raise Interrupted("Stopped between two steps.", hint=RESUME)


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """A request that the first SIGINT inside the block makes; further ones raise KeyboardInterrupt.

    Where SIGINT is ignored or handled by somebody else, and outside the main thread, it is never made.
    """
    stop = StopRequest()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            signal.default_int_handler(number, frame)
        stop.ask()

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield stop
        return
    signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
