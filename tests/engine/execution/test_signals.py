"""Signals that ask to stop, wherever they come."""

import gc
import importlib
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from stylepipe.engine.execution.signals import Stopped, stop_requests, stopping_signals


def in_a_callback_of_a_weak_reference(act: Callable[[], None]) -> None:
    thing = set[int]()
    reference = weakref.ref(thing, lambda _: act())
    del thing
    assert reference() is None


def in_a_finalizer(act: Callable[[], None]) -> None:
    class Thing:
        def __del__(self) -> None:
            act()

    Thing()


def in_a_garbage_collection(act: Callable[[], None]) -> None:
    def once(phase: str, info: object) -> None:
        gc.callbacks.remove(once)
        act()

    gc.callbacks.append(once)
    gc.collect()


PLACES = [in_a_callback_of_a_weak_reference, in_a_finalizer, in_a_garbage_collection]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_not_lost_where_python_ignores_exceptions(place, number, capsys):
    hook = sys.unraisablehook
    with pytest.raises(Stopped) as stopped, stopping_signals():
        place(lambda: signal.raise_signal(number))
        time.sleep(10)
    assert stopped.value.number == number
    assert sys.unraisablehook is hook
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("place", PLACES)
def test_nor_is_one_that_comes_while_it_is_sent_again(place, monkeypatch, capsys):
    """On a busy machine it comes before the timer that sends it has been started."""
    timers = []

    class Timer(threading.Timer):
        def start(self) -> None:
            timers.append(self)
            super().start()
            if len(timers) == 1:
                signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(threading, "Timer", Timer)
    with pytest.raises(Stopped), stopping_signals():
        place(lambda: signal.raise_signal(signal.SIGTERM))
        time.sleep(10)
    for timer in timers:
        timer.cancel()
    assert len(timers) > 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("place", PLACES)
def test_nor_is_the_second_one_of_a_run(place, capsys):
    with pytest.raises(KeyboardInterrupt), stop_requests() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.asked
        place(lambda: signal.raise_signal(signal.SIGINT))
        time.sleep(10)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("block", "signals", "error"), [(stopping_signals, 1, Stopped), (stop_requests, 2, KeyboardInterrupt)])
def test_the_import_of_a_module_is_not_broken_off(tmp_path, monkeypatch, block, signals, error):
    (tmp_path / "a_slow_module.py").write_text(
        "import signal\n" + signals * "signal.raise_signal(signal.SIGINT)\n" + "whole = True\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(error), block():
        assert importlib.import_module("a_slow_module").whole
        time.sleep(10)
    del sys.modules["a_slow_module"]


def test_other_exceptions_there_are_shown_as_ever(monkeypatch):
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", lambda ignored: shown.append(ignored.exc_value))
    error = ValueError("of its own")

    def fail() -> None:
        raise error

    with stopping_signals():
        in_a_finalizer(fail)
    assert shown == [error]
