"""Training: steps of Adam or Muon over a network's tensors, compiled once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from jaxtyping import Float
from pydantic import Field

from stylepipe.artifacts import Array, Weights
from stylepipe.errors import StageError
from stylepipe.neural.spec import Spec
from stylepipe.neural.trees import filled, named
from stylepipe.neural.xla.compile_options import program

Tensors = Mapping[str, Float[Array, "..."]]
TrainingLoss = Callable[[Tensors, Any], tuple[Float[Array, ""], Mapping[str, Float[Array, ""]]]]
"""A hashable function from tensors and a batch (a pytree of arrays) to the loss and its terms."""

Network = TypeVar("Network")

_ADAMS_LENGTH = 0.2
"""The root mean square of Muon's steps, about that of Adam's, so that both use the same learning rate.

(Liu et al. 2025, "Muon is Scalable for LLM Training", arXiv 2502.16982, section 2.2.)
"""


class Schedule(Spec):
    """Training steps with a linear warmup and a cosine decay of the learning rate.

    The optimizer is Adam (Kingma and Ba 2015, arXiv 1412.6980), or Muon for convolution kernels (Jordan et al. 2024, "Muon: An
    optimizer for hidden layers in neural networks"), which orthogonalizes a kernel's momentum. In the same number of steps Muon
    distilled VGG-19 better; for super-resolution it was no better.
    """

    steps: int = Field(ge=1, le=10_000_000, description="The number of steps.")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="The peak learning rate.")
    kernels: Literal["adam", "muon"] = Field(
        default="adam", description="The optimizer of convolution kernels; all other tensors use adam."
    )
    warmup: int = Field(default=100, ge=0, le=1_000_000, description="Steps over which the learning rate rises from zero.")
    validate_every: int = Field(default=500, ge=1, le=1_000_000, description="Steps from one validation to the next.")
    accumulate: int = Field(
        default=1, ge=1, le=1024, description="Batches per step, whose gradients are averaged in the memory of one batch."
    )
    clip: float = Field(
        default=1.0, gt=0, le=1e9, description="The largest norm of the gradient, to which larger ones are clipped."
    )

    @property
    def rate(self) -> optax.Schedule:
        """The learning rate as a function of the number of completed steps."""
        return optax.warmup_cosine_decay_schedule(0.0, self.learning_rate, min(self.warmup, self.steps // 2), self.steps)

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """The optax optimizer."""
        update = optax.adam(self.rate)
        if self.kernels == "muon":
            update = optax.contrib.muon(self.rate, muon_weight_dimension_numbers=_matrices, consistent_rms=_ADAMS_LENGTH)
        whole = optax.chain(optax.clip_by_global_norm(self.clip), update)
        return whole if self.accumulate == 1 else optax.MultiSteps(whole, self.accumulate).gradient_transformation()


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


def first(fresh: Weights, start: Weights | None, network: Network, describe: Callable[[Weights], Network]) -> Tensors:
    """Returns the initial tensors of a training of `network`: those of `start`, or else fresh ones.

    Raises StageError if `start` is another network, and the errors of `describe` if it is no such network.
    """
    if start is None:
        return fresh.tensors
    if (described := describe(start)) != network:
        raise StageError(f"'start' has {described}; the parameters say {network}.", hint="Give both alike.")
    return {name: start.tensors[name] for name in fresh.tensors}


def start(schedule: Schedule, tensors: Tensors, saved: Mapping[str, np.ndarray] | None = None) -> TrainingStep:
    """Returns the initial state of a training from these tensors, or the `saved` state."""
    # Copies: each step donates the buffers of the previous one.
    own = {name: jnp.array(tensor, jnp.float32) for name, tensor in tensors.items()}
    moments = schedule.optimizer.init(own)
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
    change, moments = schedule.optimizer.update(gradient, moments, tensors)
    return optax.apply_updates(tensors, change), moments, value, terms
