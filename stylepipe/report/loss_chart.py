"""Computes the geometry of loss curves over the iterations, on a logarithmic scale; the page draws it."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from stylepipe.engine.events import Line

MOST_POINTS = 300
"""Maximal number of points of a curve; more are averaged in groups of consecutive iterations."""

MOST_DECADES = 6
"""Powers of ten below the largest value; smaller values lie on the axis."""

LARGEST = 1e301
"""Largest value that is drawn; its inverse is the smallest. The axis needs room beyond both."""

VALIDATION = "validation "
TOTAL = "loss"

Point = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    """A line of the grid: its position in percent of the width or the height, and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """One term. `path` is an SVG path in a view box of 100 × 100, made of `dots` for a term that only some iterations have.

    `color` is the index of its color, 0 for the total; a validation term has the color of the term that it validates.
    """

    name: str
    path: str
    dots: bool
    color: int
    last: str


@dataclass(frozen=True)
class Chart:
    """The curves, the total first, with the grid behind them and a sentence that describes them."""

    curves: Sequence[Curve]
    across: Sequence[Tick]
    up: Sequence[Tick]
    summary: str


def chart(lines: Sequence[Line]) -> Chart | None:
    """Returns the chart of a stage's iterations; None unless two have a positive loss, as a logarithm requires."""
    series = _series(lines)
    most = max(map(len, series.values()), default=0)
    if most < 2:
        return None
    values = [value for points in series.values() for _, value in points]
    high = math.log10(max(values))
    low = max(math.log10(min(values)), high - MOST_DECADES)
    room = 0.04 * (high - low) or 0.1
    low, high = low - room, high + room
    first, last = min(points[0][0] for points in series.values()), max(points[-1][0] for points in series.values())

    def down(value: float) -> float:
        """Returns the percent from the top, clipped, because ticks at the ends are off by rounding."""
        return 100 * min(max((high - math.log10(value)) / (high - low), 0.0), 1.0)

    def place(point: Point) -> Point:
        x, y = point
        return 100 * (x - first) / ((last - first) or 1), down(y)

    colors = _colors(series)
    curves = [
        Curve(
            name=name,
            path=_path([place(point) for point in _thinned(points)], dots=len(points) < most / 2),
            dots=len(points) < most / 2,
            color=colors[name],
            last=f"{points[-1][1]:.3g}",
        )
        for name, points in series.items()
    ]
    up = [Tick(down(value), f"{value:g}") for value in _logarithmic_ticks(low, high)]
    across = [Tick(place((step, 1.0))[0], f"{step:g}") for step in _linear_ticks(first, last)]
    name, points = next(iter(series.items()))
    summary = f"{name.capitalize()} from {points[0][1]:.3g} to {points[-1][1]:.3g}, iterations {first:g} to {last:g}"
    return Chart(curves, across, up, f"{summary}, on a logarithmic scale.")


def _series(lines: Sequence[Line]) -> dict[str, list[Point]]:
    """Returns the positive finite values of each term by name, the total first."""
    series: dict[str, list[Point]] = {TOTAL: []}
    for line in lines:
        for name, value in {TOTAL: line["loss"], **line["terms"]}.items():
            points = series.setdefault(name, [])
            if isinstance(value, float | int) and 1 / LARGEST <= value <= LARGEST:
                points.append((float(line["done"]), float(value)))
    return {name: points for name, points in series.items() if points}


def _colors(names: Collection[str]) -> Mapping[str, int]:
    """Returns the index of each term's color; the total's is 0."""
    trained = dict.fromkeys(name.removeprefix(VALIDATION) for name in names if name != TOTAL)
    numbers = {name: number for number, name in enumerate([TOTAL, *trained])}
    return {name: numbers[name.removeprefix(VALIDATION)] for name in names}


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Returns at most `MOST_POINTS` points: the means of a group's iterations and of the logarithms of its values."""
    size = math.ceil(len(points) / MOST_POINTS)
    groups = (points[start : start + size] for start in range(0, len(points), size))
    return [
        (sum(x for x, _ in group) / len(group), math.exp(sum(math.log(y) for _, y in group) / len(group))) for group in groups
    ]


def _path(points: Sequence[Point], *, dots: bool) -> str:
    if dots or len(points) == 1:
        return "".join(f"M{x:.2f} {y:.2f}h0" for x, y in points)  # round line ends make a line of no length a dot
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """Returns powers of ten; if there are fewer than three, 2 and 5 times them too; if there are none, the ends."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    for factors in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
        ticks = [factor * 10.0**decade for decade in decades for factor in factors]
        inside = [tick for tick in ticks if low <= math.log10(tick) <= high]
        if len(inside) >= 3:
            return inside
    return [10**low, 10**high]


def _linear_ticks(first: float, last: float) -> list[float]:
    """Returns up to six multiples of 1, 2 or 5 times a power of ten."""
    span = max(last - first, 1)
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = max(1, next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= 6))
    return [float(step * number) for number in range(math.ceil(first / step), math.floor(last / step) + 1)]
