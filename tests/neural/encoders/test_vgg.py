"""VGG's layers against the definition, written in NumPy and float64."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.artifacts import Weights
from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import Vgg, describe
from stylepipe.neural.weights.published_layouts import read_weights

SLIM = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_4", "relu4_1", "relu5_1")


def random_weights(*widths: tuple[int, ...], pooling="max", padding="zeros", seed=0) -> Weights:
    """A network with the given channels per convolution and block, and activations of about 1 everywhere."""
    draw = np.random.default_rng(seed)
    tensors = {"normalise/kernel": draw.normal(size=(1, 1, 3, 3)), "normalise/bias": draw.normal(size=3)}
    before = 3
    for block, channels in enumerate(widths, 1):
        for index, width in enumerate(channels, 1):
            tensors[f"conv{block}_{index}/kernel"] = draw.normal(size=(3, 3, before, width)) / np.sqrt(4.5 * before)
            tensors[f"conv{block}_{index}/bias"] = draw.random(width) + 0.5
            before = width
    return Weights({k: np.float32(v) for k, v in tensors.items()}, {"pooling": pooling, "padding": padding})


def definition(weights: Weights, image: np.ndarray, layers: tuple[str, ...], vgg: Vgg) -> dict[str, np.ndarray]:
    """Every layer in float64, one output pixel's window at a time."""
    tensors = {name: np.float64(tensor) for name, tensor in weights.tensors.items()}
    x = np.float64(image) @ tensors["normalise/kernel"][0, 0] + tensors["normalise/bias"]
    found = {}
    for name in vgg.layers:
        if name.endswith("_1") and name != "relu1_1":
            x = vgg.gain * pooled(x, vgg.pooling)
        mode = {"zeros": "constant", "reflect": "reflect", "edge": "edge"}[vgg.padding]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((1, 1), (1, 1), (0, 0)), mode=mode), (3, 3), axis=(0, 1))
        kernel = tensors[name.replace("relu", "conv") + "/kernel"]
        x = np.einsum("hwcij,ijcd->hwd", windows, kernel, optimize=True) + tensors[name.replace("relu", "conv") + "/bias"]
        x = np.maximum(x, 0)
        if name in layers:
            found[name] = x
    return found


def pooled(x: np.ndarray, pooling: str) -> np.ndarray:
    rows, columns = x.shape[0] // 2, x.shape[1] // 2
    corners = [x[i : 2 * rows : 2, j : 2 * columns : 2] for i in (0, 1) for j in (0, 1)]
    match pooling:
        case "max":
            return np.max(corners, axis=0)
        case "average":
            return np.mean(corners, axis=0)
        case _:
            return np.sqrt(np.sum(np.square(corners), axis=0))


def compiled(weights: Weights, vgg: Vgg, layers: tuple[str, ...]):
    return partial(jax.jit(partial(features, layers=layers, encoder=vgg)), weights.tensors)


def agree(found, expected, tolerance=1e-5):
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].shape == values.shape
        assert np.abs(found[name] - values).max() <= tolerance * np.abs(values).max(), name


@pytest.fixture
def image():
    return np.random.default_rng(1).random((53, 71, 3), dtype=np.float32)


def test_exact_vgg19_as_published(exact_vgg19, image):
    weights = read_weights(exact_vgg19)
    vgg = describe(weights)
    assert vgg == Vgg((2, 2, 4), "max", "zeros")
    agree(compiled(weights, vgg, vgg.layers)(image), definition(weights, image, vgg.layers, vgg))


def test_slim_vgg19_as_published(slim_vgg19, image):
    weights = read_weights(slim_vgg19)
    vgg = describe(weights)
    assert vgg == Vgg((2, 2, 4, 4, 1), "max", "reflect")
    agree(compiled(weights, vgg, SLIM)(image), definition(weights, image, SLIM, vgg))


@pytest.mark.slow
@pytest.mark.parametrize(("padding", "size"), [("zeros", (9, 11)), ("reflect", (13, 8)), ("edge", (5, 4))])
@pytest.mark.parametrize("pooling", ["max", "average", "l2"])
def test_every_pooling_and_padding_at_odd_sizes(pooling, padding, size):
    weights = random_weights((3, 5), (4,), (6, 8), padding=padding)
    vgg = describe(weights, pooling=pooling)
    image = np.random.default_rng(2).random((*size, 3), dtype=np.float32)
    agree(compiled(weights, vgg, vgg.layers)(image), definition(weights, image, vgg.layers, vgg))


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["max", "average", "l2"])
def test_gradient_against_differences_of_the_definition(pooling):
    weights = random_weights((4, 4), (6,), (5,), padding="reflect")
    vgg = describe(weights, pooling=pooling)
    draw = np.random.default_rng(3)
    image, direction = draw.random((2, 13, 18, 3))
    targets = {name: draw.random(values.shape) for name, values in definition(weights, image, vgg.layers, vgg).items()}

    def loss(found):
        return sum(((found[name] - target) ** 2).mean() for name, target in targets.items())

    step = 1e-6
    ahead, behind = (loss(definition(weights, image + sign * step * direction, vgg.layers, vgg)) for sign in (1, -1))
    gradient = jax.grad(lambda x: loss(compiled(weights, vgg, vgg.layers)(x)))(jnp.float32(image))
    assert np.vdot(gradient, direction) == pytest.approx((ahead - behind) / (2 * step), rel=1e-5)


