"""The stage `train_upscaler`: it learns, and an interruption leaves no trace."""

import jax
import numpy as np
import pytest
from pydantic import ValidationError

from stages.train_upscaler import TrainUpscalerParams, train_upscaler
from stylepipe.artifacts import Folder, Image, Weights, digest
from stylepipe.errors import Interrupted, StageError, WeightsError
from stylepipe.neural.networks.upscaler_layout import Upscaler, describe
from stylepipe.stage import Progress

from .memory import Memory


def folder(seed: int) -> Folder:
    """A picture of rectangles, whose edges bicubic interpolation blurs."""
    draw = np.random.default_rng(seed)
    picture = Image(np.float32(np.kron(draw.random((6, 8, 3)), np.ones((12, 12, 1)))))
    return Folder(("picture.png",), lambda name: picture)


def run(*, pictures=(0, 1), start=None, events=None, memory=None, **params) -> Weights:
    given = {
        "blocks": 1,
        "channels": 16,
        "schedule": {"steps": 60, "learning_rate": 0.005, "warmup": 5, "validate_every": 25},
        "batch": 2,
        "crop": 8,
        "halvings": 0,
        "validation_crop": 48,
        **params,
    }
    return train_upscaler(
        [folder(seed) for seed in pictures],
        TrainUpscalerParams(**given),
        folder(2),
        start,
        key=jax.random.key(0),
        emit=(lambda event: None) if events is None else events.append,
        checkpoint=memory or Memory(),
    )


def validations(events: list[Progress], name: str = "validation x2") -> dict[int, float]:
    return {event.done: event.terms[name] for event in events if event.terms and name in event.terms}


@pytest.mark.slow
def test_it_learns_and_validates():
    first, events = [], []
    run(events=first, schedule={"steps": 1, "learning_rate": 1e-9})  # a network that adds nothing
    result = run(events=events)
    assert describe(result) == Upscaler(1, 16)
    assert {tensor.dtype for tensor in result.tensors.values()} == {np.dtype(np.float16)}
    assert [(event.done, event.total) for event in events] == [(number, 60) for number in range(1, 61)]
    for name in ("validation x2", "validation x3", "validation x4"):
        assert list(validations(events, name)) == [25, 50, 60]
        assert validations(events, name)[60] > validations(first, name)[1] + 1.5  # dB


@pytest.mark.slow
def test_it_resumes_as_if_it_had_not_stopped():
    options = {"schedule": {"steps": 12}}
    whole = run(**options)
    memory = Memory(stop_at=7)
    with pytest.raises(Interrupted):
        run(memory=memory, **options)
    memory.left = None
    events = []
    assert digest(run(memory=memory, events=events, **options)) == digest(whole)
    assert events[0].done == 8


@pytest.mark.slow
def test_it_goes_on_from_an_earlier_result():
    events, more = [], []
    first = run(events=events, schedule={"steps": 20, "learning_rate": 0.005, "warmup": 5})
    run(start=first, events=more, schedule={"steps": 1, "learning_rate": 1e-9})
    assert validations(more)[1] == pytest.approx(validations(events)[20], abs=0.05)


@pytest.mark.slow
def test_a_start_that_does_not_fit_is_refused():
    small = run(schedule={"steps": 1})
    with pytest.raises(StageError) as caught:
        run(start=small, blocks=2)
    assert caught.value.message == "'start' has 1 block of 16 channels; the parameters say 2 blocks of 16 channels."
    with pytest.raises(WeightsError, match="no network"):
        run(start=Weights({}))


def test_pictures_smaller_than_a_crop_are_refused():
    with pytest.raises(StageError, match="no picture of at least 80×80 pixels"):
        run(crop=20)


@pytest.mark.parametrize("wrong", [{"validation_crop": 50}, {"blocks": 0}, {"channels": 1000}, {"crop": 4}, {"batch": 0}])
def test_other_parameters_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TrainUpscalerParams(**wrong)
