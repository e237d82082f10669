"""The texture network: its layers as a table, its pass against a definition in NumPy, and that it tiles."""

from functools import partial

import jax
import numpy as np
import pytest

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.networks.texture import fresh, generated, noise, texture
from stylepipe.neural.networks.texture_layout import Texture, describe

DRAW = np.random.default_rng(0)

PUBLISHED = Texture(sizes=6, channels=8)
"""Ulyanov et al. 2016, section 3: noise at 1, 1/2 … 1/32, and 8 channels more at each."""

COUNTS = {  # parameters: three kernels, with a scale and a shift each
    **{f"noise{size}": 216 + 576 + 64 + 48 for size in range(1, 7)},
    **{f"join{size}": (9 + 9 + 1) * (8 * size) ** 2 + (3 + 1) * 2 * 8 * size for size in range(2, 7)},
    "last": 147,
}


def random_network(**options) -> Weights:
    weights = fresh(jax.random.key(0), Texture(**{"sizes": 3, "channels": 3, **options}))
    moved = {name: np.float32(tensor + 0.2 * DRAW.normal(size=tensor.shape)) for name, tensor in weights.tensors.items()}
    return Weights(moved, weights.metadata)


def test_the_layers_are_the_published_ones():
    counts = {}
    for name, shape in PUBLISHED.shapes.items():
        part = name.partition("/")[0].partition("_")[0]
        counts[part] = counts.get(part, 0) + int(np.prod(shape))
    assert counts == COUNTS
    assert sum(counts.values()) == 116_291
    assert PUBLISHED.shapes["noise4_1/kernel"] == (3, 3, 3, 8)
    assert PUBLISHED.shapes["join5_2/kernel"] == (3, 3, 40, 40)
    assert PUBLISHED.shapes["last/kernel"] == (1, 1, 48, 3)


def test_noise_has_the_published_sizes():
    drawn = jax.eval_shape(lambda key: noise(key, (256, 128), PUBLISHED), jax.random.key(0))
    assert [one.shape for one in drawn] == [(side, side // 2, 3) for side in (8, 16, 32, 64, 128, 256)]


def defined(weights: Weights, given: list[np.ndarray]) -> np.ndarray:
    """The network in float64, from the paper."""
    tensors = {name: np.float64(tensor) for name, tensor in weights.tensors.items()}
    mode = {"circular": "wrap", "edge": "edge"}[weights.metadata["padding"]]

    def norm(name: str, x: np.ndarray) -> np.ndarray:
        mean, variance = x.mean((0, 1)), x.var((0, 1))
        return tensors[f"{name}/scale"] * (x - mean) / np.sqrt(variance + 1e-5) + tensors[f"{name}/shift"]

    def three(name: str, x: np.ndarray) -> np.ndarray:
        for number in (1, 2, 3):
            kernel = tensors[f"{name}_{number}/kernel"]
            around = len(kernel) // 2
            padded = np.pad(x, ((around, around), (around, around), (0, 0)), mode=mode)
            windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))
            y = norm(f"{name}_{number}", np.einsum("hwcij,ijcd->hwd", windows, kernel))
            x = np.where(y > 0, y, 0.01 * y)
        return x

    x = three("noise1", given[0])
    for size in (2, 3):
        both = np.concatenate([x.repeat(2, 0).repeat(2, 1), three(f"noise{size}", given[size - 1])], -1)
        x = three(f"join{size}", norm(f"join{size}", both))
    return 0.5 + np.tanh(x @ tensors["last/kernel"][0, 0] + tensors["last/bias"]) * 150 / 255


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["circular", "edge"])
def test_the_network_is_its_definition(padding):
    weights = random_network(padding=padding)
    given = noise(jax.random.key(1), (12, 16), describe(weights))
    found = jax.jit(texture, static_argnames="network")(weights.tensors, given, network=describe(weights))
    np.testing.assert_allclose(found, defined(weights, [np.float64(one) for one in given]), atol=2e-5)


@pytest.mark.slow
def test_with_circular_padding_a_rolled_noise_makes_a_rolled_texture():
    """So no place is at a border: copies lie side by side without a seam."""
    weights = random_network()
    given = noise(jax.random.key(2), (12, 16), describe(weights))
    rolled = tuple(np.roll(one, (factor, 2 * factor), (0, 1)) for one, factor in zip(given, (1, 2, 4), strict=True))
    passed = jax.jit(texture, static_argnames="network")
    expected = np.roll(passed(weights.tensors, given, network=describe(weights)), (4, 8), (0, 1))
    np.testing.assert_allclose(passed(weights.tensors, rolled, network=describe(weights)), expected, atol=1e-5)


def test_any_size_is_cut_from_a_larger_one():
    weights, key = random_network(), jax.random.key(3)
    np.testing.assert_array_equal(generated(weights, key, (9, 14)), generated(weights, key, (12, 16))[:9, :14])


def changed(tensors=(), **stated) -> Weights:
    good = random_network()
    held = {**good.tensors, **dict(tensors)}
    return Weights({name: t for name, t in held.items() if t is not None}, {**good.metadata, **stated})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(changed, network="upscaler"), "The weights state the network 'upscaler'; allowed is 'texture'."),
        (partial(changed, padding="zeros"), "The weights state the padding 'zeros'; allowed is circular, edge."),
        (
            partial(Weights, {}, {"network": "texture", "padding": "edge"}),
            "The weights hold 0 sizes of 0 channels; allowed are 1…8 of 1…64.",
        ),
        (partial(changed, {"join3/shift": None}), "The weights hold no 'join3/shift'."),
        (partial(changed, {"last/bias": np.zeros(4)}), "The tensor 'last/bias' has shape (4,); expected is (3,)."),
    ],
)
def test_other_weights_are_refused(make, message):
    with pytest.raises(WeightsError) as caught:
        describe(make())
    assert caught.value.message == message


def test_a_fresh_network_has_the_tensors_of_its_layout():
    weights = fresh(jax.random.key(0), Texture(sizes=2, channels=2))
    assert {name: tensor.shape for name, tensor in weights.tensors.items()} == describe(weights).shapes
