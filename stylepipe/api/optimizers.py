"""The optimizers for `stylize`, each a model of its parameters: `stylepipe.optimizers.Adam(learning_rate=0.02)`.

Those of installed packages are among them, by the names of their classes.
"""

from typing import TYPE_CHECKING

from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.optimizers.lbfgs_zoom import LbfgsZoom
from stylepipe.neural.optimizers.optax_optimizer import Optax
from stylepipe.neural.optimizers.optimizer_kinds import optimizer_kinds

__all__ = ["Adam", "Lbfgs", "LbfgsZoom", "Optax"]

if not TYPE_CHECKING:  # type checkers find the classes of other packages where those define them

    def __getattr__(name: str) -> object:
        if model := optimizer_kinds().by_class_name.get(name):
            return model
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")

    def __dir__() -> list[str]:
        return list(optimizer_kinds().by_class_name)
