"""The optimizer interface: a spec (the parameters in a recipe) and pure functions in the module of its kind."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.spec import Spec

Pixels = Float[Array, "height width 3"]


FIRST_STEP = 0.01
"""The root mean square of the first step, for which there is no curvature information."""


class Optimizer(Spec):
    """The base of all specs.

    `searches` is true if a step runs a line search, evaluating several pictures. `compares_losses` is true if it accepts
    pictures by comparing losses of different steps, which requires a deterministic loss.
    """

    searches: ClassVar[bool] = False
    compares_losses: ClassVar[bool] = False


class StateSize(NamedTuple):
    """Memory in units of float32 pictures (12 bytes per pixel): of the state, and temporarily of a step."""

    held: float
    working: float


class Evaluation(NamedTuple):
    """The loss at a picture, its terms (which sum to it), and its gradient.

    The loss is NaN if the gradient is not finite, so that checking the loss suffices.
    """

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    gradient: Pixels


Evaluate = Callable[[Pixels], Evaluation]


@runtime_checkable
class State(Protocol):
    """The complete state of an optimizer between steps: a NamedTuple of arrays.

    `loss` and `terms` belong to the evaluated picture or, if the optimizer may reject pictures, to the accepted one.
    """

    @property
    def loss(self) -> Float[Array, ""]:
        """The loss; not finite if the step failed, which leaves the picture unchanged."""
        ...

    @property
    def terms(self) -> Float[Array, " terms"]:
        """The terms of the loss."""
        ...


@runtime_checkable
class OptimizerImplementation(Protocol):
    """The module interface of one kind of optimizer; `spec` is of that kind.

    `start`, `step` and `enlarged` run under `jax.jit`.
    """

    def start(self, spec: Any, pixels: Pixels, terms: int) -> Any:
        """Returns the initial state for a loss of `terms` terms."""
        ...

    def step(self, spec: Any, evaluate: Evaluate, state: Any, *, clamp: bool) -> Any:
        """Returns the state after a step; `clamp` keeps the pixels in [0, 1]."""
        ...

    def awaited(self, spec: Any, state: Any) -> Pixels | None:
        """Returns the picture that the next step evaluates, or None for a line search."""
        ...

    def state_size(self, spec: Any) -> StateSize:
        """Returns the memory use."""
        ...

    def result(self, spec: Any, state: Any) -> Pixels:
        """Returns the result picture of a state."""
        ...

    def enlarged(self, spec: Any, state: Any, pixels: Pixels) -> Any:
        """Returns the initial state of the next scale, from `pixels`, the result resized to it."""
        ...


def steepest(gradient: Pixels, length: Float[Array, ""] | float) -> Pixels:
    """Scales the gradient to the root mean square `length`."""
    return gradient * (length / jnp.maximum(jnp.sqrt(jnp.mean(gradient**2)), 1e-30))
