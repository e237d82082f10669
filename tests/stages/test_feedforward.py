"""The stage `feedforward`: which style, and what is refused."""

import jax
import numpy as np
import pytest
from pydantic import ValidationError

from stages.feedforward import FeedforwardParams, feedforward
from stylepipe.artifacts import Image
from stylepipe.errors import StageError
from stylepipe.neural.networks.feedforward import stylized
from stylepipe.neural.networks.transformation import fresh
from stylepipe.neural.networks.transformation_layout import Transformation

NETWORK = fresh(jax.random.key(0), Transformation(channels=2, blocks=0, styles=2))
PICTURE = Image(np.random.default_rng(0).random((9, 14, 3), dtype=np.float32), np.full((9, 14), 0.5, np.float32))


def test_weights_are_shares_in_any_unit():
    found = feedforward(PICTURE, NETWORK, FeedforwardParams(style_weights=(30, 10)))
    np.testing.assert_array_equal(found.pixels, stylized(NETWORK, PICTURE.pixels, [0.75, 0.25]))
    assert found.alpha is PICTURE.alpha


def test_all_styles_count_alike_by_default():
    found = feedforward(PICTURE, NETWORK, FeedforwardParams())
    np.testing.assert_array_equal(found.pixels, stylized(NETWORK, PICTURE.pixels, [0.5, 0.5]))


def test_weights_for_other_styles_are_refused():
    with pytest.raises(StageError) as caught:
        feedforward(PICTURE, NETWORK, FeedforwardParams(style_weights=(1.0,)))
    assert caught.value.message == "1 style_weights were given for a network of 2 styles."


def test_weights_of_which_none_counts_are_refused():
    with pytest.raises(ValidationError, match="all style weights are 0"):
        FeedforwardParams(style_weights=(0.0, 0.0))
