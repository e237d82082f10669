"""What a VGG's weights must hold, and what is said when they do not."""

import numpy as np
import pytest

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.encoders.vgg_layout import Vgg, channels, check_shapes, describe

STATED = {"pooling": "max", "padding": "zeros"}


def shapes(**changes: tuple[int, ...] | None) -> dict[str, tuple[int, ...]]:
    """A network with two convolutions in block 1 and one in block 2; `changes` replace a tensor's shape, or take it away."""
    whole = {
        "normalise/kernel": (1, 1, 3, 3),
        "normalise/bias": (3,),
        "conv1_1/kernel": (3, 3, 3, 4),
        "conv1_1/bias": (4,),
        "conv1_2/kernel": (3, 3, 4, 5),
        "conv1_2/bias": (5,),
        "conv2_1/kernel": (3, 3, 5, 6),
        "conv2_1/bias": (6,),
    }
    changed = whole | {name.replace("__", "/"): shape for name, shape in changes.items()}
    return {name: shape for name, shape in changed.items() if shape is not None}


def test_depth_counts_the_convolutions_of_each_block():
    assert check_shapes(shapes()) == (2, 1)
    assert check_shapes(shapes(conv2_1__kernel=None)) == (2,)


def test_channels_are_those_of_the_kernels():
    assert channels(shapes()) == {"normalise": 3, "relu1_1": 4, "relu1_2": 5, "relu2_1": 6}


def test_layers_are_named_in_their_order():
    assert Vgg((2, 1, 3), "max", "zeros").layers == ("relu1_1", "relu1_2", "relu2_1", "relu3_1", "relu3_2", "relu3_3")


def test_equal_descriptions_are_one_key():
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes().items()}
    assert len({describe(Weights(tensors, STATED)), Vgg((2, 1), "max", "zeros")}) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conv1_1__kernel": None}, "hold conv1_2, conv2_1. A VGG's layers must be there without a gap"),
        ({"conv2_1__kernel": None, "conv3_1__kernel": (3, 3, 5, 6)}, "hold conv1_1, conv1_2, conv3_1. A VGG's"),
        ({"conv1_1__kernel": None, "conv1_2__kernel": None, "conv2_1__kernel": None}, "hold no convolution. A VGG's"),
        ({"conv1_2__bias": None}, "hold no 'conv1_2/bias'."),
        ({"normalise__kernel": None}, "hold no 'normalise/kernel'."),
        ({"normalise__bias": (4,)}, r"'normalise/bias' has shape \(4,\); expected is \(3,\)"),
        ({"conv1_2__kernel": (3, 3, 3, 5)}, r"'conv1_2/kernel' has shape \(3, 3, 3, 5\); expected is \(3, 3, 4, 1…512\)."),
        ({"conv1_1__kernel": (3, 3, 4)}, r"'conv1_1/kernel' has shape \(3, 3, 4\); expected is \(3, 3, 3, 1…512\)."),
        ({"conv2_1__kernel": (3, 3, 5, 513)}, r"'conv2_1/kernel' has shape \(3, 3, 5, 513\)"),
        ({"conv2_1__kernel": (3, 3, 5, 0)}, r"'conv2_1/kernel' has shape \(3, 3, 5, 0\)"),
        ({"conv2_1__bias": (7,)}, r"'conv2_1/bias' has shape \(7,\); expected is \(6,\), after its kernel."),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(WeightsError, match=message):
        check_shapes(shapes(**changes))


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"padding": "zeros"}, "state no pooling; allowed is max, average, l2. 'stylepipe weights convert'"),
        ({"pooling": "max 2x2", "padding": "zeros"}, "state the pooling 'max 2x2'; allowed is max, average, l2."),
        ({"pooling": "max", "padding": "wrap"}, "state the padding 'wrap'; allowed is zeros, reflect, edge."),
    ],
)
def test_pooling_and_padding_must_be_stated(stated, message):
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes().items()}
    with pytest.raises(WeightsError, match=message):
        describe(Weights(tensors, stated))
