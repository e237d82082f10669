"""Artifacts in memory: those used last, up to a number of bytes."""

import numpy as np

from stylepipe.artifacts import Image, Mask
from stylepipe.engine.execution.held_artifacts import HeldArtifacts


def image(pixels: int) -> Image:
    return Image(np.zeros((1, pixels, 3), np.float32))


def test_what_was_used_longest_ago_is_dropped():
    values = HeldArtifacts(max_bytes=36)
    first, second, third = image(1), image(1), image(1)
    for name, value in (("a", first), ("b", second), ("c", third)):
        values.put(name, value)
    assert values.get("a") is first
    values.put("d", Mask(np.zeros((1, 1), np.float32)))
    assert [values.get(name) is None for name in "abcd"] == [False, True, False, False]


def test_what_is_too_large_is_not_kept():
    values = HeldArtifacts(max_bytes=24)
    values.put("a", image(3))
    assert values.get("a") is None


def test_names_that_nothing_needs_any_more_are_dropped():
    values = HeldArtifacts(max_bytes=100)
    for name in "abc":
        values.put(name, image(1))
    values.keep({"b", "x"})
    assert [values.get(name) is None for name in "abc"] == [True, False, True]


def test_replacing_a_value_does_not_count_it_twice():
    values = HeldArtifacts(max_bytes=24)
    values.put("a", image(1))
    values.put("b", image(1))
    values.put("a", image(1))
    assert values.get("b") is not None
