"""Training: steps of Adam over a network's tensors, compiled once."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float
from pydantic import Field

from stylepipe.artifacts import Array
from stylepipe.errors import StageError
from stylepipe.neural.spec import Spec
from stylepipe.neural.trees import filled, named

Tensors = Mapping[str, Float[Array, "..."]]
Loss = Callable[[Tensors, Any], tuple[Float[Array, ""], Mapping[str, Float[Array, ""]]]]
"""From tensors and a batch, a pytree of arrays: the loss, and the terms to show beside it. Hashable."""


class Schedule(Spec):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980), whose rate rises for `warmup` steps and falls to zero along half a cosine."""

    steps: int = Field(ge=1, le=10_000_000, description="How many.")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="The highest.")
    warmup: int = Field(default=100, ge=0, le=1_000_000, description="Steps over which the learning rate rises from zero.")
    clip: float = Field(default=1.0, gt=0, le=1e9, description="The largest norm of a gradient: longer ones are shortened.")

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """As Optax has it."""
        rate = optax.warmup_cosine_decay_schedule(0.0, self.learning_rate, min(self.warmup, self.steps // 2), self.steps)
        return optax.chain(optax.clip_by_global_norm(self.clip), optax.adam(rate))


class Step(NamedTuple):
    """Where a training stands; `tensors` and `moments` are good until the next step is asked for."""

    number: int
    tensors: Tensors
    moments: Any
    loss: float = float("nan")
    terms: Mapping[str, float] = {}


def start(schedule: Schedule, tensors: Tensors) -> Step:
    """Where a training of these tensors starts."""
    # Copies: each step is given the memory of the one before it.
    own = {name: jnp.array(tensor, jnp.float32) for name, tensor in tensors.items()}
    return Step(0, own, schedule.optimizer.init(own))


def train(since: Step, loss: Loss, batches: Callable[[int], Any], *, schedule: Schedule) -> Iterator[Step]:
    """The steps from `since` to the schedule's last, each computed when it is asked for.

    `batches` gives the batch of a step by its number, from 1: the step after a restored one is as without the interruption.
    Raises StageError for a loss that is not finite.
    """
    step = since
    while step.number < schedule.steps:
        number = step.number + 1
        tensors, moments, value, terms = _step(step.tensors, step.moments, batches(number), loss=loss, schedule=schedule)
        value, terms = jax.device_get((value, terms))
        if not np.isfinite(value):
            raise StageError(f"The loss is {value} at step {number}.", hint="Lower the learning rate.")
        step = Step(number, tensors, moments, float(value), {name: float(term) for name, term in terms.items()})
        yield step


@partial(jax.jit, static_argnames="loss")
def terms_of(tensors: Tensors, batch: Any, *, loss: Loss) -> Mapping[str, Float[Array, ""]]:
    """The terms of the loss at these tensors, as for validation."""
    return loss(tensors, batch)[1]


def saved(step: Step) -> dict[str, np.ndarray]:
    """All of a step that the rest depends on, as named arrays on the host."""
    return {**named((step.tensors, step.moments)), "number": np.array(step.number)}


def restored(template: Step, arrays: Mapping[str, np.ndarray]) -> Step:
    """The step that `saved` took apart; `template` is one of the same training."""
    return Step(int(arrays["number"]), *filled((template.tensors, template.moments), arrays))


@partial(jax.jit, static_argnames=("loss", "schedule"), donate_argnames=("tensors", "moments"))
def _step(tensors: Tensors, moments: Any, batch: Any, *, loss: Loss, schedule: Schedule) -> Any:
    (value, terms), gradient = jax.value_and_grad(loss, has_aux=True)(tensors, batch)
    change, moments = schedule.optimizer.update(gradient, moments, tensors)
    return optax.apply_updates(tensors, change), moments, value, terms
