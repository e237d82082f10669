"""What stages may emit: numbers of any library, frames and notes, in one form; and what has no such form."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylepipe.engine.execution.emitted_events import plain
from stylepipe.engine.execution.spool import progress_line
from stylepipe.errors import StageError
from stylepipe.stage import Frame, Note, Progress

pytestmark = pytest.mark.usefixtures("unchecked_types")

NUMBERS = st.floats(width=32) | st.integers(-(10**300), 10**300)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.asarray, jnp.float32, jnp.bfloat16, jnp.asarray])
def test_losses_of_any_library_are_plain_numbers(kind):
    event = plain(Progress(np.int64(1), jnp.int32(2), loss=kind(1.5), terms={"a": kind(2.0)}, pictures=np.uint8(3)))
    assert event == Progress(1, 2, loss=1.5, terms={"a": 2.0}, pictures=3)
    assert {type(value) for value in (event.done, event.total, event.pictures)} == {int}
    assert {type(value) for value in (event.loss, event.terms["a"])} == {float}


@pytest.mark.parametrize(
    ("done", "total", "expected"), [(0, 0, (0, 0)), (-5, -1, (0, 0)), (50, 2, (50, 2)), (10**400, True, (2**53, 1))]
)
def test_counts_are_bounded(done, total, expected):
    event = plain(Progress(done, total))
    assert (event.done, event.total) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERS, NUMBERS, NUMBERS)
def test_whatever_is_a_number_can_be_written_down(count, loss, term):
    try:
        event = plain(Progress(count, 2, loss=loss, terms={"a": term}))
    except StageError as error:
        assert isinstance(count, float)
        assert "whole number" in error.message
    else:
        assert progress_line(event)


@pytest.mark.parametrize("loss", [math.inf, -math.inf, math.nan])
def test_a_loss_need_not_be_finite(loss):
    assert str(plain(Progress(1, 2, loss=np.float32(loss))).loss) == str(loss)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, jnp.bfloat16])
def test_frames_are_of_float32_from_0_to_1(dtype):
    pixels = jnp.asarray([[[0.5, -1, 2], [math.nan, math.inf, -math.inf]]], np.float32)
    event = plain(Frame(np.asarray(pixels).astype(dtype)))
    assert event.pixels.dtype == np.float32
    assert event.pixels.tolist() == [[[0.5, 0, 1], [0, 0, 0]]]


def test_a_note_has_a_bounded_length_and_can_be_encoded():
    assert plain(Note("\udcff")).text == r"\udcff"
    assert len(plain(Note("x" * 10**6)).text) == 2001


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: "hello", "It emitted str; expected Progress, Frame or Note."),
        (lambda: None, "It emitted NoneType; expected Progress, Frame or Note."),
        (lambda: Progress(0.5, 2), "It emitted progress whose 'done' is 0.5; expected a whole number."),
        (lambda: Progress(1, Unspeakable()), "It emitted progress whose 'total' is Unspeakable; expected a whole number."),
        (lambda: Progress(1, 2, loss="low"), "It emitted 'low' for the loss; expected a number."),
        (lambda: Progress(1, 2, loss=1j), "It emitted complex for the loss; expected a number."),
        (lambda: Progress(1, 2, loss=np.ones(3)), "It emitted ndarray for the loss; expected a number."),
        (lambda: Progress(1, 2, terms=[1.0]), "It emitted terms of list; expected numbers by name."),
        (lambda: Progress(1, 2, terms={"a": None}), "It emitted NoneType for the term 'a'; expected a number."),
        (lambda: Progress(1, 2, terms={1: 1.0}), "It emitted text that is int; expected str."),
        (lambda: Note(b"x"), "It emitted text that is bytes; expected str."),
        (lambda: Frame(np.zeros((4, 4))), "It emitted a frame of shape (4, 4); expected (height, width, 3)."),
        (lambda: Frame(np.zeros((0, 4, 3))), "It emitted a frame of shape (0, 4, 3); expected (height, width, 3)."),
        (lambda: Frame(np.zeros((4, 4, 4))), "It emitted a frame of shape (4, 4, 4); expected (height, width, 3)."),
        (lambda: Frame(np.zeros((4, 4, 3), np.uint8)), "It emitted a frame of uint8; expected float32 from 0 to 1."),
        (lambda: Frame([["a"]]), "It emitted a frame of list; expected float32 from 0 to 1."),
        (lambda: Frame([[1.0], [1.0, 2.0]]), "It emitted a frame of list; expected float32 from 0 to 1."),
    ],
)
def test_what_has_no_such_form_is_refused(make, message):
    with pytest.raises(StageError) as caught:
        plain(make())
    assert caught.value.message == message
