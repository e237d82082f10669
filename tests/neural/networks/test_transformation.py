"""The image-transformation network: its layers as a table, its pass against a definition in NumPy."""

from functools import partial

import jax
import numpy as np
import pytest

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.networks.normalization import PICTURES
from stylepipe.neural.networks.transformation import convolution, fresh, mixed, stored_statistics, transform
from stylepipe.neural.networks.transformation_layout import Transformation, describe

DRAW = np.random.default_rng(0)

PUBLISHED = Transformation(channels=32, blocks=5, styles=1)
"""Johnson et al. 2016, table 1 of the supplement."""

TABLE = {  # the kernel, the parameters with scale and shift, the map's side for a picture of 256 pixels
    "first": ((9, 9, 3, 32), 7840, 256),
    "down1": ((3, 3, 32, 64), 18560, 128),
    "down2": ((3, 3, 64, 128), 73984, 64),
    **{f"block{block}_{layer}": ((3, 3, 128, 128), 147712, 64) for block in range(1, 6) for layer in (1, 2)},
    "up1": ((3, 3, 128, 64), 73856, 128),
    "up2": ((3, 3, 64, 32), 18496, 256),
    "last": ((9, 9, 32, 3), 7782, 256),
}

VARIANTS = [
    {},
    {"upsampling": "bilinear"},
    {"padding": "zeros", "upsampling": "transposed"},
    {"normalization": "batch"},
]


def random_network(**options) -> Weights:
    network = Transformation(**{"channels": 3, "blocks": 2, "styles": 2, **options})
    weights = fresh(jax.random.key(0), network)
    tensors = {
        name: np.float32(tensor + 0.3 * DRAW.normal(size=tensor.shape) * (tensor.ndim == 2))
        for name, tensor in weights.tensors.items()
    }
    if network.normalization == "batch":
        for name, shape in network.layers.items():
            tensors[f"{name}/mean"] = np.float32(0.1 * DRAW.normal(size=shape[3]))
            tensors[f"{name}/variance"] = np.float32(0.5 + DRAW.random(shape[3]))
    return Weights(tensors, weights.metadata)


def passed(weights: Weights, picture, shares=(0.25, 0.75)):
    network = describe(weights)
    given = mixed(weights.tensors, np.float32(shares)), picture, stored_statistics(weights, network)
    return jax.jit(lambda tensors, picture, known: transform(tensors, picture, network=network, layer_statistics=known)[0])(
        *given
    )


# --- the layers ---------------------------------------------------------------------------------------------------------


def test_the_layers_are_the_published_ones():
    tensors = jax.eval_shape(lambda key: fresh(key, PUBLISHED).tensors, jax.random.key(0))
    counts = {}
    for name, tensor in tensors.items():
        layer = name.partition("/")[0]
        counts[layer] = counts.get(layer, 0) + tensor.size
    assert {name: (shape, counts[name]) for name, shape in PUBLISHED.layers.items()} == {
        name: (shape, count) for name, (shape, count, _) in TABLE.items()
    }
    assert sum(counts.values()) == 1_677_638


def test_maps_have_the_published_sizes():
    def side(name: str, before: int) -> int:
        x = jax.ShapeDtypeStruct((before, before, PUBLISHED.layers[name][2]), np.float32)
        kernel = {f"{name}/kernel": jax.ShapeDtypeStruct(PUBLISHED.layers[name], np.float32)}
        found = jax.eval_shape(lambda tensors, x: convolution(tensors, name, x, network=PUBLISHED), kernel, x)
        assert found.shape == (found.shape[0], found.shape[0], PUBLISHED.layers[name][3])
        return found.shape[0]

    sides, last = {}, 256
    for name in TABLE:
        sides[name] = last = side(name, last)
    assert sides == {name: size for name, (_, _, size) in TABLE.items()}


