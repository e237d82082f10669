"""What texture networks learn from: the diversity of textures, by hand, and its part in the loss."""

import jax
import numpy as np
import pytest

from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.networks.texture import fresh
from stylepipe.neural.networks.texture_layout import Texture
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective, targets
from stylepipe.neural.training.stylization import style_references
from stylepipe.neural.training.synthesis import Synthesis, diversity, texture_batches
from stylepipe.neural.training.training_loop import evaluate

NETWORK = Texture(sizes=2, channels=2)


def test_diversity_by_hand():
    made = np.float32([[0, 0], [3, 4], [3, 5]])  # distances 5, √34 and 1
    assert diversity(made) == pytest.approx((np.log(5) + 0 + 0) / 3, rel=1e-6)


def test_equal_textures_have_a_finite_diversity_and_slope():
    value, slope = jax.value_and_grad(diversity)(np.ones((2, 4, 4, 3), np.float32))
    assert np.isfinite(value)
    assert np.isfinite(slope).all()


@pytest.mark.slow
def test_diversity_is_subtracted_from_the_objectives(tiny_vgg):
    objective = Objective.of((Gram(layers={"relu1_1": 1.0}),), describe(tiny_vgg))
    tensors, seen = style_references(
        objective, tiny_vgg, [ExamplePicture(np.random.default_rng(0).random((16, 16, 3), dtype=np.float32))]
    )
    given = texture_batches(
        tensors, targets(objective, None, seen, [1.0], regional=False), jax.random.key(0), network=NETWORK, count=3, side=16
    )
    network = fresh(jax.random.key(1), NETWORK).tensors
    loss = Synthesis(objective, NETWORK, 0.5)
    value, terms = jax.device_get(jax.jit(loss)(network, given(1)))
    assert value == pytest.approx(terms["gram"] - terms["diversity"], rel=1e-5)
    again = jax.device_get(evaluate(network, given(1), loss=loss))
    assert terms["diversity"] == pytest.approx(again["diversity"], rel=1e-5)
    assert [one.shape for one in given(1).noise] == [(3, 8, 8, 3), (3, 16, 16, 3)]
    assert (given(1).noise[0] != given(2).noise[0]).any()
