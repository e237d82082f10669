"""The optimizers: one module per kind, and the table of all kinds."""

from typing import Annotated

from pydantic import Field

from stylepipe.neural.optimizers import adam, lbfgs, lbfgs_zoom
from stylepipe.neural.optimizers.optimizer import OptimizerImplementation

AnyOptimizer = Annotated[lbfgs.Lbfgs | lbfgs_zoom.LbfgsZoom | adam.Adam, Field(discriminator="kind")]

IMPLEMENTATIONS: dict[str, OptimizerImplementation] = {"lbfgs": lbfgs, "lbfgs_zoom": lbfgs_zoom, "adam": adam}


def optimizer_implementation(optimizer: AnyOptimizer) -> OptimizerImplementation:
    """Returns the module that implements the optimizer's kind."""
    return IMPLEMENTATIONS[optimizer.kind]
