"""The whole loss of a picture: its terms, what it asks for, and how masks and styles reach the losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective

KEY = jax.random.key(0)
STYLE = Gram(layers={"relu1_1": 1, "relu3_1": 2})
LOSSES = [Content(layers={"relu2_1": 1}, weight=3), STYLE, TotalVariation(weight=0.5), STYLE]


@pytest.fixture
def network(tiny_vgg):
    return describe(tiny_vgg), {name: jnp.asarray(tensor) for name, tensor in tiny_vgg.tensors.items()}


@pytest.fixture
def trio():
    draw = np.random.default_rng(0)
    return [jnp.float32(draw.random(size)) for size in ((20, 24, 3), (20, 24, 3), (17, 30, 3))]


@pytest.mark.slow
def test_the_loss_is_the_sum_of_its_named_terms(network, trio):
    vgg, tensors = network
    pixels, content, style = trio
    objective = Objective.of(LOSSES, vgg)
    constants = objective.prepare(
        tensors, content=ExamplePicture(content), styles=[ExamplePicture(style)], weights=[1.0], regions=None
    )
    loss, terms = objective(pixels, constants, KEY)
    assert objective.terms == ("content", "gram", "total_variation", "gram 2")
    assert loss == pytest.approx(float(terms.sum()), rel=1e-6)
    assert terms[1] == terms[3]

    found, shown, seen = (
        {name: np.float64(f) for name, f in features(tensors, p, layers=vgg.layers, encoder=vgg).items()}
        for p in (pixels, content, style)
    )
    kept = np.mean((found["relu2_1"] - shown["relu2_1"]) ** 2) / np.mean(shown["relu2_1"] ** 2)
    assert terms[0] == pytest.approx(3 * kept, rel=1e-5)
    styled = 0
    for layer, weight in STYLE.table.items():
        one, other = (np.einsum("hwc,hwd->cd", f, f) / (f.shape[0] * f.shape[1]) for f in (found[layer], seen[layer]))
        styled += weight * np.mean((one - other) ** 2) / np.mean(other**2)
    assert terms[1] == pytest.approx(styled, rel=1e-5)


def test_another_weight_needs_no_other_program(network, trio, monkeypatch):
    """What is compiled is traced: a second trace would ask for the features again."""
    vgg, tensors = network
    pixels, content, style = trio
    looked, values = [], []
    monkeypatch.setattr("stylepipe.neural.encoders.vgg.features", lambda *a, **k: looked.append(1) or features(*a, **k))
    for weight in (0.25, 2.5):
        objective = Objective.of([Content(layers={"relu2_1": 0.9}), Gram(layers={"relu1_1": 0.9}, weight=weight)], vgg)
        constants = objective.prepare(
            tensors, content=ExamplePicture(content), styles=[ExamplePicture(style)], weights=[1.0], regions=None
        )
        values.append(objective.value_and_gradient(pixels, constants, KEY))
    assert len(looked) == 3  # of the content, of the style, and of the picture
    ((_, one), less), ((_, other), more) = values
    np.testing.assert_allclose(other, one * jnp.float32([1, 10]), rtol=1e-5)
    assert not np.allclose(less, more, rtol=0.1)


def test_the_content_itself_has_no_content_loss_and_a_style_no_style_loss(network, trio):
    vgg, tensors = network
    objective = Objective.of(LOSSES, vgg)
    constants = objective.prepare(
        tensors, content=ExamplePicture(trio[0]), styles=[ExamplePicture(trio[0])], weights=[2.0], regions=None
    )
    _, terms = objective(trio[0], constants, KEY)
    np.testing.assert_allclose(terms[jnp.array([0, 1, 3])], 0, atol=1e-10)


def test_only_the_layers_that_are_compared_are_computed(network):
    objective = Objective.of(LOSSES, network[0])
    assert objective.layers("content") == ("relu2_1",)
    assert objective.layers("styles") == ("relu1_1", "relu3_1")
    assert objective.layers() == ("relu1_1", "relu2_1", "relu3_1")


@pytest.mark.parametrize("missing", ["content", "styles"])
def test_a_loss_without_its_example_is_an_error(network, trio, missing):
    vgg, tensors = network
    given = {"content": ExamplePicture(trio[0]), "styles": [ExamplePicture(trio[1])], "weights": [1.0]}
    given |= {"content": None} if missing == "content" else {"styles": [], "weights": []}
    with pytest.raises(StageError, match=f"compares with the {missing}, and none is given"):
        Objective.of(LOSSES, vgg).prepare(tensors, **given, regions=None)


def test_a_layer_that_the_network_lacks_is_an_error(network, trio):
    vgg, tensors = network
    with pytest.raises(StageError, match="no layer 'relu4_1'"):
        Objective.of([Gram()], vgg).prepare(
            tensors, content=None, styles=[ExamplePicture(trio[0])], weights=[1.0], regions=None
        )