def test_gradient_is_finite_where_l2_pools_only_zeros():
    weights = random_weights((4,), (4,))
    weights.tensors["conv1_1/bias"][:] = -1e3
    vgg = describe(weights, pooling="l2")
    gradient = jax.grad(lambda x: compiled(weights, vgg, vgg.layers)(x)["relu2_1"].sum())(jnp.ones((6, 6, 3)))
    assert (gradient == 0).all()


def test_gain_is_that_of_the_change_in_pooling():
    trained_with_max, trained_with_average = random_weights((4,)), random_weights((4,), pooling="average")
    assert describe(trained_with_max, pooling="average").gain == 2
    assert describe(trained_with_max, pooling="l2").gain == 0.78
    assert describe(trained_with_max, pooling="max").gain == 1
    assert describe(trained_with_average).gain == 1
    assert describe(trained_with_average, pooling="max").gain == 0.5


def test_zeros_are_padded_after_the_normalization():
    """A gray that is normalized to 0 looks like the padding; any other does not."""
    weights = random_weights((2,))
    weights.tensors["normalise/kernel"][:] = np.eye(3)
    weights.tensors["normalise/bias"][:] = -0.5
    found = compiled(weights, describe(weights), ("relu1_1",))(np.full((5, 5, 3), 0.5, np.float32))["relu1_1"]
    np.testing.assert_allclose(found, np.broadcast_to(weights.tensors["conv1_1/bias"], (5, 5, 2)), rtol=1e-6)


@pytest.mark.parametrize(
    ("precision", "told"), [("float32", {("HIGHEST", "f32")}), ("tf32", {("HIGH", "f32")}), ("bfloat16", {("DEFAULT", "bf16")})]
)
def test_accelerators_are_told_the_precision_there_and_back(precision, told):
    weights = random_weights((4, 4), (5,))
    tensors = {name: jnp.asarray(tensor) for name, tensor in weights.tensors.items()}

    def loss(image, tensors):
        return features(tensors, image, layers=("relu2_1",), encoder=describe(weights, precision=precision))["relu2_1"].sum()

    program = jax.jit(jax.grad(loss)).trace(jnp.zeros((16, 16, 3)), tensors).lower(lowering_platforms=("cuda",)).as_text()
    convolutions = [line for line in program.splitlines() if "stablehlo.convolution" in line and "1x1x3x3x" not in line]
    assert len(convolutions) == 2 * 3
    assert {re.search(r"precision (\w+)>.*x(\w+)>$", line).groups() for line in convolutions} == told


@pytest.mark.slow
def test_bfloat16_is_near_and_tf32_on_a_cpu_the_same(image):
    weights = random_weights((6, 6), (8, 8), padding="reflect")
    found = {
        precision: features(weights.tensors, image, layers=("relu2_2",), encoder=describe(weights, precision=precision))[
            "relu2_2"
        ]
        for precision in ("float32", "tf32", "bfloat16")
    }
    np.testing.assert_array_equal(found["tf32"], found["float32"])
    assert found["bfloat16"].dtype == jnp.float32
    error = jnp.linalg.norm(found["bfloat16"] - found["float32"]) / jnp.linalg.norm(found["float32"])
    assert 1e-4 < error < 1e-2


def test_no_deeper_than_the_layers_need():
    weights = random_weights((3, 3), (3,), (3,))
    vgg = describe(weights)
    needed = {name: tensor for name, tensor in weights.tensors.items() if name < "conv2_2" or name.startswith("normalise")}
    image = np.ones((2, 2, 3), np.float32)  # too small for block 3
    assert features(needed, image, layers=("relu2_1",), encoder=vgg)["relu2_1"].shape == (1, 1, 3)
    assert features(needed, image, layers=(), encoder=vgg) == {}


@pytest.mark.parametrize(
    ("layer", "size", "message"),
    [
        ("relu2_3", (9, 9), "no layer 'relu2_3'; its layers are relu1_1 … relu3_1. Did you mean 'relu2_"),
        ("conv2_1", (9, 9), "no layer 'conv2_1'; its layers are relu1_1 … relu3_1. Known: relu1_1, relu2_1, relu2_2, relu3_1."),
        ("relu3_1", (9, 7), "'relu3_1' takes images of at least 8×8 pixels; this one has 7×9. Work at a larger size"),
    ],
)
def test_errors_name_the_layer_and_the_size(layer, size, message):
    weights = random_weights((3,), (3, 3), (3,), padding="reflect")
    with pytest.raises(StageError, match=message):
        features(weights.tensors, np.ones((*size, 3), np.float32), layers=("relu1_1", layer), encoder=describe(weights))
