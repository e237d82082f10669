"""The optimizer interface: a model of the parameters in a recipe, and pure functions of a state.

The functions are in a module of their own, which is imported when a picture is optimized: recipes are checked without JAX.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.neural.kinds import functions_named_by
from stylepipe.neural.spec import Spec

Pixels = Float[Array, "height width 3"]

HistoryPrecision = Literal["float32", "bfloat16"]
"""The precision of the steps that L-BFGS stores."""


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
class OptimizerFunctions(Protocol):
    """The module with the functions of one kind of optimizer; `spec` is the optimizer.

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

    def result(self, spec: Any, state: Any) -> Pixels:
        """Returns the result picture of a state."""
        ...

    def enlarged(self, spec: Any, state: Any, pixels: Pixels) -> Any:
        """Returns the initial state of the next scale, from `pixels`, the result resized to it."""
        ...


class Optimizer(Spec):
    """The base of all optimizers.

    `functions` names the module with the functions, `OptimizerFunctions`. `searches` is true if a step runs a line search,
    evaluating several pictures. `compares_losses` is true if it accepts pictures by comparing losses of different steps, which
    requires a deterministic loss. `libraries` names the distributions that compute its steps; keys hold their versions.
    """

    functions: ClassVar[str]
    libraries: ClassVar[tuple[str, ...]] = ()
    searches: ClassVar[bool] = False
    compares_losses: ClassVar[bool] = False

    if TYPE_CHECKING:
        kind: Any  # each class has its own literal

    def start(self, pixels: Pixels, terms: int) -> Any:
        """Returns the initial state for a loss of `terms` terms."""
        return self.computed_by().start(self, pixels, terms)

    def step(self, evaluate: Evaluate, state: Any, *, clamp: bool) -> Any:
        """Returns the state after a step; `clamp` keeps the pixels in [0, 1]."""
        return self.computed_by().step(self, evaluate, state, clamp=clamp)

    def awaited(self, state: Any) -> Pixels | None:
        """Returns the picture that the next step evaluates, or None for a line search."""
        return self.computed_by().awaited(self, state)

    def result(self, state: Any) -> Pixels:
        """Returns the result picture of a state."""
        return self.computed_by().result(self, state)

    def enlarged(self, state: Any, pixels: Pixels) -> Any:
        """Returns the initial state of the next scale, from `pixels`, the result resized to it."""
        return self.computed_by().enlarged(self, state, pixels)

    @abstractmethod
    def state_size(self) -> StateSize:
        """Returns the memory use."""

    @classmethod
    def computed_by(cls) -> OptimizerFunctions:
        """Imports the module with the functions. Raises ExtensionError as `functions_named_by` does."""
        return functions_named_by(cls, OptimizerFunctions)
