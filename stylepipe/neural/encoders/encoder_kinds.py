"""All kinds of encoders, those of installed packages included (entry-point group `stylepipe.encoders`)."""

from functools import cache
from typing import TYPE_CHECKING, Literal

from stylepipe.entry_points import ENCODERS
from stylepipe.neural.encoders.encoder import Architecture
from stylepipe.neural.kinds import Kinds, find_kinds, union_of


@cache
def encoder_kinds() -> Kinds[Architecture]:
    """Returns the classes of all encoders by kind."""
    return find_kinds(ENCODERS, "encoder", Architecture)


if TYPE_CHECKING:
    AnyEncoder = Architecture
    LayerName = str
else:
    AnyEncoder = union_of(encoder_kinds())
    """The type of an encoder in a recipe."""
    LayerName = Literal[tuple(dict.fromkeys(name for model in encoder_kinds().models.values() for name in model.layer_names))]
    """The names of the layers of all encoders."""
