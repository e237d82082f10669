"""The Poisson equation against SciPy's direct solution in float64, and answers known by hand."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import given, settings
from hypothesis.extra import numpy as npst

from stylepipe.image.poisson import poisson_blend

STATED = 1e-3
SIZE = 61, 80


def picture(seed: int, *, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).random((*size, 3), np.float32)


def solved(background: np.ndarray, image: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Equation 7 of Pérez et al., one row for each pixel inside, by a sparse LU decomposition."""
    height, width = inside.shape
    number = np.full(inside.shape, -1)
    number[inside] = np.arange(inside.sum())
    rows, columns, entries = [], [], []
    right = np.zeros((inside.sum(), 3))
    for y, x in np.argwhere(inside):
        p = number[y, x]
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if not (0 <= v < height and 0 <= u < width):
                continue
            rows.append(p), columns.append(p), entries.append(1.0)
            right[p] += np.float64(image[y, x]) - image[v, u]
            if inside[v, u]:
                rows.append(p), columns.append(number[v, u]), entries.append(-1.0)
            else:
                right[p] += background[v, u]
    result = np.float64(background)
    result[inside] = scipy.sparse.linalg.spsolve(scipy.sparse.csc_matrix((entries, (rows, columns))), right)
    return result


def regions() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(5)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    hole = np.ones(SIZE, bool)
    hole[30, 20] = False
    comb = np.ones(SIZE, bool)
    comb[:, ::9] = False
    comb[::20] = True
    return {
        "disc": (y - 30) ** 2 + (x - 40) ** 2 < 25**2,
        "up to the border": x < 50,
        "all but one pixel": hole,
        "one pixel": ~hole,
        "specks": draw.random(SIZE) < 0.5,
        "few holes": draw.random(SIZE) < 0.98,
        "blobs": scipy.ndimage.gaussian_filter(draw.normal(size=SIZE), 4) > 0,
        "comb": comb,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", regions())
def test_any_region_is_solved_as_exactly_as_stated(name):
    inside = regions()[name]
    background, image = picture(0), picture(1)
    found = poisson_blend(background, image, inside)
    np.testing.assert_allclose(found, solved(background, image, inside), rtol=0, atol=STATED)
    np.testing.assert_array_equal(found[~inside], background[~inside])


@pytest.mark.slow
def test_a_larger_picture_is_solved_as_exactly_as_stated():
    """Several coarser grids, of odd sizes."""
    inside = np.zeros((201, 331), bool)
    inside[20:190, 5:] = True
    inside[60:90, 100:180] = False
    background, image = (picture(seed, size=inside.shape) for seed in (2, 3))
    np.testing.assert_allclose(poisson_blend(background, image, inside), solved(background, image, inside), rtol=0, atol=STATED)


def test_a_flat_image_becomes_the_slope_around_it():
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    slope = np.float32(0.2 + 0.005 * y + 0.003 * x)[..., None] * np.float32([1, 0.5, 0])
    inside = regions()["disc"]
    np.testing.assert_allclose(poisson_blend(slope, np.full_like(slope, 0.7), inside), slope, rtol=0, atol=STATED)


def test_a_constant_offset_disappears():
    image, inside = picture(4), regions()["blobs"]
    np.testing.assert_allclose(poisson_blend(image - np.float32(0.3), image, inside), image - 0.3, rtol=0, atol=STATED)


@settings(max_examples=25, deadline=None)
@given(npst.arrays(np.bool_, (5, 8)))
def test_into_itself_an_image_goes_unchanged(inside):
    image = picture(6, size=(5, 8))
    np.testing.assert_array_equal(poisson_blend(image, image, inside), image)


@settings(max_examples=25, deadline=None)
@given(npst.arrays(np.bool_, (5, 8)))
def test_any_small_region_is_solved(inside):
    background, image = (picture(seed, size=(5, 8)) for seed in (7, 8))
    expected = image if inside.all() else solved(background, image, inside) if inside.any() else background
    np.testing.assert_allclose(poisson_blend(background, image, inside), expected, rtol=0, atol=STATED)


def test_with_nothing_outside_the_image_is_the_answer():
    background, image = picture(9), picture(10)
    np.testing.assert_array_equal(poisson_blend(background, image, np.ones(SIZE, bool)), image)
