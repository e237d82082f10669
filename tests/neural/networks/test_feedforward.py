"""Networks of styles on pictures of any size: cut back exactly, and tiles leave no trace."""

from pathlib import Path

import jax
import numpy as np
import pytest

from stylepipe.artifacts import Weights
from stylepipe.image.files.io import read_image
from stylepipe.image.resize import resize
from stylepipe.image.sizes import scaled
from stylepipe.neural.networks import feedforward
from stylepipe.neural.networks.feedforward import stylized
from stylepipe.neural.networks.normalization import Statistics
from stylepipe.neural.networks.transformation import fresh, mixed, transform
from stylepipe.neural.networks.transformation_layout import Transformation, describe
from stylepipe.neural.weights.catalog import find, read_weights
from stylepipe.neural.xla.compile_options import program

DRAW = np.random.default_rng(0)


def random_network(**options) -> Weights:
    network = Transformation(**{"channels": 2, "blocks": 1, "styles": 2, **options})
    weights = fresh(jax.random.key(0), network)
    draw = np.random.default_rng(1)
    tensors = {
        name: np.float32(tensor + 0.3 * draw.normal(size=tensor.shape) * (tensor.ndim == 2))
        for name, tensor in weights.tensors.items()
    }
    for name, shape in network.layers.items() if network.normalization == "batch" else ():
        tensors[f"{name}/mean"] = np.float32(0.1 * draw.normal(size=shape[3]))
        tensors[f"{name}/variance"] = np.float32(0.5 + draw.random(shape[3]))
    return Weights(tensors, weights.metadata)


@pytest.mark.slow
def test_a_picture_of_whole_multiples_goes_through_as_it_is():
    weights, picture = random_network(), DRAW.random((8, 8, 3), dtype=np.float32)
    tensors, network = mixed(weights.tensors, np.float32([0.5, 0.5])), describe(weights)
    as_compiled = program()(lambda tensors, picture: transform(tensors, picture, network=network, layer_statistics={})[0])
    expected = as_compiled(tensors, picture)  # by the same compiler's options: others round otherwise
    np.testing.assert_allclose(stylized(weights, picture, [0.5, 0.5]), np.clip(expected, 0, 1), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (2, 8), (6, 5)])
def test_other_sizes_are_continued_by_reflection_and_cut_back(size):
    weights, picture = random_network(), DRAW.random((*size, 3), dtype=np.float32)
    larger = np.pad(picture, ((0, max(-size[0] % 4, 8 - size[0])), (0, max(-size[1] % 4, 8 - size[1])), (0, 0)), mode="reflect")
    found = stylized(weights, picture, [1.0, 0.0])
    assert found.shape == picture.shape
    np.testing.assert_array_equal(found, stylized(weights, larger, [1.0, 0.0])[: size[0], : size[1]])
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"padding": "zeros", "upsampling": "transposed"}, {"normalization": "batch"}])
def test_tiles_leave_no_trace(options, monkeypatch):
    """And no map of the picture's size is held whole."""
    shapes = []
    convolved = feedforward._convolved

    def record(tensors, x, known, **options):
        found = convolved(tensors, x, known, **options)
        shapes.append(found.shape)
        return found

    monkeypatch.setattr(feedforward, "_convolved", record)
    weights, picture = random_network(**options), DRAW.random((53, 94, 3), dtype=np.float32)
    picture[:20] *= 0.2  # so that tiles have statistics of their own
    whole = stylized(weights, picture, [0.3, 0.7])
    assert not shapes
    np.testing.assert_allclose(stylized(weights, picture, [0.3, 0.7], whole=0, tile=40), whole, atol=1e-4)
    assert max(height for height, _, _ in shapes) == max(width for _, width, _ in shapes) == 40
    assert len(set(shapes)) <= 6  # each layer is compiled once


def test_statistics_of_parts_are_those_of_the_whole():
    x = np.float32(DRAW.normal(1000, 0.1, size=(6, 8, 2)))
    found = feedforward._statistics([x[:2], x[2:, :3], x[2:, 3:]])
    np.testing.assert_allclose(found, Statistics(x.mean((0, 1), np.float64), x.var((0, 1), np.float64)), rtol=1e-5)


# --- the network that comes with stylepipe ------------------------------------------------------------------------------


def grid(picture: np.ndarray) -> float:
    """How much more power a picture has at a period of 4 pixels, down or across, than beside it; about 1 without a grid.

    The decoder makes 4×4 pixels of each position of the blocks' maps: whatever of that is left repeats every 4 pixels.
    """
    luma = picture.mean(2) - picture.mean()
    window = np.hanning(luma.shape[0])[:, None] * np.hanning(luma.shape[1])
    power = np.abs(np.fft.fft2(luma * window)) ** 2
    found = []
    for lines in (power, power.T):
        at = len(lines) // 4
        beside = [*range(at - 12, at - 4), *range(at + 5, at + 13)]
        found.append(lines[at - 1 : at + 2].mean() / lines[beside].mean())
    return max(found)


def test_the_measure_of_a_grid():
    noise = DRAW.random((200, 240, 3))
    assert grid(noise) == pytest.approx(1, abs=0.2)
    assert grid(noise + 0.5 * (np.arange(240) % 4 == 0)[:, None]) > 20


@pytest.mark.slow
@pytest.mark.parametrize("style", [0, 1])
def test_the_shipped_network_leaves_no_grid(style):
    content = read_image(Path(__file__).parents[3] / "recipes" / "assets" / "lighthouse.jpg").pixels
    picture = np.asarray(resize(content, scaled(content.shape[:2], 512 / max(content.shape[:2]))))
    assert grid(stylized(read_weights(find("swirls-embers")), picture, [1.0 - style, float(style)])) < 5
