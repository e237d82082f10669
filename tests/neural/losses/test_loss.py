"""What all losses share: their tables of layers, and the hash that makes them static."""

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from stylepipe.errors import StageError
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.loss import resolve
from stylepipe.neural.losses.loss_kinds import AnyLoss, loss_kinds
from stylepipe.neural.losses.total_variation import TotalVariation

LAYERS = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1")


def test_all_layers_are_those_of_the_network():
    assert resolve(Content(layers="all"), LAYERS).table == dict.fromkeys(LAYERS, 1)
    assert resolve(TotalVariation(), LAYERS) == TotalVariation()


def test_the_order_in_which_layers_are_written_means_nothing():
    for loss in (Content(layers={"relu3_1": 1, "relu1_1": 2}), Gram(layers={"relu3_1": 1, "relu1_1": 2}, geometric="paper")):
        assert list(resolve(loss, LAYERS).table) == ["relu1_1", "relu3_1"]


def test_the_geometric_series_of_the_paper_halves_with_depth():
    loss = Gram(layers={"relu2_1": 1, "relu1_1": 3, "relu3_1": 1}, geometric="paper")
    assert resolve(loss, LAYERS).table == {"relu1_1": 3 * 4, "relu2_1": 2, "relu3_1": 1}


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_series_of_consecutive_errors_is_the_sum_of_their_differences(count):
    # Σ_i 2^−(N−2−i) (E_i − E_{i+1}), the errors collected by layer.
    expected = np.zeros(count)
    for i in range(count - 1):
        expected[i] += 2.0 ** -(count - 2 - i)
        expected[i + 1] -= 2.0 ** -(count - 2 - i)
    table = resolve(Gram(layers=dict.fromkeys(LAYERS[:count], 1.0), geometric="consecutive_errors"), LAYERS).table
    np.testing.assert_allclose([table[layer] for layer in LAYERS[:count]], expected)


def test_the_series_of_consecutive_errors_needs_two_layers():
    with pytest.raises(StageError, match="takes at least 2 layers; there is 1"):
        resolve(Gram(layers={"relu1_1": 1}, geometric="consecutive_errors"), LAYERS)


def test_every_kind_has_a_default_recipe():
    for kind in loss_kinds().models:
        assert TypeAdapter(AnyLoss).validate_python({"kind": kind}).kind == kind


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "gram", "layers": {"conv1_1": 1}},
        {"kind": "gram", "layers": {}},
        {"kind": "gram", "layers": "some"},
        {"kind": "gram", "weight": -1},
        {"kind": "gram", "weight": float("nan")},
        {"kind": "content", "geometric": "paper"},
        {"kind": "total_variation", "exponent": 0.5},
        {"kind": "grams"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(AnyLoss).validate_python(wrong)


def test_equal_losses_have_equal_hashes():
    one, other = (
        Gram(layers=dict(pairs)) for pairs in ([("relu1_1", 1), ("relu2_1", 2)], [("relu2_1", 2.0), ("relu1_1", 1.0)])
    )
    assert one == other
    assert hash(one) == hash(other)
    assert hash(one) != hash(Gram())
