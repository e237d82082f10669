"""What a student learns: who teaches which layer, what a lesson holds, and when the loss is zero."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.artifacts import Weights
from stylepipe.errors import StageError, WeightsError
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import Vgg, describe
from stylepipe.neural.training.crops import Crops
from stylepipe.neural.training.distillation import Distillation, DistillationBatches, grown, student
from stylepipe.neural.training.teachers import Teachers

LAYERS = ("relu1_1", "relu2_1")


def crops(seed: int = 0) -> Crops:
    picture = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    return Crops((picture,), np.ones(1), np.array([1]))


@pytest.fixture
def teachers(tiny_vgg):
    return Teachers.of([tiny_vgg], LAYERS, "reflect")


@pytest.fixture
def batches(tiny_vgg, teachers):
    def make(key: int = 0) -> DistillationBatches:
        return DistillationBatches(
            teachers, [dict(tiny_vgg.tensors)], crops(), batch=2, side=16, batches=3, passes=2, key=jax.random.key(key)
        )

    return make


def test_a_layer_is_taught_by_the_first_who_has_it(tiny_vgg):
    first = Weights({k: v for k, v in tiny_vgg.tensors.items() if "conv3" not in k}, tiny_vgg.metadata)
    teachers = Teachers.of([first, tiny_vgg], ["relu1_1", "relu3_1"], "zeros")
    assert teachers.networks == ((Vgg((1, 1), "max", "zeros"), ("relu1_1",)), (Vgg((1, 1, 1), "max", "zeros"), ("relu3_1",)))
    with pytest.raises(StageError, match="No teacher has the layer 'relu3_1'"):
        Teachers.of([first], ["relu1_1", "relu3_1"], "zeros")


def test_a_lesson_holds_features_and_their_gram_matrices(tiny_vgg, batches):
    batch = batches()(1)
    assert batch.crops.shape == (2, 16, 16, 3)
    for layer, maps in batch.features.items():
        own = features(tiny_vgg.tensors, batch.crops[1], layers=(layer,), encoder=describe(tiny_vgg))[layer]
        ratio = np.asarray(own)[own > 0.01] / np.asarray(maps[1])[own > 0.01]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)  # in one unit for the whole layer …
        assert float(jnp.mean(maps**2)) == pytest.approx(1, rel=0.2)  # … its root mean square
        flat = np.float64(maps[1]).reshape(-1, maps.shape[-1])
        np.testing.assert_allclose(batch.grams[layer][1], flat.T @ flat / len(flat), rtol=1e-4, atol=1e-5)


def test_a_round_goes_through_all_its_batches_in_each_pass(batches):
    seen = [float(batch.crops.sum()) for batch in map(batches(), range(1, 13))]
    first, second = seen[:6], seen[6:]
    for of_round in (first, second):
        assert set(of_round[:3]) == set(of_round[3:])
        assert set(Counter(of_round).values()) == {2}
    assert not set(first) & set(second)


def test_a_lesson_depends_on_its_step_alone(batches):
    whole = batches()
    before = [whole(step).crops for step in range(1, 12)]
    np.testing.assert_array_equal(batches()(9).crops, before[8])
    assert (batches(1)(9).crops != before[8]).any()


def test_a_student_who_is_its_teacher_makes_no_error(tiny_vgg, batches):
    batch = batches()(1)
    own = dict(tiny_vgg.tensors)
    for layer, maps in batch.features.items():
        raw = features(tiny_vgg.tensors, batch.crops[0], layers=(layer,), encoder=describe(tiny_vgg))[layer]
        own[f"{layer}/head"] = jnp.eye(raw.shape[-1]) * (jnp.linalg.norm(maps[0]) / jnp.linalg.norm(raw))
        own[f"{layer}/offset"] = jnp.zeros(raw.shape[-1])
    loss = Distillation(describe(tiny_vgg), (("relu1_1", 1.0), ("relu2_1", 3.0)), 0.5)
    assert float(loss(own, batch)[0]) == pytest.approx(0, abs=1e-9)


def test_the_loss_of_a_student_who_says_nothing(tiny_vgg, batches):
    """Its errors are all that there is: 1 of the features, 1 of the Gram matrices, in every layer."""
    batch = batches()(1)
    silent = dict(tiny_vgg.tensors)
    for layer, maps in batch.features.items():
        silent[f"{layer}/head"] = jnp.zeros((tiny_vgg.tensors[f"conv{layer[4:]}/bias"].size, maps.shape[-1]))
        silent[f"{layer}/offset"] = jnp.zeros(maps.shape[-1])
    loss, terms = Distillation(describe(tiny_vgg), (("relu1_1", 1.0), ("relu2_1", 3.0)), 0.5)(silent, batch)
    assert float(loss) == pytest.approx((1 + 3) * (1 + 0.5), rel=1e-5)
    assert set(terms) == {"relu1_1", "relu1_1 gram", "relu2_1", "relu2_1 gram"}
    assert all(float(term) == pytest.approx(1, rel=1e-6) for term in terms.values())


def test_the_loss_of_a_student_who_says_the_double(tiny_vgg, batches):
    """Of features it is off by as much as there is, 1; of their squares by three times that, 9."""
    batch = batches()(1)
    raw = features(tiny_vgg.tensors, batch.crops[0], layers=("relu1_1",), encoder=describe(tiny_vgg))["relu1_1"]
    unit = jnp.linalg.norm(batch.features["relu1_1"][0]) / jnp.linalg.norm(raw)
    head = {"relu1_1/head": 2 * unit * jnp.eye(raw.shape[-1]), "relu1_1/offset": jnp.zeros(raw.shape[-1])}
    _, terms = Distillation(describe(tiny_vgg), (("relu1_1", 1.0),), 0.5)({**tiny_vgg.tensors, **head}, batch)
    assert float(terms["relu1_1"]) == pytest.approx(1, rel=1e-4)
    assert float(terms["relu1_1 gram"]) == pytest.approx(9, rel=1e-4)


@pytest.mark.slow
def test_a_fresh_student_has_the_widths_and_heads_asked_for():
    made = student(jax.random.key(0), [[4, 5], [6]], pooling="average", padding="edge", channels={"relu1_2": 7, "relu2_1": 8})
    assert describe(made) == Vgg((2, 1), "average", "edge")
    shapes = {name: tensor.shape for name, tensor in made.tensors.items() if "conv" in name or "relu" in name}
    assert shapes["conv1_2/kernel"] == (3, 3, 4, 5)
    assert shapes["relu1_2/head"] == (5, 7)
    assert shapes["relu2_1/offset"] == (8,)
    with pytest.raises(StageError, match="The student has no layer 'relu3_1'; its last one is 'relu2_1'"):
        student(jax.random.key(0), [[4], [6]], pooling="max", padding="edge", channels={"relu3_1": 7})


def vgg(seed: int, *widths: int) -> Weights:
    channels = {"relu2_1": 7}
    return student(jax.random.key(seed), [[w] for w in widths], pooling="max", padding="edge", channels=channels)


def heads(made: Weights) -> np.ndarray:
    image = jax.random.uniform(jax.random.key(9), (12, 14, 3))
    found = features(made.tensors, image, layers=("relu2_1",), encoder=describe(made))["relu2_1"]
    return np.asarray(found @ made.tensors["relu2_1/head"] + made.tensors["relu2_1/offset"])


@pytest.mark.slow
def test_a_student_grown_wider_answers_as_before():
    narrow, fresh = vgg(0, 4, 6), vgg(1, 5, 8)
    wide = grown(narrow, fresh)
    assert {name: tensor.shape for name, tensor in wide.tensors.items()} == {n: t.shape for n, t in fresh.tensors.items()}
    np.testing.assert_allclose(heads(wide), heads(narrow), rtol=1e-5, atol=1e-5)
    assert np.array_equal(wide.tensors["conv2_1/kernel"][..., 6:], fresh.tensors["conv2_1/kernel"][..., 6:])


@pytest.mark.slow
def test_a_student_grown_narrower_keeps_its_first_channels():
    wide = vgg(0, 5, 8)
    small = grown(wide, vgg(1, 4, 6))
    assert np.array_equal(small.tensors["conv2_1/kernel"], wide.tensors["conv2_1/kernel"][:, :, :4, :6])
    assert np.array_equal(small.tensors["relu2_1/head"], wide.tensors["relu2_1/head"][:6])


@pytest.mark.slow
def test_a_student_grown_deeper_has_fresh_layers_where_there_were_none():
    fresh = vgg(1, 4, 6, 8)
    assert np.array_equal(grown(vgg(0, 4, 6), fresh).tensors["conv3_1/kernel"], fresh.tensors["conv3_1/kernel"])


def test_nothing_grows_from_what_is_no_vgg():
    with pytest.raises(WeightsError, match="no convolution"):
        grown(Weights({}, {"pooling": "max", "padding": "edge"}), vgg(0, 4, 6))
