"""L-BFGS with jaxopt's zoom line search (Nocedal and Wright 2006, algorithms 7.5, 3.5 and 3.6)."""

from typing import ClassVar, Literal

from pydantic import Field

from stylepipe.neural.optimizers.optimizer import Optimizer, StateSize


class LbfgsZoom(Optimizer):
    """L-BFGS with a line search for the strong Wolfe conditions: one or more evaluations per step."""

    functions: ClassVar[str] = "stylepipe.neural.optimizers.functions.lbfgs_zoom_functions"
    libraries: ClassVar[tuple[str, ...]] = ("jaxopt",)
    searches: ClassVar[bool] = True
    compares_losses: ClassVar[bool] = True

    kind: Literal["lbfgs_zoom"] = "lbfgs_zoom"
    memory: int = Field(default=10, ge=1, le=100, description="Stored steps; each takes the memory of two pictures.")
    line_search: int = Field(default=15, ge=1, le=100, description="The maximum number of step lengths per step.")

    def state_size(self) -> StateSize:
        """The picture, its gradient, and two pictures per stored step; a search keeps three points with their gradients."""
        return StateSize(held=2 + 2 * self.memory, working=8)
