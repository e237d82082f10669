"""The stage `distill`: it learns, and an interruption leaves no trace."""

import jax
import numpy as np
import pytest
from pydantic import ValidationError

from stages.distill import DistillParams, distill
from stylepipe.artifacts import Folder, Image, Weights, digest
from stylepipe.errors import Interrupted, WeightsError
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.stage import Progress

from .memory import Memory


def folder(seed: int) -> Folder:
    draw = np.random.default_rng(seed)
    shapes = np.kron(draw.random((5, 6, 3)), np.ones((10, 10, 1))) + 0.1 * draw.random((50, 60, 3))
    picture = Image(np.float32(np.clip(shapes, 0, 1)))
    return Folder(("picture.png",), lambda name: picture)


@pytest.fixture
def run(tiny_vgg):
    def call(*, start=None, events=None, memory=None, **params):
        given = {
            "widths": ((6,), (8,)),
            "layers": {"relu1_1": 1, "relu2_1": 1},
            "schedule": {"steps": 60, "learning_rate": 0.03, "warmup": 5, "validate_every": 25},
            "batch": 2,
            "crop": 32,
            "halvings": 0,
            "batches": 3,
            "passes": 2,
            **params,
        }
        return distill(
            [folder(0), folder(1)],
            [tiny_vgg],
            DistillParams(**given),
            folder(2),
            start,
            key=jax.random.key(0),
            emit=(lambda event: None) if events is None else events.append,
            checkpoint=memory or Memory(),
        )

    return call


def validations(events: list[Progress]) -> dict[int, float]:
    name = "validation relu2_1"
    return {event.done: event.terms[name] for event in events if event.terms and name in event.terms}


@pytest.mark.slow
def test_it_learns_and_validates(run):
    events = []
    result = run(events=events)
    assert describe(result).depth == (1, 1)
    assert [event.done for event in events] == list(range(1, 61))
    found = validations(events)
    assert list(found) == [25, 50, 60]
    assert found[60] < found[25] < 0.4  # that of a student who says nothing is about 1


@pytest.mark.slow
def test_it_resumes_as_if_it_had_not_stopped(run):
    whole = run()
    memory = Memory(stop_at=17)
    with pytest.raises(Interrupted):
        run(memory=memory)
    memory.left = None
    events = []
    assert digest(run(memory=memory, events=events)) == digest(whole)
    assert events[0].done == 18


@pytest.mark.slow
def test_it_goes_on_from_an_earlier_result(run):
    events = []
    first = run(events=events)
    more = []
    run(start=first, events=more, schedule={"steps": 1, "learning_rate": 1e-6})
    assert validations(more)[1] == pytest.approx(validations(events)[60], rel=0.01)


@pytest.mark.slow
def test_a_start_grows_to_wider_layers_and_loses_nothing(run):
    events, more = [], []
    first = run(events=events)
    wider = run(start=first, events=more, widths=((9,), (10,)), schedule={"steps": 1, "learning_rate": 1e-6})
    assert wider.tensors["conv2_1/kernel"].shape == (3, 3, 9, 10)
    assert validations(more)[1] == pytest.approx(validations(events)[60], rel=0.01)


def test_a_start_that_is_no_vgg_is_refused(run):
    with pytest.raises(WeightsError, match="no convolution"):
        run(start=Weights({}, {"pooling": "max", "padding": "zeros"}))


def test_more_convolutions_than_vggs_are_refused():
    with pytest.raises(ValidationError, match="block 1 has 3 convolutions, and VGG-19's has 2"):
        DistillParams(widths=((1, 1, 1),))
