"""All kinds of losses, those of installed packages included (entry-point group `stylepipe.losses`)."""

import re
import sys
from functools import cache
from typing import TYPE_CHECKING

from stylepipe.entry_points import LOSSES
from stylepipe.neural.kinds import Kinds, find_kinds, union_of
from stylepipe.neural.losses.loss import Loss


@cache
def loss_kinds() -> Kinds[Loss]:
    """Returns the classes of all losses by kind."""
    return find_kinds(LOSSES, "loss", Loss)


if TYPE_CHECKING:
    AnyLoss = Loss
else:
    AnyLoss = union_of(loss_kinds())
    """The type of an entry in a recipe's list of losses."""


def source(kind: str) -> str:
    """Returns the publication that a kind of loss comes from: the text in parentheses that ends its module's first line."""
    module = sys.modules[loss_kinds().models[kind].__module__]
    reference = re.search(r"\(([^()]*)\)\.$", (module.__doc__ or "").partition("\n")[0])
    return reference[1] if reference else "unknown"
