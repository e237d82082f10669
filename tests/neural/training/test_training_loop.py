"""The loop of training: the schedule, steps of Muon, and that nothing is lost between a step and the next."""

import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.errors import StageError
from stylepipe.neural.training.schedule import Schedule
from stylepipe.neural.training.training_loop import evaluate_all, learning_rate, saved, start, train


def distance(tensors, batch):
    """A bowl around the batch; its gradient is 2 (x − batch)."""
    value = jnp.sum((tensors["x"] - batch) ** 2)
    return value, {"distance": value}


def run(schedule, first=None, target=lambda number: jnp.float32([3.0, -1.0])):
    return list(train(first or start(schedule, {"x": np.zeros(2)}), distance, target, schedule=schedule))


def test_it_finds_the_minimum():
    steps = run(Schedule(steps=400, learning_rate=0.1, warmup=10, clip=100))
    assert steps[0].loss == pytest.approx(10)
    assert steps[-1].terms == {"distance": steps[-1].loss}
    np.testing.assert_allclose(steps[-1].tensors["x"], [3, -1], atol=1e-3)


def test_the_rate_rises_and_falls_to_zero():
    rate = learning_rate(Schedule(steps=8, learning_rate=0.1, warmup=4))
    half = 0.05 * (1 + np.cos(np.pi * np.arange(1, 5) / 4))
    np.testing.assert_allclose([rate(number) for number in range(9)], [0, 0.025, 0.05, 0.075, 0.1, *half], atol=1e-6)


def test_kernels_change_alike_in_all_directions():
    """Muon's step has singular values near each other, whatever the gradient's; its root mean square is a fifth of the rate."""
    schedule = Schedule(steps=10, learning_rate=0.1, kernels="muon", warmup=0)
    uneven = np.random.default_rng(0).normal(size=(3, 3, 2, 4)) * np.float32([1, 0.1, 0.01, 3])
    first = start(schedule, {"kernel": np.zeros((3, 3, 2, 4))})
    slope = train(first, lambda t, b: ((t["kernel"] * b).sum(), {}), lambda number: jnp.asarray(uneven), schedule=schedule)
    change = np.asarray(next(slope).tensors["kernel"]).reshape(18, 4)
    values = np.linalg.svd(change, compute_uv=False)
    assert values[0] < 2 * values[-1]
    assert np.sqrt(np.mean(change**2)) == pytest.approx(0.2 * 0.1, rel=0.2)
    assert np.all(np.sum(change * uneven.reshape(18, 4), 0) < 0)


def test_long_gradients_are_shortened():
    """Adam does not see the scale of gradients that are all shortened; it does where only the first one is."""
    schedule = Schedule(steps=3, learning_rate=0.1, warmup=0, clip=1.0)
    far = [jnp.float32([1e6, 0.0]), jnp.float32([0.1, 0.0]), jnp.float32([0.1, 0.0])]
    clipped = run(schedule, target=lambda number: far[number - 1])
    unclipped = run(schedule.model_copy(update={"clip": 1e9}), target=lambda number: far[number - 1])
    assert abs(clipped[-1].tensors["x"][0] - unclipped[-1].tensors["x"][0]) > 1e-3


@pytest.mark.parametrize("kernels", ["adam", "muon"])
def test_accumulated_batches_are_one_large_batch(kernels):
    """The mean over four pictures is that of two times two, in value, terms and step."""

    def mean(tensors, batch):
        value = jnp.mean(jnp.sum((tensors["x"] - batch) ** 2, (1, 2, 3, 4)))
        return value, {"distance": value}

    pictures = np.random.default_rng(0).normal(size=(3, 4, 3, 3, 2, 4)).astype(np.float32)
    first = {"x": np.ones((3, 3, 2, 4))}
    whole = Schedule(steps=3, learning_rate=0.1, kernels=kernels, warmup=0)
    parts = whole.model_copy(update={"accumulate": 2})
    at_once = train(start(whole, first), mean, lambda number: pictures[number - 1], schedule=whole)
    halves = pictures.reshape(6, 2, 3, 3, 2, 4)
    in_parts = train(start(parts, first), mean, lambda number: halves[number - 1], schedule=parts)
    for one, other in zip(at_once, in_parts, strict=True):
        assert other.terms == {"distance": other.loss}
        assert other.loss == pytest.approx(one.loss, rel=1e-6)
        np.testing.assert_allclose(other.tensors["x"], one.tensors["x"], atol=1e-5)


@pytest.mark.parametrize(("kernels", "accumulate"), [("adam", 1), ("adam", 3), ("muon", 1)])
def test_a_restored_training_goes_on_the_same_way(kernels, accumulate):
    schedule = Schedule(steps=9, learning_rate=0.1, kernels=kernels, warmup=2, accumulate=accumulate)
    steps = train(start(schedule, {"x": np.zeros(2)}), distance, lambda n: jnp.float32([n, -n]), schedule=schedule)
    kept, rest = {}, []
    for step in steps:
        rest.append(np.array(step.tensors["x"]))
        if step.number == 4:
            kept = saved(step)
    again = start(schedule, {"x": np.zeros(2)}, kept)
    assert again.number == 4
    resumed = [
        np.array(step.tensors["x"]) for step in train(again, distance, lambda n: jnp.float32([n, -n]), schedule=schedule)
    ]
    np.testing.assert_array_equal(resumed, rest[4:])


def test_a_loss_that_is_not_finite_stops_it():
    with pytest.raises(StageError) as caught:
        run(Schedule(steps=5), target=lambda number: jnp.full(2, np.nan if number == 3 else 0.0))
    assert caught.value.message == "The loss is nan at step 3."


def test_it_validates_now_and_then_and_at_the_end():
    schedule = Schedule(steps=8, validate_every=3)
    steps = train(
        start(schedule, {"x": np.zeros(2)}),
        distance,
        lambda number: jnp.zeros(2),
        schedule=schedule,
        validate=lambda tensors: {"first": float(tensors["x"][0])},
    )
    assert [step.number for step in steps if "validation first" in step.terms] == [3, 6, 8]


def test_terms_of_several_batches_count_by_their_size():
    found = evaluate_all({"x": np.zeros(1)}, [jnp.ones((2, 1)), 2 * jnp.ones((1, 1))], [2, 1], loss=mean_distance)
    assert found == {"distance": pytest.approx((2 * 1 + 1 * 4) / 3)}


def mean_distance(tensors, batch):
    value = jnp.mean((tensors["x"] - batch) ** 2)
    return value, {"distance": value}
