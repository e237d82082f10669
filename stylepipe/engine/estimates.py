"""Estimates of stages from the sizes of their inputs; no stage runs, and no picture is decoded."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from math import prod

from stylepipe.artifacts import Artifact, Image, Mask, StageInput
from stylepipe.engine.cache.keys import PRECISION
from stylepipe.engine.cache.store import Store
from stylepipe.engine.environment import set_up_jax
from stylepipe.engine.execution.call_stage import estimate_of, require_memory
from stylepipe.engine.execution.held_artifacts import MAX_BYTES, size_of
from stylepipe.engine.inputs import outline_input
from stylepipe.engine.job import Job
from stylepipe.errors import FAILURES, StoreError, StylepipeError
from stylepipe.hardware import memory_limits
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import Estimate

_PROCESS = 300_000_000
"""Bytes that Python and its libraries use."""

_READING = 20
"""Peak bytes per pixel of decoding a picture, including the result."""

_DRAWING = 12
"""Bytes per pixel of writing a result's PNG, beside the result."""


class Estimates:
    """The estimates of a job's stages, requested in the order of the stages.

    `digests` are those of the inputs and cached results; it may grow between requests. `errors` maps each stage that would be
    refused, and each input that cannot be read, to its error.
    """

    def __init__(self, job: Job, store: Store | None, digests: Mapping[str, str]) -> None:
        self.errors: dict[str, StylepipeError] = {}
        self._job, self._store, self._digests = job, store, digests
        self._outlines: dict[str, StageInput | None] = {}
        self._held: set[str] = set()

    def of(self, name: str) -> Estimate:
        """Returns the estimate of a stage that is to run; `memory` is that of the whole process.

        The estimate is empty where an input's size is unknown, or where the stage would refuse its inputs.
        """
        estimate, node = Estimate(), self._job.recipe.stages[name]
        try:
            estimate = self._estimated(node)
        except FAILURES as error:
            self.errors[name] = error
        except StoreError:  # a damaged result: the run computes it again
            pass
        self._outlines[name] = estimate.output
        return estimate

    def _estimated(self, node: StageNode) -> Estimate:
        if None in map(self._outline, node.needs):
            return Estimate()
        if "jax" in sys.modules:  # JAX fixes its CPU options on first use, which may be here
            set_up_jax(None, PRECISION)
        estimate = estimate_of(node, node.bind(self._required_outline))
        if estimate.memory is None:
            return estimate
        memory = _PROCESS + self._in_memory(node) + max(self._reading(node), estimate.memory, _storing(estimate.output))
        if self._store and self._job.device is None:  # else other machines compute and check their own memory
            require_memory(memory - memory_limits.resident())
        return replace(estimate, memory=memory)

    def _in_memory(self, node: StageNode) -> int:
        """Returns the bytes of the artifacts in memory while the stage runs: its inputs, and others still needed."""
        self._held.update(node.needs)
        stages = self._job.selection.stages
        needed_later = {
            needed for later in stages[stages.index(node.name) :] for needed in self._job.recipe.stages[later].needs
        }
        self._held &= needed_later
        own_bytes = sum(self._size(name) for name in set(node.needs))
        other_bytes = sum(self._size(name) for name in self._held.difference(node.needs))
        self._held.add(node.name)
        return own_bytes + min(other_bytes, MAX_BYTES)

    def _reading(self, node: StageNode) -> int:
        """Returns the bytes for reading the stage's largest picture, beyond its artifact."""
        read = (self._outline(name) for name in node.needs if name in self._job.inputs)
        sizes = ((outline.size, size_of(outline)) for outline in read if isinstance(outline, Image | Mask))
        return max((_READING * height * width - held for (height, width), held in sizes), default=0)

    def _size(self, name: str) -> int:
        outline = self._outline(name)
        return 0 if outline is None else size_of(outline)

    def _outline(self, name: str) -> StageInput | None:
        """Returns the blank artifact of an input or a stage's result; None where its size is unknown."""
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

    def _required_outline(self, name: str) -> StageInput:
        outline = self._outline(name)
        assert outline is not None  # otherwise the stage is not estimated
        return outline


def _storing(output: Artifact | None) -> int:
    """Returns the bytes that a result takes while its PNG is written."""
    pixels = prod(output.size) if isinstance(output, Image | Mask) else 0
    return 0 if output is None else size_of(output) + _DRAWING * pixels
