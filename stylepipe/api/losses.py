"""The losses for `stylize`, each a model of its parameters: `stylepipe.losses.Gram(weight=6.0)`."""

from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.cooccurrence import Cooccurrence
from stylepipe.neural.losses.correlation_chain import CorrelationChain
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.histogram import Histogram
from stylepipe.neural.losses.laplacian import Laplacian
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
]
