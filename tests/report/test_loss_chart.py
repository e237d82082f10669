"""Loss curves: scales, thinning, dots, and what a logarithm cannot show."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stylepipe.report.loss_chart import MOST_POINTS, chart


def lines(values, **terms):
    return [
        {"done": number + 1, "total": len(values), "loss": value, "terms": {name: row[number] for name, row in terms.items()}}
        for number, value in enumerate(values)
    ]


def points(path):
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.-]+) ([\d.-]+)", path)]


def test_equal_ratios_are_equal_distances():
    (curve,) = chart(lines([100, 10, 1])).curves
    (x0, y0), (x1, y1), (x2, y2) = points(curve.path)
    assert (x0, x1, x2) == (0, 50, 100)
    assert y0 < y1 < y2  # down the page is less
    assert y1 - y0 == pytest.approx(y2 - y1)
    assert (y2 - y0) / 100 == pytest.approx(1 / 1.08, abs=1e-4)  # 4 % of room at either end


def test_the_grid_lies_where_the_values_are():
    drawn = chart(lines([100, 10, 1]))
    heights = dict(zip((100, 10, 1), (y for _, y in points(drawn.curves[0].path)), strict=True))
    assert {float(tick.label): tick.at for tick in drawn.up} == pytest.approx(heights, abs=0.01)
    assert [(tick.label, tick.at) for tick in drawn.across] == [("1", 0), ("2", 50), ("3", 100)]


def test_many_points_are_thinned_to_means_of_consecutive_ones():
    values = [math.exp(-step / 500) * (1 + step % 2) for step in range(4800)]
    (curve,) = chart(lines(values)).curves
    placed = points(curve.path)
    assert MOST_POINTS / 2 < len(placed) <= MOST_POINTS
    assert all(before[0] < after[0] and before[1] < after[1] for before, after in pairwise(placed))
    assert curve.last == f"{values[-1]:.3g}"


def test_a_term_of_some_iterations_is_dots_in_the_color_of_what_it_validates():
    steps = lines([4.0, 3.0, 2.0, 1.0], content=[1, 1, 1, 1], gram=[3, 2, 1, 1])
    steps[1]["terms"]["validation gram"] = 2.5
    drawn = {curve.name: curve for curve in chart(steps).curves}
    assert [(curve.color, curve.dots) for curve in drawn.values()] == [(0, False), (1, False), (2, False), (2, True)]
    assert drawn["validation gram"].path.count("h0") == 1


def test_what_a_logarithm_cannot_show_is_left_out():
    assert chart([]) is None
    assert chart(lines([1.0])) is None
    assert chart(lines([0.0, -1.0, "nan", None])) is None
    (curve,) = chart(lines([2.0, "inf", 0.0, 1.0])).curves
    assert len(points(curve.path)) == 2


def test_a_stage_may_have_terms_without_a_total():
    drawn = chart(lines([None, None], mse=[2.0, 1.0]))
    assert [curve.name for curve in drawn.curves] == ["mse"]
    assert drawn.summary == "Mse from 2 to 1, iterations 1 to 2, on a logarithmic scale."


@given(st.lists(st.floats(1e-300, 1e300), min_size=2, max_size=30))
@example([0.4375, 0.4375])
def test_all_that_is_drawn_lies_inside(values):
    drawn = chart(lines(values))
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in points(drawn.curves[0].path))
    assert all(0 <= tick.at <= 100 for tick in (*drawn.up, *drawn.across))
    assert 2 <= len(drawn.up) <= 21
    assert 1 <= len(drawn.across) <= 7


def test_losses_at_the_ends_of_floats_are_left_out():
    ends = [{"done": number, "total": 4, "loss": loss, "terms": {}} for number, loss in enumerate((5.7e307, 5e-324, 2.0, 1.0))]
    drawn = chart(ends)
    assert drawn is not None
    assert drawn.summary.startswith("Loss from 2 to 1, ")
