"""One stage, called with its inputs and the services it asks for; what comes back is checked, what goes wrong is named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stylepipe.artifacts import KINDS, Artifact, Folder, Given, Image, Mask, Weights
from stylepipe.errors import StageError, StylepipeError, is_out_of_memory
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import Checkpoint, Emit, Stage

Arguments = Mapping[str, Given | Sequence[Given]]


def execute(node: StageNode, arguments: Arguments, *, seed: int, emit: Emit, checkpoint: Checkpoint) -> Artifact:
    """Runs the node's stage on read-only arrays; its result, checked and on the host.

    Raises the stage's own StylepipeError with its name added, and StageError for whatever else goes wrong.
    """
    offered: dict[str, Callable[[], Any]] = {"key": lambda: _key(seed), "emit": lambda: emit, "checkpoint": lambda: checkpoint}
    services = {name: offered[name]() for name in node.stage.services}
    given = absent(node.stage) | {
        name: _read_only(value) if isinstance(value, Given) else tuple(map(_read_only, value))
        for name, value in arguments.items()
    }
    where = f"Stage '{node.name}'"
    try:
        return _checked(node.stage(**given, params=node.params, **services), node.stage.output)
    except StylepipeError as error:
        error.within(where)
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise StageError(
                f"{where} needs more memory than there is.", hint="Choose a smaller size, or free some memory."
            ) from error
        first_line = str(error).strip().partition("\n")[0]
        reason = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
        raise StageError(f"{where} failed with {reason}.", hint="The run's folder holds the traceback.") from error


def absent(stage: Stage) -> dict[str, Any]:
    """What a stage is given for the inputs that a recipe may leave out."""
    return {name: () if given.many else None for name, given in stage.inputs.items() if given.optional}


def _key(seed: int) -> Any:
    import jax

    return jax.random.key(seed)


def _checked(result: Any, kind: str) -> Artifact:
    """The result on the host, if it is of the stated kind, of float32 where it is a picture, and finite."""
    match result:
        case Image() if kind == "image":
            pixels, alpha = result.pixels, result.alpha
            return replace(result, pixels=_host("pixels", pixels), alpha=None if alpha is None else _host("alpha", alpha))
        case Mask() if kind == "mask":
            return Mask(_host("values", result.values))
        case Weights() if kind == "weights":
            tensors = {name: _finite(name, np.asarray(array)) for name, array in result.tensors.items()}
            return replace(result, tensors=tensors)
    raise StageError(f"It returned {type(result).__name__}; expected {KINDS[kind].__name__}.")


def _host(name: str, array: Any) -> np.ndarray:
    found = np.asarray(array)
    if found.dtype != np.float32:
        raise StageError(f"It returned {name} of {found.dtype}; expected float32.")
    return _finite(name, found)


def _finite(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        wrong = np.size(array) - np.count_nonzero(np.isfinite(array))
        raise StageError(f"It returned {name} of which {wrong} of {array.size} values are not finite numbers.")
    return array


def _read_only(artifact: Given) -> Given:
    """The same arrays, which other stages use too, safe from being written to."""
    match artifact:
        case Image(pixels, alpha):
            return Image(_view(pixels), None if alpha is None else _view(alpha))
        case Mask(values):
            return Mask(_view(values))
        case Weights(tensors, metadata):
            return Weights({name: _view(array) for name, array in tensors.items()}, metadata)
        case Folder():
            return artifact


def _view(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
