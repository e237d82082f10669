"""L-BFGS without a line search: one evaluation per step (Liu and Nocedal 1989)."""

from typing import ClassVar, Literal

from pydantic import Field

from stylepipe.neural.optimizers.optimizer import HistoryPrecision, Optimizer, StateSize


class Lbfgs(Optimizer):
    """L-BFGS with full steps; a step that does not reduce the loss is rejected and retried at a quarter of its length.

    A rejection costs one evaluation and is rare (a few in 200); a line search needs several evaluations for many steps. A loss
    that is not finite is rejected.
    """

    functions: ClassVar[str] = "stylepipe.neural.optimizers.functions.lbfgs_functions"
    compares_losses: ClassVar[bool] = True

    kind: Literal["lbfgs"] = "lbfgs"
    memory: int = Field(default=10, ge=1, le=100, description="Stored steps; each takes the memory of two pictures.")
    history: HistoryPrecision = Field(
        default="float32",
        description="The precision of stored steps: `bfloat16` takes half the memory, for large pictures.",
    )

    def state_size(self) -> StateSize:
        """The best picture, its gradient, the trial, and two pictures per stored step (halved in bfloat16)."""
        return StateSize(held=3 + (2 if self.history == "float32" else 1) * self.memory, working=4)
