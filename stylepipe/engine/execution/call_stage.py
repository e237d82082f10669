"""Calls one stage with its inputs and services, validates its result and names its errors."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stylepipe.artifacts import KINDS, Artifact, Folder, Image, Mask, StageInput, Weights
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.errors import (
    FAILURES,
    Interrupted,
    MemoryShortage,
    StageError,
    StoreError,
    StylepipeError,
    bounded,
    is_out_of_memory,
    reason_of,
)
from stylepipe.formatting import gigabytes
from stylepipe.hardware import memory_limits
from stylepipe.hardware.devices import backend
from stylepipe.plugin_output import plugin_output
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import Checkpoint, Emit, Estimate

Arguments = Mapping[str, StageInput | Sequence[StageInput]]

_MESSAGE_LENGTH = 2000
_TRACEBACK_LENGTH = 50_000


def execute(
    node: StageNode, arguments: Arguments, *, seed: int, emit: Emit, checkpoint: Checkpoint, stop: StopRequest
) -> Artifact:
    """Runs the node's stage on read-only arrays and returns its validated result on the host. Its prints go to stderr.

    Whatever it raises becomes one of `FAILURES` with the stage's name. Only the engine's own errors pass unchanged: StoreError,
    and, after a request on `stop`, Interrupted and KeyboardInterrupt.
    """
    makers: dict[str, Callable[[], Any]] = {"key": lambda: _key(seed), "emit": lambda: emit, "checkpoint": lambda: checkpoint}
    services = {name: makers[name]() for name in node.stage.services}
    read_only = {
        name: _read_only(value) if isinstance(value, StageInput) else tuple(map(_read_only, value))
        for name, value in arguments.items()
    }
    inputs = node.stage.arguments(read_only)
    try:
        if memory := estimate_of(node, read_only).memory:
            require_memory(memory)
        with plugin_output():
            return _checked(node.stage(**inputs, params=node.params, **services), node.stage.output)
    except BaseException as error:
        where = f"Stage '{node.name}'"
        if isinstance(error, StoreError) or (isinstance(error, Interrupted | KeyboardInterrupt) and stop.asked):
            if isinstance(error, StylepipeError):
                error.within(where)
            raise
        failure = _failure(error, where)
        raise failure from (None if isinstance(error, StylepipeError) and not error.__cause__ else error)


def traceback_of(error: BaseException) -> str:
    """Returns the traceback of an error as text of bounded length."""
    text = "".join(traceback.format_exception(error))
    return text if len(text) <= _TRACEBACK_LENGTH else f"{text[:_TRACEBACK_LENGTH]}\n… (cut)\n"


def _failure(error: BaseException, where: str) -> StylepipeError:
    """Returns an exception as one of `FAILURES`: classes of the stage's package may be unknown to other processes."""
    if isinstance(error, StylepipeError):
        ours = next(kind for kind in type(error).__mro__ if kind.__module__ == StylepipeError.__module__)
        kind = ours if issubclass(ours, FAILURES) else StageError
        message, hint = (text and bounded(str(text), _MESSAGE_LENGTH) for text in (error.message, error.hint))
        return kind(f"{where}: {message}", hint=hint)
    if is_out_of_memory(error):
        return StageError(f"{where} needs more memory than is available.", hint="Choose a smaller size, or free some memory.")
    return StageError(f"{where} failed with {reason_of(error)}.", hint="The run's folder holds the traceback.")


def estimate_of(node: StageNode, arguments: Arguments) -> Estimate:
    """Returns the stage's own estimate. Raises its StylepipeError; other errors give an empty estimate."""
    try:
        return node.stage.estimate(**node.stage.arguments(arguments), params=node.params)
    except StylepipeError:
        raise
    except Exception:  # a bug in the estimate is not one in the stage
        return Estimate()


def require_memory(needed: int) -> None:
    """Raises MemoryShortage where a CPU process cannot allocate that many more bytes. GPUs have their own memory."""
    free = memory_limits.available(swap=True)
    if needed > free and backend() == "cpu":
        taken = memory_limits.resident()
        raise MemoryShortage(
            f"It takes about {gigabytes(taken + needed)} of memory, and {gigabytes(taken + free)} are available.",
            hint="Work at a smaller size, or free some memory.",
        )


def _key(seed: int) -> Any:
    import jax

    return jax.random.key(seed)


def _checked(result: Any, kind: str) -> Artifact:
    """Returns the result on the host; requires the declared kind, float32 for pictures, and finite values."""
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
    values = np.asarray(array)
    if values.dtype != np.float32:
        raise StageError(f"It returned {name} of {values.dtype}; expected float32.")
    return _finite(name, values)


def _finite(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        wrong = np.size(array) - np.count_nonzero(np.isfinite(array))
        raise StageError(f"It returned {name} of which {wrong} of {array.size} values are not finite numbers.")
    return array


def _read_only(artifact: StageInput) -> StageInput:
    """Returns the same arrays, which other stages share, as read-only views."""
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
