"""Normalizes what stages emit: plain numbers, text that can be encoded, frames that can be drawn."""

import operator
from typing import Any

import numpy as np

from stylepipe.errors import StageError, bounded
from stylepipe.stage import Frame, Note, Progress

_LARGEST = 2**53
_NOTE_LENGTH = 2000
_NAME_LENGTH = 100


def plain(event: Any) -> Progress | Frame | Note:
    """Returns the event with Python numbers and float32 pixels in [0, 1], so that it can be logged, drawn or sent.

    Numbers may be NumPy's or JAX's; losses may be non-finite; counts are clipped at 0, and non-finite pixel values become 0.
    Raises StageError for anything else.
    """
    match event:
        case Progress():
            return Progress(
                _count("done", event.done),
                _count("total", event.total),
                None if event.loss is None else _number("the loss", event.loss),
                _terms(event.terms),
                _count("pictures", event.pictures),
            )
        case Frame():
            return Frame(_pixels(event.pixels))
        case Note():
            return Note(_text(event.text, _NOTE_LENGTH))
    raise StageError(f"It emitted {type(event).__name__}; expected Progress, Frame or Note.")


def _count(name: str, value: Any) -> int:
    try:
        number = operator.index(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError):
        raise StageError(f"It emitted progress whose '{name}' is {_shown(value)}; expected a whole number.") from None
    return min(max(number, 0), _LARGEST)


def _number(name: str, value: Any) -> float:
    try:
        array = np.asarray(value, np.float64)
        if array.size == 1 and value is not None:
            return float(array.reshape(()))
    except (TypeError, ValueError, OverflowError):
        pass
    raise StageError(f"It emitted {_shown(value)} for {name}; expected a number.")


def _terms(terms: Any) -> dict[str, float] | None:
    if terms is None:
        return None
    try:
        named = [(_text(name, _NAME_LENGTH), value) for name, value in terms.items()]
    except (AttributeError, TypeError, ValueError):
        raise StageError(f"It emitted terms of {type(terms).__name__}; expected numbers by name.") from None
    return {name: _number(f"the term '{name}'", value) for name, value in named}


def _pixels(pixels: Any) -> np.ndarray:
    try:
        array = np.asarray(pixels)
        if array.dtype.kind not in "fV":  # V: bfloat16 and similar types
            raise TypeError
        array = array.astype(np.float32)
    except (TypeError, ValueError):
        kind = getattr(pixels, "dtype", type(pixels).__name__)
        raise StageError(f"It emitted a frame of {kind}; expected float32 from 0 to 1.") from None
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise StageError(f"It emitted a frame of shape {array.shape}; expected (height, width, 3).")
    return np.clip(np.nan_to_num(array, nan=0.0, posinf=0.0, neginf=0.0), 0, 1)


def _text(text: Any, length: int) -> str:
    if not isinstance(text, str):
        raise StageError(f"It emitted text that is {type(text).__name__}; expected str.")
    return bounded(text, length)


def _shown(value: Any) -> str:
    """Returns a short name of a value, whose repr may be long or fail."""
    return repr(value) if isinstance(value, int | float | str) and len(str(value)) < 40 else type(value).__name__
