"""What a sweep stands for: its variants, by hand and by their properties."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.recipe.model import Sweep
from stylepipe.recipe.params.axes import axes_of_variants, combinations, expand_sweep
from stylepipe.recipe.params.labels import value_label

PARAMS = {"a": 1, "b": 2.0, "who": "me"}


def sweep(**sections) -> Sweep:
    return Sweep.model_validate(sections)


def expand(*, seed: int = 0, **sections) -> list[dict]:
    return expand_sweep(sweep(**sections), PARAMS, seed=seed)


def drawn(name: str = "b", *, samples: int = 200, seed: int = 0, **bounds) -> list[float]:
    found = expand(random={"samples": samples, "ranges": {name: bounds}}, seed=seed)
    return [values[name] for values in found]


def test_a_grid_is_every_combination_the_last_varying_fastest():
    assert expand(grid={"a": [3, 1], "b": [5, 6]}) == [{"a": a, "b": b} for a, b in [(3, 5), (3, 6), (1, 5), (1, 6)]]


def test_zipped_values_go_together_and_with_all_of_the_grid():
    assert expand(zip={"a": [1, 2], "b": [5, 6]}, grid={"who": ["x", "y"]}) == [
        {"a": 1, "b": 5, "who": "x"},
        {"a": 1, "b": 5, "who": "y"},
        {"a": 2, "b": 6, "who": "x"},
        {"a": 2, "b": 6, "who": "y"},
    ]


def test_what_is_excluded_has_all_of_the_values_and_includes_come_after():
    assert expand(grid={"a": [1, 2], "b": [5, 6]}, exclude=[{"a": 1, "b": 6}, {"b": 5}], include=[{"b": 5}, {"a": 9}]) == [
        {"a": 2, "b": 6},
        {"b": 5},
        {"a": 9},
    ]


def test_a_default_counts_for_what_is_excluded():
    assert expand(grid={"a": [1, 2]}, exclude=[{"a": 2, "who": "me"}]) == [{"a": 1}]
    assert expand(grid={"a": [1, 2]}, exclude=[{"a": 2, "who": "you"}]) == [{"a": 1}, {"a": 2}]


def test_equal_variants_are_one():
    assert expand(grid={"a": [2, 2]}, include=[{"a": 2}, {"a": 2, "b": 2}, {"b": 2.0}]) == [{"a": 2}, {"b": 2.0}]


def test_includes_alone_and_nothing_at_all():
    assert expand(include=[{"a": 5}]) == [{"a": 5}]
    assert expand() == []
    assert expand(exclude=[{"a": 1}]) == []


def test_samples_follow_from_the_seed_and_go_with_the_grid():
    assert drawn(low=0, high=1) == drawn(low=0, high=1)
    assert drawn(low=0, high=1, seed=1) != drawn(low=0, high=1)
    ranges = {"b": {"low": 0, "high": 1}}
    alone = [values["b"] for values in expand(random={"samples": 3, "ranges": ranges})]
    both = expand(random={"samples": 3, "ranges": {"a": {"low": 1, "high": 9}, **ranges}}, grid={"who": ["x", "y"]})
    assert [values["b"] for values in both] == [value for value in alone for _ in range(2)]
    assert [values["who"] for values in both] == ["x", "y"] * 3


def test_linear_samples_have_the_mean_of_the_range_and_logarithmic_ones_its_geometric_mean():
    linear, log = drawn(low=10, high=30), drawn(low=0.01, high=100, scale="log")
    assert sum(linear) / len(linear) == pytest.approx(20, abs=1.5)  # the standard error is 0.4
    assert sum(map(math.log10, log)) / len(log) == pytest.approx(0, abs=0.3)  # 0.08
    assert all(value == round(value, 2) for value in linear)
    assert all(value == float(f"{value:.4g}") for value in log)


def test_whole_numbers_are_drawn_evenly_both_ends_included():
    found = [expand(random={"samples": 1, "ranges": {"a": {"low": 1, "high": 4}}}, seed=seed)[0]["a"] for seed in range(400)]
    assert {type(value) for value in found} == {int}
    assert [found.count(value) for value in (1, 2, 3, 4)] == pytest.approx([100] * 4, abs=35)  # 4 standard deviations


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_the_number_of_variants_is_the_product(sizes, rows, samples):
    names = ["x", "y", "z"][: len(sizes)]
    params = {**dict.fromkeys("xyzu", 0), "w": 0.0}
    found = sweep(
        grid={name: list(range(size)) for name, size in zip(names, sizes, strict=True)},
        zip={"u": list(range(rows))},
        random={"samples": samples, "ranges": {"w": {"low": 0, "high": 1}}} if samples else None,
    )
    variants = expand_sweep(found, params, seed=0)
    assert len(variants) == combinations(found) == math.prod(sizes) * rows * max(samples, 1)
    assert {frozenset(values.items()) for values in variants} == {frozenset(values.items()) for values in variants}
    axes = axes_of_variants(variants, params)
    assert {name: len(values) for name, values in axes.items() if name in names} == dict(zip(names, sizes, strict=True))


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6), st.sampled_from(["linear", "log"]), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_samples_lie_in_their_range(low, factor, scale, seed):
    assert all(low <= value <= low * factor for value in drawn(samples=20, low=low, high=low * factor, scale=scale, seed=seed))


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0.5, "0.5"),
        (True, "true"),
        (None, "null"),
        ("assets/swirls.jpg", "swirls.jpg"),
        ("plain", "plain"),
        ([256, 512], "256-512"),
        ({"kind": "gram", "weight": 2}, "kind=gram-weight=2"),
    ],
)
def test_labels(value, label):
    assert value_label(value) == label
