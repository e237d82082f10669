"""The losses for `stylize`, each a model of its parameters: `stylepipe.losses.Gram(weight=6.0)`.

Those of installed packages are among them, by the names of their classes.
"""

from typing import TYPE_CHECKING

from stylepipe.api.commands.listing import losses as kinds
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.cooccurrence import Cooccurrence
from stylepipe.neural.losses.correlation_chain import CorrelationChain
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.histogram import Histogram
from stylepipe.neural.losses.laplacian import Laplacian
from stylepipe.neural.losses.loss_kinds import loss_kinds
from stylepipe.neural.losses.moments import Moments
from stylepipe.neural.losses.mrf import Mrf
from stylepipe.neural.losses.nearest_neighbor import NearestNeighbor
from stylepipe.neural.losses.sliced_wasserstein import SlicedWasserstein
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.losses.wasserstein import Wasserstein

__all__ = [
    "Content",
    "Cooccurrence",
    "CorrelationChain",
    "Gram",
    "Histogram",
    "Laplacian",
    "Moments",
    "Mrf",
    "NearestNeighbor",
    "SlicedWasserstein",
    "TotalVariation",
    "Wasserstein",
    "kinds",
]

if not TYPE_CHECKING:  # type checkers find the classes of other packages where those define them

    def __getattr__(name: str) -> object:
        if model := loss_kinds().by_class_name.get(name):
            return model
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")

    def __dir__() -> list[str]:
        return sorted(["kinds", *loss_kinds().by_class_name])
