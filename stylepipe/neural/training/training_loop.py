"""Training: steps of Adam or Muon over a network's tensors, compiled once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from jaxtyping import Float

from stylepipe.artifacts import Array, Weights
from stylepipe.errors import StageError
from stylepipe.neural.training.schedule import Schedule
from stylepipe.neural.trees import filled, named
from stylepipe.neural.xla.compile_options import program

Tensors = Mapping[str, Float[Array, "..."]]
TrainingLoss = Callable[[Tensors, Any], tuple[Float[Array, ""], Mapping[str, Float[Array, ""]]]]
"""A hashable function from tensors and a batch (a pytree of arrays) to the loss and its terms."""

_ADAMS_LENGTH = 0.2
"""The root mean square of Muon's steps, about that of Adam's, so that both use the same learning rate.

(Liu et al. 2025, "Muon is Scalable for LLM Training", arXiv 2502.16982, section 2.2.)
"""


def learning_rate(schedule: Schedule) -> optax.Schedule:
    """Returns the learning rate as a function of the number of completed steps."""
    warmup = min(schedule.warmup, schedule.steps // 2)
    return optax.warmup_cosine_decay_schedule(0.0, schedule.learning_rate, warmup, schedule.steps)


def optimizer(schedule: Schedule) -> optax.GradientTransformation:
    """Returns the optimizer of a schedule."""
    rate = learning_rate(schedule)
    update = optax.adam(rate)
    if schedule.kernels == "muon":
        update = optax.contrib.muon(rate, muon_weight_dimension_numbers=_matrices, consistent_rms=_ADAMS_LENGTH)
    whole = optax.chain(optax.clip_by_global_norm(schedule.clip), update)
    return whole if schedule.accumulate == 1 else optax.MultiSteps(whole, schedule.accumulate).gradient_transformation()


def _matrices(tensors: Any) -> Any:
    """Kernels (height, width, inputs, outputs) are matrices from patches to outputs."""
    matrix = optax.contrib.MuonDimensionNumbers((0, 1, 2), 3)
    return {name: matrix if getattr(tensor, "ndim", 0) == 4 else None for name, tensor in tensors.items()}


class TrainingStep(NamedTuple):
    """The state of a training; `tensors` and `moments` are valid until the next step is requested."""

    number: int
    tensors: Tensors
    moments: Any
    loss: float = float("nan")
    terms: Mapping[str, float] = {}


def start(schedule: Schedule, tensors: Tensors, saved: Mapping[str, np.ndarray] | None = None) -> TrainingStep:
    """Returns the initial state of a training from these tensors, or the `saved` state."""
    # Copies: each step donates the buffers of the previous one.
    own = {name: jnp.array(tensor, jnp.float32) for name, tensor in tensors.items()}
    moments = optimizer(schedule).init(own)
    return (
        TrainingStep(0, own, moments) if saved is None else TrainingStep(int(saved["number"]), *filled((own, moments), saved))
    )


def train(
    since: TrainingStep,
    loss: TrainingLoss,
    batches: Callable[[int], Any],
    *,
    schedule: Schedule,
    validate: Callable[[Tensors], Mapping[str, Any]] | None = None,
) -> Iterator[TrainingStep]:
    """Yields the steps from `since` to the schedule's last, each computed on demand.

    `batches` returns a batch by its number, from 1, so that resuming gives the same results; a step has as many as the schedule
    accumulates, and averages their losses and terms. The results of `validate`, called at the schedule's interval and after the
    last step, are added to the terms as 'validation …'. Raises StageError for a loss that is not finite.
    """
    step = since
    while step.number < schedule.steps:
        number = step.number + 1
        tensors, moments, batch_losses = step.tensors, step.moments, []
        for batch in range(schedule.accumulate * step.number + 1, schedule.accumulate * number + 1):
            tensors, moments, *losses = _step(tensors, moments, batches(batch), loss=loss, schedule=schedule)
            batch_losses.append(losses)
        value, terms = jax.tree.map(lambda *each: np.mean(each), *jax.device_get(batch_losses))
        if not np.isfinite(value):
            raise StageError(f"The loss is {value} at step {number}.", hint="Lower the learning rate.")
        shown = {name: float(term) for name, term in terms.items()}
        if validate and (number % schedule.validate_every == 0 or number == schedule.steps):
            shown |= {f"validation {name}": float(figure) for name, figure in validate(tensors).items()}
        step = TrainingStep(number, tensors, moments, float(value), shown)
        yield step


def result(step: TrainingStep, metadata: Mapping[str, str]) -> Weights:
    """Returns the network in half precision, which does not reduce quality: it computes in its input's precision."""
    return Weights({name: np.asarray(tensor, np.float16) for name, tensor in step.tensors.items()}, metadata)


@program(static_argnames="loss")
def evaluate(tensors: Tensors, batch: Any, *, loss: TrainingLoss) -> Mapping[str, Float[Array, ""]]:
    """Computes the terms of the loss for a batch, for validation."""
    return loss(tensors, batch)[1]


def evaluate_all(tensors: Tensors, batches: Iterable[Any], sizes: Iterable[int], *, loss: TrainingLoss) -> dict[str, float]:
    """Computes the terms averaged over batches, weighted by size; sequentially, in the memory of one batch."""
    each = [jax.device_get(evaluate(tensors, batch, loss=loss)) for batch in batches]
    counts = list(sizes)
    return {name: float(np.average([terms[name] for terms in each], weights=counts)) for name in each[0]}


def saved(step: TrainingStep) -> dict[str, np.ndarray]:
    """Returns a step as named arrays on the host, for `start`."""
    return {**named((step.tensors, step.moments)), "number": np.array(step.number)}


@program(static_argnames=("loss", "schedule"), donate_argnames=("tensors", "moments"))
def _step(tensors: Tensors, moments: Any, batch: Any, *, loss: TrainingLoss, schedule: Schedule) -> Any:
    (value, terms), gradient = jax.value_and_grad(loss, has_aux=True)(tensors, batch)
    change, moments = optimizer(schedule).update(gradient, moments, tensors)
    return optax.apply_updates(tensors, change), moments, value, terms
