"""Estimates of stages from the sizes of their inputs: nothing is run for them, and no picture is decoded."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from math import prod

from stylepipe import memory_limits
from stylepipe.artifacts import Artifact, Image, Mask, StageInput
from stylepipe.engine.cache.keys import PRECISION
from stylepipe.engine.cache.store import Store
from stylepipe.engine.environment import set_up_jax
from stylepipe.engine.execution.call_stage import estimate_of, require_memory
from stylepipe.engine.execution.held_artifacts import MAX_BYTES, size_of
from stylepipe.engine.inputs import outline_input
from stylepipe.engine.job import Job
from stylepipe.errors import FAILURES, StoreError, StylepipeError
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import Estimate

_PROCESS = 300_000_000
"""Bytes that Python and its libraries take."""

_READING = 20
"""Bytes per pixel that decoding a picture takes at its most, what comes of it included."""

_DRAWING = 12
"""Bytes per pixel that making the PNG of a result takes beside it."""


class Estimates:
    """The estimates of a job's stages, to be asked for in the order of the stages.

    `digests` are those of the inputs and of the results in the store; it may grow between questions. `errors` has by stage
    what it would be refused for, and by input what it cannot be read for.
    """

    def __init__(self, job: Job, store: Store | None, digests: Mapping[str, str]) -> None:
        self.errors: dict[str, StylepipeError] = {}
        self._job, self._store, self._digests = job, store, digests
        self._outlines: dict[str, StageInput | None] = {}
        self._held: set[str] = set()

    def of(self, name: str) -> Estimate:
        """What is known of a stage that is to run; `memory` is that of the whole process.

        Nothing is known where an input's size is not, or where the stage refuses what it is given.
        """
        estimate, node = Estimate(), self._job.recipe.stages[name]
        try:
            estimate = self._estimated(node)
        except FAILURES as error:
            self.errors[name] = error
        except StoreError:  # of a result that is damaged: the run makes it again
            pass
        self._outlines[name] = estimate.output
        return estimate

    def _estimated(self, node: StageNode) -> Estimate:
        if None in map(self._outline, node.needs):
            return Estimate()
        if "jax" in sys.modules:  # how it computes on the CPU is settled when it is first used, which may be here
            set_up_jax(None, PRECISION)
        estimate = estimate_of(node, node.bind(self._known))
        if estimate.memory is None:
            return estimate
        memory = _PROCESS + self._beside(node) + max(self._reading(node), estimate.memory, _storing(estimate.output))
        if self._store and self._job.device is None:  # else other machines compute, which look at their own memory
            require_memory(memory - memory_limits.resident())
        return replace(estimate, memory=memory)

    def _beside(self, node: StageNode) -> int:
        """Bytes of the artifacts that are held while the stage runs: its own, and what is kept of the others."""
        self._held.update(node.needs)
        stages = self._job.selection.stages
        ahead = {needed for later in stages[stages.index(node.name) :] for needed in self._job.recipe.stages[later].needs}
        self._held &= ahead
        own = sum(self._size(name) for name in set(node.needs))
        others = sum(self._size(name) for name in self._held.difference(node.needs))
        self._held.add(node.name)
        return own + min(others, MAX_BYTES)

    def _reading(self, node: StageNode) -> int:
        """Bytes that reading the largest of the pictures takes that are read for the stage, beside what is held."""
        read = (self._outline(name) for name in node.needs if name in self._job.inputs)
        sizes = ((outline.size, size_of(outline)) for outline in read if isinstance(outline, Image | Mask))
        return max((_READING * height * width - held for (height, width), held in sizes), default=0)

    def _size(self, name: str) -> int:
        outline = self._outline(name)
        return 0 if outline is None else size_of(outline)

    def _outline(self, name: str) -> StageInput | None:
        """An input, or the result of a stage; None where its size is not known."""
        if name not in self._outlines:
            self._outlines[name] = None
            if name not in self._job.inputs:
                self._outlines[name] = self._store.outline(self._digests[name]) if self._store else None
            else:
                try:
                    self._outlines[name] = outline_input(self._job.inputs[name], self._job.weights)
                except FAILURES as error:
                    self.errors[name] = error
        return self._outlines[name]

    def _known(self, name: str) -> StageInput:
        outline = self._outline(name)
        assert outline is not None  # or the stage is not estimated
        return outline


def _storing(output: Artifact | None) -> int:
    """The bytes that a result takes while its PNG is made."""
    pixels = prod(output.size) if isinstance(output, Image | Mask) else 0
    return 0 if output is None else size_of(output) + _DRAWING * pixels
