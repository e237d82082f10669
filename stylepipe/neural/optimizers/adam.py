"""Adam (Kingma and Ba 2015, arXiv 1412.6980), with an average of its iterates as the result."""

from typing import ClassVar, Literal

from pydantic import Field

from stylepipe.neural.optimizers.optimizer import Optimizer, StateSize


class Adam(Optimizer):
    """Adam, one evaluation per step; the result is a bias-corrected exponential moving average of the iterates.

    The averaging and the defaults are those of K. Crowson's style-transfer-pytorch.
    """

    functions: ClassVar[str] = "stylepipe.neural.optimizers.functions.adam_functions"
    libraries: ClassVar[tuple[str, ...]] = ("optax",)

    kind: Literal["adam"] = "adam"
    learning_rate: float = Field(default=0.02, gt=0, le=1, description="Approximate largest change of a pixel per step.")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Decay of the gradient's moving average.")
    beta2: float = Field(default=0.99, ge=0, lt=1, description="Decay of the squared gradient's moving average.")
    averaging: float = Field(
        default=0.99, ge=0, lt=1, description="Decay of the iterates' moving average; 0 returns the last iterate."
    )

    def state_size(self) -> StateSize:
        """The iterate, two moments and the average."""
        return StateSize(held=4, working=1)
