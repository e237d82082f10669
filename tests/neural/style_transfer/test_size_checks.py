"""Pictures that are too small, found from sizes and shapes alone: nothing is computed."""

import numpy as np
import pytest

from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.cooccurrence import Cooccurrence
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.laplacian import Laplacian
from stylepipe.neural.style_transfer.objective import Objective
from stylepipe.neural.style_transfer.size_checks import channels, check_scale, check_size

LOSSES = [Content(layers={"relu2_1": 1}), Gram(layers={"relu1_1": 1, "relu3_1": 1})]


@pytest.fixture
def network(tiny_vgg):
    return {name: np.shape(tensor) for name, tensor in tiny_vgg.tensors.items()}


@pytest.fixture
def objective_of(tiny_vgg):
    return lambda *losses: Objective.of(losses, describe(tiny_vgg))


def test_channels_are_those_of_the_kernels(network):
    assert channels(network) == {"normalise": 3, "relu1_1": 6, "relu2_1": 8, "relu3_1": 8}


@pytest.mark.parametrize("size", [(8, 8), (8, 1000), (9, 31)])
def test_pictures_that_are_large_enough(objective_of, network, size):
    check_scale(objective_of(*LOSSES), network, size, [(8, 8), (40, 9)], content=True)


@pytest.mark.parametrize("size", [(7, 40), (40, 7), (7, 7)])
def test_a_result_too_small_for_a_layer(objective_of, network, size):
    with pytest.raises(StageError, match=f"'relu3_1' takes images of at least 8×8 pixels; this one has {size[1]}×{size[0]}"):
        check_scale(objective_of(*LOSSES), network, size, [(30, 30)], content=True)


def test_the_style_that_is_too_small_is_named(objective_of, network):
    with pytest.raises(StageError) as caught:
        check_scale(objective_of(*LOSSES), network, (30, 30), [(30, 30), (5, 20)], content=True)
    assert caught.value.message.startswith(
        "Style 2 is brought to 20×5 pixels: The layer 'relu3_1' takes images of at least 8×8"
    )


def test_a_style_is_seen_by_the_layers_of_styles_alone(objective_of, network):
    losses = objective_of(Content(layers={"relu3_1": 1}), Gram(layers={"relu1_1": 1}))
    check_scale(losses, network, (8, 8), [(2, 3)], content=True)
    with pytest.raises(StageError, match="'relu1_1' takes images of at least 2×2 pixels"):
        check_scale(losses, network, (8, 8), [(1, 3)], content=True)


def test_a_layer_that_the_network_lacks(objective_of, network):
    with pytest.raises(StageError, match=r"no layer 'relu4_1'; its layers are relu1_1 … relu3_1") as caught:
        check_size(objective_of(Gram(layers={"relu4_1": 1})), network, (500, 500), content=False)
    assert "relu" in caught.value.hint


@pytest.mark.parametrize(
    ("loss", "fits", "small", "message"),
    [
        (Cooccurrence(layers={"relu2_1": 1}, shifts=(4,)), (10, 10), (8, 8), "a shift of 4 takes at least 5×5"),
        (Laplacian(pools=(4,)), (12, 12), (3, 12), "a Laplacian needs at least 3×3"),
    ],
    ids=["cooccurrence", "laplacian"],
)
def test_a_picture_too_small_for_a_loss(objective_of, network, loss, fits, small, message):
    check_size(objective_of(loss), network, fits)
    with pytest.raises(StageError) as caught:
        check_size(objective_of(loss), network, small)
    assert message in caught.value.message


def test_nothing_is_computed(objective_of, network):
    """The features of these would take terabytes."""
    check_scale(objective_of(*LOSSES), network, (100_000, 100_000), [(100_000, 90_000)], content=True)
