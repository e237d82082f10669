"""The service `checkpoint`: a stage's state on disk, so that whatever stops it costs at most the work of some seconds."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from stylepipe import artifacts
from stylepipe.artifacts import Weights
from stylepipe.engine.files import cache_errors, publish
from stylepipe.engine.interrupts import RESUME, StopRequest
from stylepipe.engine.spool import Spool
from stylepipe.errors import Interrupted, StoreError

SAVE_SECONDS = 10.0
SAVE_SHARE = 0.02


class Checkpoint:
    """Keeps the state of one computation in its work folder, and its spools in step with it.

    The state is saved every `SAVE_SECONDS`, or less often where saving would take more than `SAVE_SHARE` of the time; and when
    the user asks to stop. `seconds` is what earlier attempts took up to the state that was found. A damaged state is no state,
    and `note` says so.
    """

    def __init__(
        self,
        folder: Path,
        *,
        spools: Mapping[str, Spool],
        stop: StopRequest,
        note: Callable[[str], None],
    ) -> None:
        self._path = folder / "state.safetensors"
        self._spools = spools
        self._stop = stop
        self._state, self.seconds, counts = self._read(note)
        for name, spool in spools.items():
            spool.rewind(min(counts.get(name, 0), spool.count))
        self._started = self._saved = time.monotonic()
        self._wait = SAVE_SECONDS

    def load(self) -> Mapping[str, np.ndarray] | None:
        """The state that an earlier attempt saved last, or None. It is handed over: another call finds none."""
        state, self._state = self._state, None
        return state

    def offer(self, state: Callable[[], Mapping[str, np.ndarray]]) -> None:
        """Saves the state when it is time to. Raises Interrupted, with the state saved, when the user asked to stop."""
        if self._stop.asked:
            self._save(state())
            raise Interrupted("Stopped; its state is saved.", hint=RESUME)
        if time.monotonic() - self._saved >= self._wait:
            began = time.monotonic()
            self._save(state())
            self._saved = time.monotonic()
            self._wait = max(SAVE_SECONDS, (self._saved - began) / SAVE_SHARE)

    def _save(self, state: Mapping[str, np.ndarray]) -> None:
        tensors = {name: np.asarray(value) for name, value in state.items()}
        metadata = {
            "digest": artifacts.digest(Weights(tensors)),
            "seconds": str(self.seconds + time.monotonic() - self._started),
            "counts": json.dumps({name: spool.count for name, spool in self._spools.items()}),
        }
        temporary = self._path.with_suffix(".tmp")
        with cache_errors(self._path.parent):
            artifacts.save(Weights(tensors, metadata), temporary)
            publish(temporary, self._path)

    def _read(self, note: Callable[[str], None]) -> tuple[Mapping[str, np.ndarray] | None, float, Mapping[str, int]]:
        """The state, the seconds that led to it, and how many items the spools held then."""
        try:
            saved = artifacts.load(self._path)
            if isinstance(saved, Weights) and artifacts.digest(Weights(saved.tensors)) == saved.metadata["digest"]:
                return saved.tensors, float(saved.metadata["seconds"]), json.loads(saved.metadata["counts"])
        except FileNotFoundError:
            return None, 0.0, {}
        except (StoreError, KeyError, ValueError):
            pass
        note("The saved state of an earlier run was damaged and is not used.")
        return None, 0.0, {}
