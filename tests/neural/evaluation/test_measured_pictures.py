"""Pictures as the measures of quality look at them, through the network that comes with stylepipe."""

from functools import partial

import jax
import numpy as np
import pytest

from stylepipe.artifacts import Image, Weights
from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.evaluation.measured_pictures import measured_picture, working_size
from stylepipe.neural.evaluation.measures import BINS, CONTENT, GLOBAL, LOCAL, measured_styles, quality
from stylepipe.neural.weights.catalog import find, read_weights

LAYERS = {CONTENT: ("relu3_1",), GLOBAL: ("relu2_2", "relu3_1"), LOCAL: ("relu3_1",)}


@pytest.fixture(scope="module")
def network() -> Weights:
    return read_weights(find("vgg19-slim"))


def waves(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    channels = [np.sin(columns / 9), np.cos(rows / 7), np.sin((rows + columns) / 15)]
    return (np.stack(channels, axis=-1) / 2 + 0.5).astype(np.float32)


def test_a_view_holds_the_histogram_and_what_the_network_sees(network):
    pixels = waves(128, 256)
    found = measured_picture(Image(pixels), working_size((128, 256)), network, LAYERS)
    assert found.histogram.shape == (3, BINS)
    counts, _ = np.histogram(pixels[..., 1], bins=BINS, range=(0, 1))
    np.testing.assert_allclose(found.histogram[1], counts / counts.sum(), atol=1e-12)
    assert {name: each.shape[:2] for name, each in found.features.items()} == {
        "relu2_2": (64, 128),
        "relu3_1": (32, 64),
    }
    alone = jax.jit(partial(features, layers=("relu2_2", "relu3_1"), encoder=describe(network)))
    for name, expected in alone(network.tensors, pixels).items():
        half = len(expected) // 2  # below, near the edge, the network sees the mirror image in place of its own padding
        np.testing.assert_allclose(found.features[name][:half], np.asarray(expected)[:half], atol=1e-4)


@pytest.mark.slow
def test_a_picture_of_any_size_is_like_itself_and_less_like_others(network):
    content, style = waves(90, 70), waves(200, 300)[::-1] ** 2
    sizes = [working_size(each.shape[:2]) for each in (content, style)]
    assert sizes == [(256, 199), (171, 256)]
    seen_content, seen_style = (
        measured_picture(Image(each), size, network, LAYERS) for each, size in zip((content, style), sizes, strict=True)
    )
    as_content = measured_picture(Image(style), sizes[0], network, LAYERS)
    reference = measured_styles([seen_style], LAYERS)
    same = quality(seen_style, content=seen_style, styles=reference, layers=LAYERS)
    assert same == pytest.approx(dict.fromkeys(LAYERS, 1.0), abs=1e-5)
    other = quality(seen_content, content=as_content, styles=reference, layers=LAYERS)
    assert all(value < 0.95 for value in other.values())


def test_a_picture_that_is_too_narrow_is_refused(network):
    with pytest.raises(StageError, match=r"it has 256×11, and needs 12 each way"):
        measured_picture(Image(waves(11, 256)), (11, 256), network, LAYERS)


@pytest.mark.slow
def test_what_is_hidden_is_not_measured(network):
    """A cut-out is like itself, whatever is hidden of it, and the histogram is that of its visible part."""
    pixels, alpha = waves(128, 160), np.zeros((128, 160), np.float32)
    alpha[:, :80] = 1
    size, noise = working_size((128, 160)), np.random.default_rng(0).random(pixels.shape, np.float32)
    cut_out, other = (
        measured_picture(Image(np.where(alpha[..., None] > 0, pixels, hidden), alpha), size, network, LAYERS)
        for hidden in (0 * noise, noise)
    )
    reference = measured_styles([cut_out], LAYERS)
    assert quality(other, content=cut_out, styles=reference, layers=LAYERS) == pytest.approx(dict.fromkeys(LAYERS, 1), abs=1e-5)
    np.testing.assert_allclose(other.histogram, cut_out.histogram, atol=1e-12)
    half = measured_picture(Image(pixels[:, :80]), (size[0], size[1] // 2), network, LAYERS)
    assert np.abs(half.histogram - cut_out.histogram).sum() < 0.1
    with pytest.raises(StageError, match="has no visible pixel"):
        measured_picture(Image(pixels, 0 * alpha), size, network, LAYERS)
