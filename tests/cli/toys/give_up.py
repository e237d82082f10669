"""The stage `give_up`: fails, by its own fault or with a reason."""

from stylepipe.artifacts import Image
from stylepipe.errors import StageError
from stylepipe.stage import Emit, Frame, Params, stage


class GiveUpParams(Params):
    """Why."""

    reason: str = ""


@stage(version=1)
def give_up(image: Image, params: GiveUpParams, *, emit: Emit) -> Image:
    """Shows the picture, and fails."""
    emit(Frame(image.pixels))
    if params.reason:
        raise StageError(params.reason, hint="Try something else.")
    raise ZeroDivisionError("division by zero")
