"""The stage `train_texture`: it learns a texture, and an interruption leaves no trace."""

import jax
import numpy as np
import pytest

from stages.train_texture import TrainTextureParams, train_texture
from stylepipe.artifacts import Image, digest
from stylepipe.errors import Interrupted, StageError
from stylepipe.neural.networks.texture_layout import Texture, describe
from stylepipe.stage import Frame, Progress

from .memory import Memory

EXAMPLE = Image(np.float32(np.tile(np.kron([[0.9, 0.1], [0.2, 0.8]], np.ones((4, 4)))[..., None] * [1, 0.7, 0.3], (5, 5, 1))))


@pytest.fixture(scope="module")
def run(tiny_vgg):
    def call(*, start=None, events=None, memory=None, **params):
        given = {
            "sizes": 2,
            "channels": 2,
            "losses": [{"kind": "gram", "layers": {"relu1_1": 1, "relu2_1": 1}}],
            "diversity": 0.01,
            "texture_size": 40,
            "schedule": {"steps": 24, "learning_rate": 0.03, "warmup": 2, "validate_every": 10},
            "batch": 2,
            "side": 32,
            **params,
        }
        emit = (lambda event: None) if events is None else events.append
        services = {"key": jax.random.key(0), "emit": emit, "checkpoint": memory or Memory()}
        return train_texture(EXAMPLE, tiny_vgg, TrainTextureParams(**given), start, **services)

    return call


@pytest.fixture(scope="module")
def whole(run):
    events = []
    return run(events=events), events


@pytest.mark.slow
def test_it_learns_and_validates(whole):
    result, events = whole
    steps = [event for event in events if isinstance(event, Progress)]
    assert describe(result) == Texture(2, 2, "circular")
    found = {event.done: event.terms["validation gram"] for event in steps if "validation gram" in event.terms}
    assert list(found) == [10, 20, 24]
    assert found[24] < 0.7 * steps[0].terms["gram"]
    assert [event.pixels.shape for event in events if isinstance(event, Frame)] == [(32, 32, 3)] * 3


@pytest.mark.slow
def test_it_resumes_as_if_it_had_not_stopped(run, whole):
    memory, events = Memory(stop_at=17), []
    with pytest.raises(Interrupted):
        run(memory=memory)
    memory.left = None
    assert digest(run(memory=memory, events=events)) == digest(whole[0])
    assert events[0].done == 18


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"side": 33}, "'side' is 33; with 2 sizes of noise it is a multiple of 2."),
        ({"batch": 1}, "'diversity' compares the textures of a step, and 'batch' is 1."),
        ({"losses": [{"kind": "content"}]}, "The loss 'content' compares with the content, and none is given."),
        (
            {"padding": "edge"},
            "'start' has 2 sizes of 2 channels, circular padding; the parameters say 2 sizes of 2 channels, edge padding.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(run, tiny_texture, wrong, message):
    with pytest.raises(StageError) as caught:
        run(start=tiny_texture, **wrong)
    assert caught.value.message == message
