"""VGG-19's layers brought to one mean activation, in published files and in the network that comes with the project."""

from pathlib import Path

import h5py
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.artifacts import Weights
from stylepipe.image.files.io import read_image
from stylepipe.image.resize import resize
from stylepipe.neural.encoders.activation_scale import MEAN, TRAINED_MEANS, at_one_scale, is_vgg19
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import DEEPEST, describe, places
from stylepipe.neural.weights.catalog import find, read_weights

ASSETS = Path(__file__).parents[3] / "recipes/assets"
WIDTHS = (64, 128, 256, 512, 512)


def layers_of(weights, picture):
    vgg = describe(weights)
    return features(weights.tensors, jnp.asarray(picture), layers=vgg.layers, encoder=vgg)


def drawn(widths, depth=DEEPEST):
    """Tensors of a network of such widths by block."""
    draw = np.random.default_rng(0)
    tensors = {"normalise/kernel": np.eye(3, dtype=np.float32)[None, None], "normalise/bias": np.zeros(3, np.float32)}
    before = 3
    for block, index in places(depth):
        shape = (3, 3, before, widths[block - 1])
        tensors[f"conv{block}_{index}/kernel"] = draw.normal(0, (4.5 * before) ** -0.5, shape).astype(np.float32)
        tensors[f"conv{block}_{index}/bias"] = draw.normal(0, 0.1, shape[3]).astype(np.float32)
        before = widths[block - 1]
    return tensors


@pytest.mark.slow
def test_each_layer_is_what_it_was_times_its_factor():
    said = {"pooling": "max", "padding": "zeros"}
    tensors, picture = drawn((4, 5, 6, 7, 8)), np.random.default_rng(1).random((33, 37, 3), np.float32)
    before, after = (layers_of(Weights(each, said), picture) for each in (tensors, at_one_scale(tensors)))
    for layer, values in before.items():
        mean = TRAINED_MEANS.get(layer.replace("relu", "conv"), TRAINED_MEANS["conv3_4"])
        np.testing.assert_allclose(after[layer], values * (MEAN / mean), rtol=1e-4, atol=1e-6)


def test_the_whole_of_vgg19_is_known_by_its_shapes():
    shapes = {f"conv{block}_{index}/bias": (WIDTHS[block - 1],) for block, index in places(DEEPEST)}
    assert is_vgg19(shapes)
    assert not is_vgg19({**shapes, "conv3_1/bias": (255,)})
    assert not is_vgg19({name: shape for name, shape in shapes.items() if name != "conv5_4/bias"})


def test_the_published_file_is_scaled_when_it_is_read(tmp_path):
    tensors = drawn(WIDTHS)
    with h5py.File(tmp_path / "vgg19.h5", "w") as file:
        for name, values in tensors.items():
            if name.startswith("conv"):
                group = f"block{name[4]}_conv{name[6]}"
                file[f"{group}/{group}_{'W' if name.endswith('kernel') else 'b'}_1:0"] = values
    read = read_weights(tmp_path / "vgg19.h5")
    np.testing.assert_allclose(read.tensors["conv1_1/bias"], tensors["conv1_1/bias"] * 0.25 / 20.34, rtol=1e-6)
    np.testing.assert_allclose(read.tensors["conv1_2/kernel"], tensors["conv1_2/kernel"] * 20.34 / 87.92, rtol=1e-6)
    np.testing.assert_array_equal(read.tensors["conv5_4/kernel"], tensors["conv5_4/kernel"])
    np.testing.assert_allclose(read.tensors["conv5_4/bias"], tensors["conv5_4/bias"] * 0.25 / 390.5, rtol=1e-6)


@pytest.mark.slow
def test_the_shipped_layers_are_of_one_scale():
    """On one of the recipes' pictures, which no constant was measured on, all means are within a factor of two of `MEAN`."""
    weights = read_weights(find("vgg19-shallow"))
    assert describe(weights).depth == (2, 2, 4)
    picture = resize(read_image(ASSETS / "ancient_city.jpg").pixels, (192, 256), method="lanczos3")
    for layer, values in layers_of(weights, picture).items():
        assert MEAN / 2 < float(values.mean()) < 2 * MEAN, layer


@pytest.mark.slow
def test_the_shipped_network_is_the_exact_one_but_for_rounding(exact_vgg19):
    exact = read_weights(exact_vgg19)
    picture = np.random.default_rng(2).random((48, 40, 3), np.float32)
    shipped = layers_of(read_weights(find("vgg19-shallow")), picture)
    for layer, values in layers_of(exact, picture).items():
        wanted = values * (MEAN / TRAINED_MEANS[layer.replace("relu", "conv")])
        assert jnp.linalg.norm(shipped[layer] - wanted) < 2e-3 * jnp.linalg.norm(wanted), layer
