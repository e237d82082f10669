"""The optimizers: one module per kind, and the type of all kinds."""

from typing import Annotated

from pydantic import Field

from stylepipe.neural.optimizers import adam, lbfgs, lbfgs_zoom

AnyOptimizer = Annotated[lbfgs.Lbfgs | lbfgs_zoom.LbfgsZoom | adam.Adam, Field(discriminator="kind")]
