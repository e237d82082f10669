"""Gradient descent with momentum, the heavy-ball method (Polyak 1964)."""

from typing import Literal

from pydantic import Field

from stylepipe.neural.optimizers.optimizer import Optimizer, StateSize


class HeavyBall(Optimizer):
    """Adds a share of the last change to each step: v ← m v − r g and x ← x + v, where g is normalized to a mean size of 1."""

    functions = "sample_extension.heavy_ball_functions"

    kind: Literal["heavy_ball"] = "heavy_ball"
    rate: float = Field(default=0.01, gt=0, le=1, description="The mean change of a pixel by one gradient.")
    momentum: float = Field(default=0.8, ge=0, lt=1, description="The share of the last change that is kept.")

    def state_size(self) -> StateSize:
        """The picture and its last change."""
        return StateSize(held=2, working=1)
