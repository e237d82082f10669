"""The stage `train_style`: it learns its styles, and an interruption leaves no trace."""

import jax
import numpy as np
import pytest

from stages.train_style import TrainStyleParams, train_style
from stylepipe.artifacts import Folder, Image, digest
from stylepipe.errors import Interrupted, StageError
from stylepipe.neural.networks.transformation_layout import Transformation, applied, describe
from stylepipe.stage import Frame, Progress

from .memory import Memory


def picture(seed: int) -> Image:
    draw = np.random.default_rng(seed)
    shapes = np.kron(draw.random((5, 6, 3)), np.ones((8, 8, 1))) + 0.1 * draw.random((40, 48, 3))
    return Image(np.float32(np.clip(shapes, 0, 1)))


def folder(seed: int) -> Folder:
    return Folder(("picture.png",), lambda name: picture(seed))


STYLES = (picture(3), Image(picture(4).pixels * [1, 0.2, 0.2]))


@pytest.fixture(scope="module")
def run(tiny_vgg):
    def call(*, styles=STYLES, start=None, events=None, memory=None, **params):
        given = {
            "channels": 2,
            "blocks": 1,
            "losses": [
                {"kind": "content", "layers": {"relu2_1": 1}},
                {"kind": "gram", "weight": 3, "layers": {"relu1_1": 1, "relu2_1": 1}},
            ],
            "style_size": 48,
            "schedule": {"steps": 24, "learning_rate": 0.03, "warmup": 2, "validate_every": 10},
            "batch": 2,
            "crop": 32,
            **params,
        }
        return train_style(
            [folder(0), folder(1)],
            styles,
            tiny_vgg,
            TrainStyleParams(**given),
            folder(2),
            start,
            key=jax.random.key(0),
            emit=(lambda event: None) if events is None else events.append,
            checkpoint=memory or Memory(),
        )

    return call


@pytest.fixture(scope="module")
def whole(run):
    events = []
    return run(events=events), events


@pytest.mark.slow
def test_it_learns_and_validates(whole):
    result, events = whole
    steps = [event for event in events if isinstance(event, Progress)]
    assert describe(result) == applied(Transformation(channels=2, blocks=1, styles=2))
    assert {tensor.dtype for tensor in result.tensors.values()} == {np.dtype(np.float16)}
    assert [event.done for event in steps] == list(range(1, 25))
    found = {event.done: event.terms["validation gram"] for event in steps if "validation gram" in event.terms}
    assert list(found) == [10, 20, 24]
    assert found[24] < 0.7 * steps[0].terms["gram"]
    frames = [event.pixels for event in events if isinstance(event, Frame)]
    assert [frame.shape for frame in frames] == [(32, 3 * 32, 3)] * 3
    assert np.abs(frames[-1][:, 32:64] - frames[-1][:, 64:]).max() > 0.1  # the two styles


@pytest.mark.slow
def test_it_resumes_as_if_it_had_not_stopped(run, whole):
    memory, events = Memory(stop_at=17), []
    with pytest.raises(Interrupted):
        run(memory=memory)
    memory.left = None
    assert digest(run(memory=memory, events=events)) == digest(whole[0])
    assert events[0].done == 18


def test_a_start_of_another_form_is_refused(run, tiny_transformation):
    with pytest.raises(StageError) as caught:
        run(start=tiny_transformation, blocks=0, channels=3)
    assert caught.value.message == (
        "'start' has 0 blocks, 2 channels, 2 styles, instance normalization, padding by 'reflect', upsampling by 'nearest'; "
        "the parameters say 0 blocks, 3 channels, 2 styles, instance normalization, padding by 'reflect', "
        "upsampling by 'bilinear'."
    )


@pytest.mark.slow
def test_with_batch_normalization_it_keeps_statistics_and_goes_on_from_them(run):
    options = {"normalization": "batch", "schedule": {"steps": 2, "warmup": 0}}
    first = run(**options)
    assert describe(first).normalization == "batch"
    assert np.isfinite(first.tensors["last/variance"]).all()
    assert digest(run(start=first, **options)) != digest(first)


def test_without_a_style_there_is_nothing_to_train(run):
    with pytest.raises(StageError, match="No style was given"):
        run(styles=())
