"""Ctrl-C, SIGTERM and SIGHUP: the first one asks a run to stop cleanly, the second one stops it at once."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from stylepipe.errors import Interrupted, Stopped

_AGAIN_SECONDS = 0.05

RESUME = "Run the same command again to resume."

_USUAL: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    **({signal.SIGHUP: signal.SIG_DFL} if hasattr(signal, "SIGHUP") else {}),  # Windows has none
}
"""The signals that ask to stop, and Python's default handlers for them."""


class StopRequest:
    """The user's request to stop, if any."""

    def __init__(self) -> None:
        self._number: int | None = None

    @property
    def asked(self) -> bool:
        """Whether to stop as soon as the state is saved."""
        return self._number is not None

    def ask(self, number: int = signal.SIGINT) -> None:
        """Requests a stop with the signal of that number."""
        self._number = number

    def interrupted(self, message: str) -> Interrupted:
        """Returns the error to raise, whose exit code names the signal."""
        return Interrupted(message, hint=RESUME, number=self._number or signal.SIGINT)

    def check(self) -> None:
        """Raises Interrupted after a request; called where stopping loses nothing."""
        if self.asked:
            raise self.interrupted("Stopped between two steps.")


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Yields a request that the first signal inside the block makes; further ones raise KeyboardInterrupt.

    A signal that is ignored or handled elsewhere, as under nohup, is left alone; outside the main thread no request is made.
    """
    stop = StopRequest()

    def ask(number: int, frame: FrameType | None) -> None:
        if not stop.asked:
            stop.ask(number)
        elif _postponed(frame):
            _send_again(number)
        else:
            signal.default_int_handler(number, frame)

    with _handled_by(ask):
        yield stop


@contextmanager
def stopping_signals() -> Iterator[None]:
    """Makes signals raise Stopped inside the block, except within blocks of `stop_requests`."""
    with _handled_by(_stop):
        yield


def _stop(number: int, frame: FrameType | None) -> None:
    if _postponed(frame):
        _send_again(number)
    else:
        raise Stopped(number)


def _postponed(frame: FrameType | None) -> bool:
    """Returns whether an exception must wait: one in the import of a C++ module may corrupt it, one in a hook would be lost."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename == "<frozen importlib._bootstrap>" or (code.co_filename, code.co_name) == (__file__, "send_again"):
            return True
        frame = frame.f_back
    return False


def _send_again(number: int) -> None:
    timer = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
    timer.daemon = True
    with suppress(RuntimeError):  # Python is shutting down and starts no threads
        timer.start()


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Installs a handler for signals with default handlers, whose exceptions survive where Python ignores some.

    Python only prints exceptions raised in finalizers and weak-reference callbacks, which imports run often. A signal whose
    exception ends there is sent again a moment later.
    """
    hook = sys.unraisablehook

    def send_again(ignored: "sys.UnraisableHookArgs") -> None:
        if isinstance(ignored.exc_value, Stopped | KeyboardInterrupt):
            _send_again(ignored.exc_value.number if isinstance(ignored.exc_value, Stopped) else signal.SIGINT)
        else:
            hook(ignored)

    ours = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in _USUAL if ours}
    free = {number: usual for number, usual in before.items() if usual in (_USUAL[number], _stop)}
    for number in free:
        signal.signal(number, handler)
    if free:
        sys.unraisablehook = send_again
    try:
        yield
    finally:
        if free:
            sys.unraisablehook = hook
        for number, usual in free.items():
            signal.signal(number, usual)
