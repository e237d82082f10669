"""Filters in tiles beside the same of the whole picture."""

from functools import partial

import numpy as np
import pytest

from stylepipe.image.filters.denoise import bilateral, non_local_means
from stylepipe.image.filters.neighborhood import gaussian_blur, median, unsharp_mask
from stylepipe.image.filters.reach import blur_reach
from stylepipe.image.filters.tiled_filter import tiled

ROUNDING = 1e-6  # of values in [0, 1]; XLA adds in another order where shapes are others

LOCAL = {
    "blur": (partial(gaussian_blur, sigma=1.5), blur_reach(1.5)),
    "unsharp": (partial(unsharp_mask, amount=0.8, radius=1.2), blur_reach(1.2)),
    "median": (partial(median, size=5), 2),
    "bilateral": (partial(bilateral, sigma_space=2.0, sigma_color=0.2, radius=3), 3),
    "non-local means": (partial(non_local_means, strength=0.3, patch_radius=1, search_radius=2), 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("size", [(67, 41), (40, 95), (20, 20)])
@pytest.mark.parametrize("name", LOCAL)
def test_a_filter_in_tiles_is_that_of_the_whole(name, size):
    local, far = LOCAL[name]
    pixels = np.random.default_rng(0).random((*size, 3), np.float32)
    np.testing.assert_allclose(tiled(local, pixels, reach=far, tile=32), local(pixels), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", LOCAL)
def test_none_reaches_further_than_it_says(name):
    local, far = LOCAL[name]
    pixels = np.random.default_rng(0).random((61, 61, 3), np.float32)
    other = pixels.copy()
    other[30, 30] = 1 - other[30, 30]
    changed = np.any(np.abs(np.asarray(local(other)) - np.asarray(local(pixels))) > ROUNDING, axis=-1)
    rows, columns = np.nonzero(changed)
    assert changed[30, 30] and max(np.abs(rows - 30).max(), np.abs(columns - 30).max()) <= far


def test_a_plane_is_taken_too():
    plane = np.random.default_rng(0).random((50, 70), np.float32)
    local = partial(gaussian_blur, sigma=1.0)
    np.testing.assert_allclose(tiled(local, plane, reach=blur_reach(1.0), tile=24), local(plane), rtol=0, atol=ROUNDING)


def test_several_pictures_are_cut_alike():
    rng = np.random.default_rng(0)
    pixels, plane = rng.random((50, 70, 3), np.float32), rng.random((50, 70), np.float32)

    def local(picture, weight):
        return gaussian_blur(weight[..., None] * picture, sigma=1.0)

    np.testing.assert_allclose(
        tiled(local, pixels, plane, reach=blur_reach(1.0), tile=24), local(pixels, plane), rtol=0, atol=ROUNDING
    )


@pytest.mark.parametrize(("far", "most"), [(2, 32), (20, 84)])
def test_no_tile_is_much_larger_than_asked(far, most):
    seen = []

    def local(part):
        seen.append(part.shape[:2])
        return part

    pixels = np.random.default_rng(0).random((200, 300, 3), np.float32)
    np.testing.assert_array_equal(tiled(local, pixels, reach=far, tile=32), pixels)
    assert set(seen) == {(most, most)}
