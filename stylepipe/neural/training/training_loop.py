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
"""From tensors and a batch, a pytree of arrays: the loss, and the terms to show beside it. Hashable."""

Network = TypeVar("Network")

_ADAMS_LENGTH = 0.2
"""The root mean square that Muon's steps are brought to, about that of Adam's, so that one learning rate serves both.

(Liu et al. 2025, "Muon is Scalable for LLM Training", arXiv 2502.16982, section 2.2.)
"""


class Schedule(Spec):
    """Steps whose size rises for `warmup` steps and falls to zero along half a cosine.

    They are Adam's (Kingma and Ba 2015, arXiv 1412.6980), or for kernels of convolutions Muon's (Jordan et al. 2024, "Muon: An
    optimizer for hidden layers in neural networks"), which makes all directions of a kernel's momentum equally long. In as many
    steps Muon distilled VGG-19 better; for super-resolution it was no better.
    """

    steps: int = Field(ge=1, le=10_000_000, description="How many.")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="The highest.")
    kernels: Literal["adam", "muon"] = Field(
        default="adam", description="What changes the kernels of convolutions; all else is changed by adam."
    )
    warmup: int = Field(default=100, ge=0, le=1_000_000, description="Steps over which the learning rate rises from zero.")
    validate_every: int = Field(default=500, ge=1, le=1_000_000, description="Steps from one validation to the next.")
    accumulate: int = Field(
        default=1, ge=1, le=1024, description="Batches in a step: their gradients are averaged, in the memory that one takes."
    )
    clip: float = Field(default=1.0, gt=0, le=1e9, description="The largest norm of a gradient: longer ones are shortened.")

    @property
    def rate(self) -> optax.Schedule:
        """The learning rate by the number of steps before."""
        return optax.warmup_cosine_decay_schedule(0.0, self.learning_rate, min(self.warmup, self.steps // 2), self.steps)

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """As Optax has it."""
        family = optax.adam(self.rate)
        if self.kernels == "muon":
            family = optax.contrib.muon(self.rate, muon_weight_dimension_numbers=_matrices, consistent_rms=_ADAMS_LENGTH)
        whole = optax.chain(optax.clip_by_global_norm(self.clip), family)
        return whole if self.accumulate == 1 else optax.MultiSteps(whole, self.accumulate).gradient_transformation()


def _matrices(tensors: Any) -> Any:
    """Kernels (height, width, inputs, outputs) are matrices from patches to outputs."""
    matrix = optax.contrib.MuonDimensionNumbers((0, 1, 2), 3)
    return {name: matrix if getattr(tensor, "ndim", 0) == 4 else None for name, tensor in tensors.items()}


class TrainingStep(NamedTuple):
    """Where a training stands; `tensors` and `moments` are good until the next step is asked for."""

    number: int
    tensors: Tensors
    moments: Any
    loss: float = float("nan")
    terms: Mapping[str, float] = {}


def first(fresh: Weights, given: Weights | None, network: Network, describe: Callable[[Weights], Network]) -> Tensors:
    """The tensors that a training of `network` begins with: fresh ones, or those `given`, which must be of one like it.

    Raises StageError when they are of another one, and what `describe` raises for weights of no such network.
    """
    if given is None:
        return fresh.tensors
    if (found := describe(given)) != network:
        raise StageError(f"'start' has {found}; the parameters say {network}.", hint="Give both alike.")
    return {name: given.tensors[name] for name in fresh.tensors}


def start(schedule: Schedule, tensors: Tensors, saved: Mapping[str, np.ndarray] | None = None) -> TrainingStep:
    """Where a training that starts from these tensors begins, or goes on: at the step that was `saved`."""
    # Copies: each step is given the memory of the one before it.
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
    """The steps from `since` to the schedule's last, each computed when it is asked for.

    `batches` gives a batch by its number, from 1, so that the step after a restored one is as without the interruption; a step
    has as many as the schedule accumulates, and the means of their losses and terms. What `validate` finds, every so many steps
    and after the last, is among the terms, as 'validation …'. Raises StageError for a loss that is not finite.
    """
    step = since
    while step.number < schedule.steps:
        number = step.number + 1
        tensors, moments, found = step.tensors, step.moments, []
        for batch in range(schedule.accumulate * step.number + 1, schedule.accumulate * number + 1):
            tensors, moments, *losses = _step(tensors, moments, batches(batch), loss=loss, schedule=schedule)
            found.append(losses)
        value, terms = jax.tree.map(lambda *each: np.mean(each), *jax.device_get(found))
        if not np.isfinite(value):
            raise StageError(f"The loss is {value} at step {number}.", hint="Lower the learning rate.")
        shown = {name: float(term) for name, term in terms.items()}
        if validate and (number % schedule.validate_every == 0 or number == schedule.steps):
            shown |= {f"validation {name}": float(figure) for name, figure in validate(tensors).items()}
        step = TrainingStep(number, tensors, moments, float(value), shown)
        yield step


def result(step: TrainingStep, metadata: Mapping[str, str]) -> Weights:
    """The network in half precision: as good, in half the bytes. Networks compute in the precision of their pictures."""
    return Weights({name: np.asarray(tensor, np.float16) for name, tensor in step.tensors.items()}, metadata)


@program(static_argnames="loss")
def evaluate(tensors: Tensors, batch: Any, *, loss: TrainingLoss) -> Mapping[str, Float[Array, ""]]:
    """The terms of the loss for a batch, as for validation."""
    return loss(tensors, batch)[1]


def evaluate_all(tensors: Tensors, batches: Iterable[Any], sizes: Iterable[int], *, loss: TrainingLoss) -> dict[str, float]:
    """The terms for several batches, each of which counts by its size; one after the other, in the memory that one takes."""
    each = [jax.device_get(evaluate(tensors, batch, loss=loss)) for batch in batches]
    counts = list(sizes)
    return {name: float(np.average([terms[name] for terms in each], weights=counts)) for name in each[0]}


def saved(step: TrainingStep) -> dict[str, np.ndarray]:
    """All of a step that the rest depends on, as named arrays on the host, for `start`."""
    return {**named((step.tensors, step.moments)), "number": np.array(step.number)}


@program(static_argnames=("loss", "schedule"), donate_argnames=("tensors", "moments"))
def _step(tensors: Tensors, moments: Any, batch: Any, *, loss: TrainingLoss, schedule: Schedule) -> Any:
    (value, terms), gradient = jax.value_and_grad(loss, has_aux=True)(tensors, batch)
    change, moments = schedule.optimizer.update(gradient, moments, tensors)
    return optax.apply_updates(tensors, change), moments, value, terms
