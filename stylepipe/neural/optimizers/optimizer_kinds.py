"""All kinds of optimizers, those of installed packages included (entry-point group `stylepipe.optimizers`)."""

from functools import cache
from typing import TYPE_CHECKING

from stylepipe.entry_points import OPTIMIZERS
from stylepipe.neural.kinds import Kinds, find_kinds, union_of
from stylepipe.neural.optimizers.optimizer import Optimizer


@cache
def optimizer_kinds() -> Kinds[Optimizer]:
    """Returns the classes of all optimizers by kind."""
    return find_kinds(OPTIMIZERS, "optimizer", Optimizer)


if TYPE_CHECKING:
    AnyOptimizer = Optimizer
else:
    AnyOptimizer = union_of(optimizer_kinds())
    """The type of an optimizer in a recipe."""
