"""Tiles along an axis, and of a picture."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stylepipe.image.tiling import spans, tiles


@given(st.integers(1, 900), st.integers(1, 5), st.integers(1, 5), st.integers(0, 200))
def test_tiles_count_each_position_once_and_see_the_margin_around(length, margin, halvings, more):
    step = 2 ** (halvings - 1)
    margin *= step
    tile = 2 * (margin + step) - 1 + more
    found = list(spans(length, tile, margin, step=step))
    assert [found[0].first, *(span.last for span in found)] == [*(span.first for span in found), length]
    for span in found:
        assert span.first < span.last
        assert span.start == 0 or (span.start % step == 0 and span.start + margin <= span.first)
        assert span.stop == length or (span.last % step == 0 and span.last + margin <= span.stop // step * step)
    assert len({span.stop - span.start for span in found}) == 1
    assert found[0].stop - found[0].start <= tile


@given(st.tuples(st.integers(1, 60), st.integers(1, 60)), st.integers(1, 4), st.integers(1, 3))
def test_a_picture_enlarged_by_tiles_is_the_picture_enlarged(size, margin, factor):
    picture = np.arange(np.prod(size)).reshape(size)
    large = picture.repeat(factor, 0).repeat(factor, 1)
    result = np.zeros_like(large)
    for tile in tiles(size, 2 * margin + 7, margin):
        part = picture[tile.seen()].repeat(factor, 0).repeat(factor, 1)
        np.testing.assert_array_equal(part, large[tile.seen(factor)])
        result[tile.counted(factor)] += part[tile.inside(factor)]
    np.testing.assert_array_equal(result, large)
