"""What networks of styles learn from: lessons, and that their loss is that of `stylize`."""

import jax
import numpy as np
import pytest
from pydantic import TypeAdapter

from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.loss_kinds import AnyLoss, loss_kinds
from stylepipe.neural.losses.sliced_wasserstein import SlicedWasserstein
from stylepipe.neural.networks.transformation import fresh, mixed, transform
from stylepipe.neural.networks.transformation_layout import Transformation
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective
from stylepipe.neural.training.crops import Crops
from stylepipe.neural.training.stylization import Stylization, Validation, style_batches, style_references
from stylepipe.neural.training.training_loop import evaluate

DRAW = np.random.default_rng(0)
CROPS = Crops((DRAW.integers(0, 256, (30, 40, 3), dtype=np.uint8),), np.ones(1), np.array([1]))
STYLES = [DRAW.random((16, 20, 3), dtype=np.float32) for _ in range(2)]
NETWORK = Transformation(channels=2, blocks=1, styles=2)
LOSSES = (
    Content(layers={"relu2_1": 1.0}),
    Gram(layers={"relu1_1": 1.0, "relu2_1": 1.0}, weight=3.0),
    SlicedWasserstein(layers={"relu1_1": 1.0}),
)


@pytest.fixture(scope="module")
def loss(tiny_vgg) -> Stylization:
    return Stylization(Objective.of(LOSSES, describe(tiny_vgg)), NETWORK)


@pytest.fixture(scope="module")
def given(loss, tiny_vgg):
    return style_references(loss.objective, tiny_vgg, [*map(ExamplePicture, STYLES)])


@pytest.mark.slow
def test_the_loss_is_the_mean_of_the_pictures_objectives(loss, given, tiny_vgg):
    tensors = fresh(jax.random.key(0), NETWORK).tensors
    batch = style_batches(given, CROPS, jax.random.key(1), count=2, side=16)(1)
    expected = []
    for picture, shares, key in zip(batch.pictures, batch.shares, jax.random.split(batch.key, 2), strict=True):
        shown, _ = transform(mixed(tensors, shares), picture, network=NETWORK, layer_statistics={})
        shown_of = {
            "content": ExamplePicture(picture),
            "styles": [ExamplePicture(style) for style in STYLES],
            "weights": [*map(float, shares)],
        }
        constants = loss.objective.prepare(given.extractor, **shown_of, regions=None)
        expected.append(jax.jit(loss.objective)(shown, constants, key)[1])
    terms = evaluate(tensors, batch, loss=loss)
    assert list(terms) == ["content", "gram", "sliced_wasserstein"]
    np.testing.assert_allclose([*terms.values()], np.mean(expected, 0), rtol=1e-4)


def test_a_steps_lesson_depends_on_its_number_alone_and_styles_take_turns(given):
    first, again = (style_batches(given, CROPS, jax.random.key(0), count=3, side=16) for _ in range(2))
    first(1)
    np.testing.assert_array_equal(first(2).pictures, again(2).pictures)
    assert (first(2).pictures != first(3).pictures).any()
    assert [first(number).shares.argmax(1).tolist() for number in (1, 2)] == [[0, 1, 0], [1, 0, 1]]


@pytest.mark.slow
def test_validation_shows_each_picture_in_all_styles(loss, given):
    pictures = DRAW.random((5, 16, 16, 3), dtype=np.float32)
    found = Validation.of(loss, given, pictures)
    tensors = fresh(jax.random.key(0), NETWORK).tensors
    each = [Validation.of(loss, given, picture[None])(tensors)["gram"] for picture in pictures]
    assert found(tensors)["gram"] == pytest.approx(np.mean(each), rel=1e-6)
    strip = found.strip(tensors)
    assert strip.shape == (16, 3 * 16, 3)
    np.testing.assert_array_equal(strip[:, :16], pictures[0])
    assert 0 <= strip.min() <= strip.max() <= 1


@pytest.mark.slow
def test_batch_normalization_is_validated_on_several_pictures(loss, given):
    batch = Stylization(loss.objective, NETWORK._replace(normalization="batch"))
    tensors = fresh(jax.random.key(0), batch.network).tensors
    dark, light = 0.2 * DRAW.random((16, 16, 3), dtype=np.float32), 1 - 0.2 * DRAW.random((16, 16, 3), dtype=np.float32)
    together = Validation.of(batch, given, np.stack([dark, light]))(tensors)["content"]
    alone = [Validation.of(batch, given, picture[None])(tensors)["content"] for picture in (dark, light)]
    assert abs(together / np.mean(alone) - 1) > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(loss_kinds().models))
def test_every_loss_can_be_trained_with(kind, tiny_vgg):
    layers = {"layers": {"relu1_1": 1, "relu2_1": 1}} if kind not in ("total_variation", "laplacian") else {}
    spec = TypeAdapter(AnyLoss).validate_python({"kind": kind, **layers})
    loss = Stylization(Objective.of([spec], describe(tiny_vgg)), NETWORK)
    batch = style_batches(
        style_references(loss.objective, tiny_vgg, [*map(ExamplePicture, STYLES)]), CROPS, jax.random.key(1), count=2, side=16
    )(1)
    found, _ = jax.eval_shape(loss, fresh(jax.random.key(0), NETWORK).tensors, batch)
    assert found.shape == ()
