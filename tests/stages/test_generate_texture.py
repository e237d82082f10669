"""The stage `generate_texture`: a size, a seed, and whether it tiles."""

import jax
import numpy as np

from stages.generate_texture import GenerateTextureParams, generate_texture
from stylepipe.neural.networks.texture import fresh
from stylepipe.neural.networks.texture_layout import Texture

NETWORK = fresh(jax.random.key(0), Texture(sizes=2, channels=2))


def run(width, height, seed=0):
    notes = []
    params = GenerateTextureParams(width=width, height=height)
    return generate_texture(NETWORK, params, key=jax.random.key(seed), emit=notes.append).pixels, notes


def test_another_seed_gives_another_texture():
    first, notes = run(16, 8)
    again, other = run(16, 8)[0], run(16, 8, seed=1)[0]
    assert first.shape == (8, 16, 3)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01
    assert not notes


def test_a_size_that_does_not_tile_is_told():
    _, notes = run(15, 8)
    assert notes[0].text == "The texture does not tile: only multiples of 2 pixels do, and 15×8 is cut from more."