def correlated(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
    return np.einsum("hwcij,ijcd->hwd", windows, kernel)


def doubled(x: np.ndarray) -> np.ndarray:
    """Twice as many pixels along both axes, whose values lie on the lines between those of before."""
    for axis in (0, 1):
        count = x.shape[axis]
        at = (np.arange(2 * count) + 0.5) / 2 - 0.5  # the centers of the new pixels
        x = np.apply_along_axis(lambda line, at=at, count=count: np.interp(at, np.arange(count), line), axis, x)
    return x


def defined(weights: Weights, picture: np.ndarray, shares: tuple[float, float]) -> np.ndarray:
    """The network in float64, from the papers."""
    tensors = {name: np.float64(tensor) for name, tensor in weights.tensors.items()}
    stated = weights.metadata
    mode = {"reflect": "reflect", "zeros": "constant"}[stated["padding"]]

    def layer(name: str, x: np.ndarray) -> np.ndarray:
        kernel = tensors[f"{name}/kernel"]
        size, stride = len(kernel), 2 if name.startswith("down") else 1
        if name.startswith("up") and stated["upsampling"] == "transposed":
            spread = np.zeros((2 * x.shape[0] + 2, 2 * x.shape[1] + 2, x.shape[2]))
            spread[2::2, 2::2] = x  # the transpose of a convolution with stride 2 that looks at pixels 2i, 2i + 1, 2i + 2
            y = correlated(spread, kernel)
        elif name.startswith("up") and stated["upsampling"] == "bilinear":
            y = correlated(doubled(np.pad(x, ((1, 1), (1, 1), (0, 0)), mode="edge"))[1:-1, 1:-1], kernel)
        else:
            x = x.repeat(2, 0).repeat(2, 1) if name.startswith("up") else x
            around = ((size - stride) // 2, size - stride - (size - stride) // 2)
            y = correlated(np.pad(x, (around, around, (0, 0)), mode=mode), kernel)[::stride, ::stride]
        mean, variance = y.mean((0, 1)), y.var((0, 1))
        if stated["normalization"] == "batch":
            mean, variance = tensors[f"{name}/mean"], tensors[f"{name}/variance"]
        scale, shift = (np.average(tensors[f"{name}/{part}"], 0, shares) for part in ("scale", "shift"))
        return scale * (y - mean) / np.sqrt(variance + 1e-5) + shift

    def relu(x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    x = np.float64(picture)
    for name in ("first", "down1", "down2"):
        x = relu(layer(name, x))
    for block in (1, 2):
        x = x + layer(f"block{block}_2", relu(layer(f"block{block}_1", x)))
    x = layer("last", relu(layer("up2", relu(layer("up1", x)))))
    return (np.tanh(x) * 150 + 255 / 2) / 255


@pytest.mark.slow
@pytest.mark.parametrize("options", VARIANTS)
def test_the_network_is_its_definition(options):
    weights, picture = random_network(**options), DRAW.random((16, 12, 3), dtype=np.float32)
    np.testing.assert_allclose(passed(weights, picture), defined(weights, picture, (0.25, 0.75)), atol=2e-5)


@pytest.mark.slow
def test_a_picture_does_not_know_of_those_beside_it():
    weights, pictures = random_network(blocks=1), DRAW.random((2, 16, 12, 3), dtype=np.float32)
    network, tensors = describe(weights), mixed(weights.tensors, np.float32([0.25, 0.75]))
    together = jax.jit(jax.vmap(lambda picture: transform(tensors, picture, network=network, layer_statistics={})[0]))(pictures)
    np.testing.assert_allclose(passed(weights, pictures[0]), together[0], atol=1e-5)


def test_in_training_batch_normalization_takes_the_statistics_of_all_pictures():
    network = Transformation(channels=3, blocks=1, styles=1, normalization="batch")
    tensors = mixed(fresh(jax.random.key(0), network).tensors, np.ones(1, np.float32))
    pictures = DRAW.random((2, 8, 8, 3), dtype=np.float32)
    both = jax.jit(
        jax.vmap(lambda x: transform(tensors, x, network=network, layer_statistics={}, pooled=True), axis_name=PICTURES)
    )
    _, found = both(pictures)
    first = np.stack([convolution(tensors, "first", picture, network=network) for picture in pictures])
    np.testing.assert_allclose(found["first"].mean[0], first.mean((0, 1, 2)), atol=1e-6)
    np.testing.assert_allclose(found["first"].variance[1], first.var((0, 1, 2)), rtol=1e-4)


@pytest.mark.slow
def test_a_mix_of_one_style_is_that_style():
    weights, picture = random_network(blocks=1), DRAW.random((16, 12, 3), dtype=np.float32)
    single = {name: tensor[1:] if tensor.ndim == 2 else tensor for name, tensor in weights.tensors.items()}
    alone = passed(Weights(single, weights.metadata), picture, (1.0,))
    np.testing.assert_array_equal(passed(weights, picture, (0.0, 1.0)), alone)
    assert np.abs(passed(weights, picture, (1.0, 0.0)) - alone).max() > 0.01


# --- the weights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", VARIANTS)
def test_what_is_described_is_what_was_made(options):
    expected = Transformation(**{"channels": 3, "blocks": 2, "styles": 2, **options})
    assert describe(random_network(**options)) == expected


def changed(tensors=(), **stated) -> Weights:
    good = random_network()
    held = {**good.tensors, **dict(tensors)}
    return Weights({name: t for name, t in held.items() if t is not None}, {**good.metadata, **stated})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(Weights, {}), "The weights state no network; allowed is 'image-transformation'."),
        (
            partial(Weights, {}, {"network": "image-transformation"}),
            "The weights hold 0 blocks, 0 channels and 0 styles; allowed are 0…32, 1…256 and 1…256.",
        ),
        (partial(changed, padding="mirror"), "The weights state the padding 'mirror'; allowed is reflect, zeros."),
        (partial(changed, normalization="batch"), "The weights hold no 'first/mean'."),
        (partial(changed, {"up2/shift": None}), "The weights hold no 'up2/shift'."),
        (partial(changed, {"block1_2/kernel": None}), "The weights hold no 'block1_2/kernel'."),
        (
            partial(changed, {"down1/scale": np.zeros((1, 6))}),
            "The tensor 'down1/scale' has shape (1, 6); expected is (2, 6).",
        ),
        (
            partial(changed, {"last/kernel": np.zeros((3, 3, 3, 3))}),
            "The tensor 'last/kernel' has shape (3, 3, 3, 3); expected is (9, 9, 3, 3).",
        ),
    ],
)
def test_other_weights_are_refused(make, message):
    with pytest.raises(WeightsError) as caught:
        describe(make())
    assert caught.value.message == message


def test_a_fresh_network_has_the_tensors_of_its_layout():
    weights = fresh(jax.random.key(0), Transformation(channels=2, blocks=1, styles=3))
    assert {name: tensor.shape for name, tensor in weights.tensors.items()} == describe(weights).shapes
