"""The optimizers for `stylize`, each a model of its parameters: `stylepipe.optimizers.Adam(learning_rate=0.02)`."""

from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.optimizers.lbfgs_zoom import LbfgsZoom

__all__ = ["Adam", "Lbfgs", "LbfgsZoom"]
