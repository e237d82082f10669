"""What an encoder states of itself, against what the network computes."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.errors import StageError
from stylepipe.neural.encoders.encoder import Encoder, check_layers
from stylepipe.neural.encoders.vgg_layout import Vgg, describe


@dataclass(frozen=True)
class Pyramid(Encoder):
    """Two layers, of which the second has a quarter of the resolution."""

    functions = "nowhere"

    @property
    def layers(self):
        return ("fine", "coarse")

    def stride(self, layer):
        return {"fine": 1, "coarse": 4}[layer]

    def channels(self, shapes):
        return {layer: shapes[layer][-1] for layer in self.layers}


def test_what_follows_from_layers_strides_and_channels():
    encoder, shapes = Pyramid(), {"fine": (3, 3, 3, 8), "coarse": (3, 3, 8, 5)}
    assert encoder.size_at("coarse", (11, 16)) == (2, 4)
    assert encoder.least_side("coarse") == 4
    assert encoder.reach("coarse") == 1 + 4
    assert encoder.operations(shapes, ("fine",)) == 2 * 9 * 3 * 8
    assert encoder.operations(shapes, ("fine", "coarse")) == 2 * 9 * (3 * 8 + 8 * 5 / 16)


def test_a_layer_that_is_not_there_and_a_picture_that_is_too_small():
    check_layers(("fine", "coarse"), Pyramid(), (4, 9))
    with pytest.raises(StageError, match=r"no layer 'course'; its layers are fine … coarse.* Did you mean 'coarse'"):
        check_layers(("course",), Pyramid(), (40, 40))
    with pytest.raises(StageError, match="'coarse' takes images of at least 4×4 pixels; this one has 9×3"):
        check_layers(("coarse",), Pyramid(), (3, 9))


def test_the_reach_of_a_layer_is_what_a_position_sees(tiny_vgg):
    """A unit at (p, p) depends on pixels from s p − reach to s (p + 1) + reach − 1, and on none beyond."""
    encoder, side = describe(tiny_vgg), 64
    picture = jnp.asarray(np.random.default_rng(0).random((side, side, 3)), jnp.float32)
    for layer in encoder.layers:
        stride, reach = encoder.stride(layer), encoder.reach(layer)
        place = side // stride // 2

        def unit(pixels, layer=layer, place=place):
            # Squared weights let no two paths cancel, and no ReLU stay shut.
            tensors = {name: jnp.square(tensor) + 0.01 for name, tensor in tiny_vgg.tensors.items()}
            return encoder.features(tensors, pixels, (layer,))[layer][place, place].sum()

        rows = np.flatnonzero(np.abs(jax.grad(unit)(picture)).sum((1, 2)))
        first, last = stride * place - reach, stride * (place + 1) + reach - 1
        assert first <= rows[0] <= rows[-1] <= last
        assert rows[-1] - rows[0] > (last - first) / 3


def test_operations_of_vgg_are_those_of_its_kernels(tiny_vgg):
    encoder = describe(tiny_vgg)
    shapes = {name: np.shape(tensor) for name, tensor in tiny_vgg.tensors.items()}
    kernels = [np.prod(shapes[f"{layer.replace('relu', 'conv')}/kernel"]) for layer in encoder.layers]
    expected = sum(2 * kernel / encoder.stride(layer) ** 2 for kernel, layer in zip(kernels, encoder.layers, strict=True))
    assert encoder.operations(shapes, encoder.layers) == pytest.approx(expected)


def test_padding_by_reflection_needs_a_second_position():
    assert [Vgg((2, 2), "max", padding).least_side("relu2_1") for padding in ("zeros", "reflect")] == [2, 4]
