"""What workers say, as JSON and back."""

import math

import pytest

from stylepipe.engine.events import EngineNote, StageEmitted, StageFinished, StageStarted
from stylepipe.engine.workers.messages import Done, Failed, Left, decode, encode
from stylepipe.errors import InputError, MemoryShortage, StageError, WeightsError
from stylepipe.stage import Note, Progress


@pytest.mark.parametrize(
    "answer",
    [
        StageStarted("a", ("it was forced", "it has not run before"), ({"done": 1, "total": 2, "loss": "inf", "terms": {}},)),
        StageEmitted("a", Progress(1, 2, loss=math.inf, terms={"a": -1.5}, pictures=4)),
        StageEmitted("a", Progress(0, 0)),
        StageEmitted("é\n\x1b", Note("\udcff\x00")),
        StageFinished("a", 1.25),
        EngineNote("Damaged.", None),
        Done("a", "0" * 64, "1" * 64, computed=False),
        Failed("a", "InputError", "Not here.", None, "Traceback"),
        Left("a"),
    ],
)
def test_an_answer_comes_back_as_it_was(answer):
    assert decode(encode(answer)) == answer


def test_a_loss_that_is_not_a_number_comes_back_so():
    answer = decode(encode(StageEmitted("a", Progress(1, 2, loss=math.nan))))
    assert isinstance(answer, StageEmitted)
    assert isinstance(answer.event, Progress)
    assert answer.event.loss is not None
    assert math.isnan(answer.event.loss)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InputError("x", hint="y"), InputError),
        (WeightsError("x"), WeightsError),
        (MemoryShortage("x"), StageError),
        (type("Own", (StageError,), {})("x"), StageError),
    ],
)
def test_a_failure_is_of_the_projects_own_kinds(error, kind):
    failed = Failed.of("a", error)
    assert type(failed.error) is kind
    assert (failed.error.message, failed.error.hint) == (error.message, error.hint)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "3",
        "{}",
        '{"kind": "Path", "stage": "a", "fields": {}}',
        '{"kind": "Done", "stage": "a", "fields": {"stage": "a"}}',
        '{"kind": "Done", "stage": "a", "fields": []}',
        '{"kind": "Progress", "stage": "a", "fields": {"done": "x", "total": 2}}',
        '{"kind": "Failed", "stage": "a", "fields": {"stage": "a", "kind": "SystemExit", "message": "", "hint": null}}',
        "[" * 100_000,
    ],
)
def test_anything_else_is_no_answer(text):
    with pytest.raises(ValueError, match=r"not an answer|Expecting value"):
        decode(text)
