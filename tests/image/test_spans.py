"""Tiles along an axis."""

from hypothesis import given
from hypothesis import strategies as st

from stylepipe.image.spans import spans


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
