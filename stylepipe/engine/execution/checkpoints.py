"""The service `checkpoint` on disk: an interruption costs at most a few seconds of work."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stylepipe import artifacts
from stylepipe.artifacts import Weights
from stylepipe.engine.cache.atomic_files import cache_errors, make_room, publish
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.engine.execution.spool import Frames, Losses
from stylepipe.errors import StoreError
from stylepipe.stage import State

SAVE_SECONDS = 10.0
SAVE_SHARE = 0.02
STATE = "state.safetensors"


class _Saved(NamedTuple):
    """A state, the seconds spent on it, and the positions of the spools at that point."""

    state: State
    seconds: float
    frames: int
    losses: int


class DiskCheckpoint:
    """Stores the state of one computation in its work folder, and keeps its spools consistent with it.

    The state is saved every `SAVE_SECONDS`, less often where saving would take more than `SAVE_SHARE` of the time, and when the
    user asks to stop. `seconds` is the time that earlier attempts spent on the loaded state. A state rejected by `continues`
    is ignored, and so is a damaged one, which is reported to `note` and in `damaged`.
    """

    def __init__(
        self,
        folder: Path,
        frames: Frames,
        losses: Losses,
        *,
        stop: StopRequest,
        note: Callable[[str], None],
        continues: Callable[[State], bool] = lambda state: True,
    ) -> None:
        self._path = folder / STATE
        self._frames = frames
        self._losses = losses
        self._stop = stop
        self._offered: Callable[[], State] | None = None
        saved, self.damaged = _read(self._path)
        if self.damaged:
            note("The saved state of an earlier run was damaged and is not used.")
        if saved is not None and not continues(saved.state):
            saved = None
        if saved is None:
            self._path.unlink(missing_ok=True)
            saved = _Saved({}, 0.0, 0, 0)
        frames_missing, losses_missing = frames.rewind(saved.frames), losses.rewind(saved.losses)
        if frames_missing or losses_missing:
            note("Records of an earlier run's iterations were damaged: its losses and previews are not complete.")
        self._state, self.seconds = saved.state or None, saved.seconds
        self._started = self._saved = time.monotonic()
        self._wait = SAVE_SECONDS

    @property
    def resumes(self) -> bool:
        """Whether there is a state to resume from."""
        return self._state is not None

    def load(self) -> State | None:
        """Returns the state that an earlier attempt saved last, or None. A second call returns None."""
        state, self._state = self._state, None
        return state

    def offer(self, state: Callable[[], State]) -> None:
        """Saves the state when a save is due. Raises Interrupted, with the state saved, when the user asked to stop."""
        self._offered = state
        if self._stop.asked:
            self._save(state())
            raise self._stop.interrupted("Stopped; its state is saved.")
        if time.monotonic() - self._saved >= self._wait:
            began = time.monotonic()
            self._save(state())
            self._saved = time.monotonic()
            self._wait = max(SAVE_SECONDS, (self._saved - began) / SAVE_SHARE)

    def keep(self, most: int) -> None:
        """Saves the state offered last, unless it exceeds `most` bytes."""
        if self._offered:
            state = self._offered()
            if sum(np.asarray(array).nbytes for array in state.values()) <= most:
                self._save(state)

    def _save(self, state: State) -> None:
        tensors = {name: np.asarray(value) for name, value in state.items()}
        metadata = {
            "seconds": str(self.seconds + time.monotonic() - self._started),
            "positions": json.dumps([self._frames.position, self._losses.position]),
            "iterations": str(self._losses.done or 0),
        }
        metadata["digest"] = artifacts.digest(Weights(tensors, metadata))
        temporary = self._path.with_suffix(".tmp")
        with cache_errors(self._path.parent):
            make_room(temporary)
            artifacts.save(Weights(tensors, metadata), temporary)
            publish(temporary, self._path)


def saved_iterations(folder: Path) -> int:
    """Returns the iteration count in the header of a work folder's saved state; -1 without a state."""
    try:
        saved = artifacts.outline(folder / STATE)
        return int(saved.metadata["iterations"]) if isinstance(saved, Weights) else -1
    except (OSError, StoreError, AttributeError, KeyError, TypeError, ValueError):
        return -1


def _read(path: Path) -> tuple[_Saved | None, bool]:
    """Returns the saved state, if any, and whether the file is damaged or not a file."""
    try:
        if make_room(path):
            return None, True
        saved = artifacts.load(path)
        if isinstance(saved, Weights):
            metadata = dict(saved.metadata)
            expected = metadata.pop("digest")
            if artifacts.digest(Weights(saved.tensors, metadata)) == expected:
                return _Saved(saved.tensors, float(metadata["seconds"]), *json.loads(metadata["positions"])), False
    except FileNotFoundError:
        return None, False
    except (OSError, StoreError, AttributeError, KeyError, TypeError, ValueError):
        pass
    return None, True
