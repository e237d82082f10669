import warnings
from threading import Event, Thread

from stylepipe.image.files.silence import without_warnings


def test_warnings_are_ignored_in_the_block_only(recwarn):
    with without_warnings():
        warnings.warn("odd metadata", stacklevel=1)
    assert not recwarn.list


def test_blocks_of_two_threads_leave_the_filters_as_they_were():
    before, inside, leave = list(warnings.filters), Event(), Event()

    def other() -> None:
        with without_warnings():
            inside.set()
            leave.wait()

    thread = Thread(target=other)
    with without_warnings():
        thread.start()
        assert not inside.wait(0.1)
    leave.set()
    thread.join()
    assert list(warnings.filters) == before
