"""Weights of several styles."""

from typing import Annotated

from pydantic import AfterValidator, Field


def _not_all_zero(weights: tuple[float, ...]) -> tuple[float, ...]:
    if weights and not any(weights):
        raise ValueError("all style weights are 0, and at least one must be above 0")
    return weights


StyleWeights = Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], AfterValidator(_not_all_zero)]
"""One of each style, in any unit."""
