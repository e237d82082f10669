"""What an optimizer is: a spec, which a recipe writes, and the functions of one step in the module of its kind."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.spec import Spec

Pixels = Float[Array, "height width 3"]


FIRST_STEP = 0.01
"""The root mean square of a first step, when nothing is known of the loss but its gradient."""


class Optimizer(Spec):
    """The base of all specs.

    `searches` says that a step of the kind evaluates pictures that it finds on its way. `compares_losses` says that it accepts
    a picture by comparing its loss with that of another step, so that the loss must be the same function at each step.
    """

    searches: ClassVar[bool] = False
    compares_losses: ClassVar[bool] = False


class StateSize(NamedTuple):
    """How many pictures in float32, of 12 bytes a pixel, the state holds, and how many more a step works with."""

    held: float
    working: float


class Evaluation(NamedTuple):
    """The loss at a picture, its terms (they add up to it), and its gradient.

    A gradient that is not finite makes the loss NaN, so that this one number says whether the evaluation can be used.
    """

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    gradient: Pixels


Evaluate = Callable[[Pixels], Evaluation]


@runtime_checkable
class State(Protocol):
    """What an optimizer carries from step to step: a NamedTuple of arrays, all that the rest of the run depends on.

    `loss` and `terms` belong to the picture evaluated or, where the optimizer may reject one, to the one kept.
    """

    @property
    def loss(self) -> Float[Array, ""]:
        """NaN or infinite when the step could not go on; the picture is then as it was before."""
        ...

    @property
    def terms(self) -> Float[Array, " terms"]:
        """The terms of the loss."""
        ...


@runtime_checkable
class OptimizerImplementation(Protocol):
    """What the module of one kind of optimizer holds; `spec` is of that kind.

    `start`, `step` and `enlarged` run under `jax.jit`.
    """

    def start(self, spec: Any, pixels: Pixels, terms: int) -> Any:
        """The state before the first step, for a loss of that many terms."""
        ...

    def step(self, spec: Any, evaluate: Evaluate, state: Any, *, clamp: bool) -> Any:
        """The state one step on; `clamp` keeps the pixels in [0, 1]."""
        ...

    def awaited(self, spec: Any, state: Any) -> Pixels | None:
        """The one picture that the next step evaluates; None where that is only known within the step."""
        ...

    def state_size(self, spec: Any) -> StateSize:
        """The memory that it takes."""
        ...

    def result(self, spec: Any, state: Any) -> Pixels:
        """The picture to show for a state."""
        ...

    def enlarged(self, spec: Any, state: Any, pixels: Pixels) -> Any:
        """The state with which the next scale starts: from `pixels`, the result brought to its size."""
        ...


def steepest(gradient: Pixels, length: Float[Array, ""] | float) -> Pixels:
    """The gradient, scaled so that its root mean square is `length`."""
    return gradient * (length / jnp.maximum(jnp.sqrt(jnp.mean(gradient**2)), 1e-30))
