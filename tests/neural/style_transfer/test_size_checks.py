"""Pictures that are too small, found from sizes and shapes alone: nothing is computed."""

import jax
import numpy as np
import pytest

from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import Vgg, describe
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.cooccurrence import Cooccurrence
from stylepipe.neural.losses.correlation_chain import CorrelationChain
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.laplacian import Laplacian
from stylepipe.neural.losses.loss import FeatureLoss
from stylepipe.neural.losses.loss_inputs import LossInputs, PictureFeatures
from stylepipe.neural.losses.loss_kinds import loss_kinds
from stylepipe.neural.style_transfer.objective import Objective
from stylepipe.neural.style_transfer.size_checks import check_scale, check_size

LOSSES = [Content(layers={"relu2_1": 1}), Gram(layers={"relu1_1": 1, "relu3_1": 1})]


@pytest.fixture
def objective_of(tiny_vgg):
    return lambda *losses: Objective.of(losses, describe(tiny_vgg))


@pytest.mark.parametrize("size", [(8, 8), (8, 1000), (9, 31)])
def test_pictures_that_are_large_enough(objective_of, size):
    check_scale(objective_of(*LOSSES), size, [(8, 8), (40, 9)])


@pytest.mark.parametrize("size", [(7, 40), (40, 7), (7, 7)])
def test_a_result_too_small_for_a_layer(objective_of, size):
    with pytest.raises(StageError, match=f"'relu3_1' takes images of at least 8×8 pixels; this one has {size[1]}×{size[0]}"):
        check_scale(objective_of(*LOSSES), size, [(30, 30)])


def test_the_style_that_is_too_small_is_named(objective_of):
    with pytest.raises(StageError) as caught:
        check_scale(objective_of(*LOSSES), (30, 30), [(30, 30), (5, 20)])
    assert caught.value.message.startswith(
        "Style 2 is brought to 20×5 pixels: The layer 'relu3_1' takes images of at least 8×8"
    )


def test_a_style_is_seen_by_the_layers_of_styles_alone(objective_of):
    losses = objective_of(Content(layers={"relu3_1": 1}), Gram(layers={"relu1_1": 1}))
    check_scale(losses, (8, 8), [(2, 3)])
    with pytest.raises(StageError, match="'relu1_1' takes images of at least 2×2 pixels"):
        check_scale(losses, (8, 8), [(1, 3)])


def test_a_layer_that_the_network_lacks(objective_of):
    with pytest.raises(StageError, match=r"no layer 'relu4_1'; its layers are relu1_1 … relu3_1") as caught:
        check_size(objective_of(Gram(layers={"relu4_1": 1})), (500, 500))
    assert "relu" in caught.value.hint


@pytest.mark.parametrize(
    ("loss", "fits", "small", "message"),
    [
        (Cooccurrence(layers={"relu2_1": 1}, shifts=(4,)), (10, 10), (8, 8), "a shift of 4 takes at least 5×5"),
        (Laplacian(pools=(4,)), (12, 12), (3, 12), "a Laplacian needs at least 3×3"),
    ],
    ids=["cooccurrence", "laplacian"],
)
def test_a_picture_too_small_for_a_loss(objective_of, loss, fits, small, message):
    check_size(objective_of(loss), fits)
    with pytest.raises(StageError) as caught:
        check_size(objective_of(loss), small)
    assert message in caught.value.message


def first_error(function, *arguments, **options) -> str | None:
    """The message and hint of the error that a function raises."""
    try:
        function(*arguments, **options)
    except StageError as error:
        return f"{error.message} {error.hint}"
    return None


@pytest.mark.parametrize("kind", sorted(loss_kinds().models))
def test_a_check_finds_what_computing_the_statistics_does(objective_of, tiny_vgg, kind):
    layers = (
        {"layers": {"relu1_1": 1, "relu2_1": 1, "relu3_1": 1}} if issubclass(loss_kinds().models[kind], FeatureLoss) else {}
    )
    objective = objective_of(loss_kinds().models[kind](**layers))

    def statistics(pixels):
        maps = features(tiny_vgg.tensors, pixels, layers=objective.layers(), encoder=objective.encoder)
        picture = PictureFeatures(pixels, maps)
        return objective.statistics(LossInputs(picture, picture, key=jax.random.key(0)))

    errors = set()
    for size in ((3, 40), (4, 40), (8, 8), (40, 12), (19, 40), (20, 40)):
        traced = first_error(jax.eval_shape, statistics, jax.ShapeDtypeStruct((*size, 3), np.float32))
        assert first_error(check_size, objective, size) == traced
        errors.add(traced)
    assert None in errors


def test_a_chain_of_one_layer(objective_of, tiny_vgg):
    one = Vgg((1,), "max", "zeros")
    with pytest.raises(StageError, match="takes at least 2 layers; the network has relu1_1"):
        check_size(Objective.of([CorrelationChain()], one), (40, 40))


def test_nothing_is_computed(objective_of):
    """The features of these would take terabytes."""
    check_scale(objective_of(*LOSSES), (100_000, 100_000), [(100_000, 90_000)])
