"""Estimates of stages from the sizes of their inputs: nothing is run for them, and no picture is decoded."""

from collections.abc import Mapping
from contextlib import suppress

from stylepipe.artifacts import Given
from stylepipe.engine.execute import absent
from stylepipe.engine.inputs import outline_input
from stylepipe.engine.job import Job
from stylepipe.engine.store import Store
from stylepipe.errors import StylepipeError
from stylepipe.stage import Estimate


class Estimates:
    """The estimates of a job's stages, to be asked for in the order of the stages.

    `digests` are those of the inputs and of the results in the store; it may grow between questions.
    """

    def __init__(self, job: Job, store: Store, digests: Mapping[str, str]) -> None:
        self._job, self._store, self._digests = job, store, digests
        self._outlines: dict[str, Given | None] = {}

    def of(self, name: str) -> Estimate:
        """What is known of a stage that is to run: nothing where it is given something unknown, or refuses what it is given."""
        estimate = Estimate()
        with suppress(StylepipeError):  # the run will say it
            estimate = self._estimated(name)
        self._outlines[name] = estimate.output
        return estimate

    def _estimated(self, name: str) -> Estimate:
        node = self._job.recipe.stages[name]
        outlines = {needed: self._outline(needed) for needed in node.needs}
        if None in outlines.values():
            return Estimate()
        return node.stage.estimate(**absent(node.stage) | node.bind(outlines.__getitem__), params=node.params)

    def _outline(self, name: str) -> Given | None:
        """An input, or the result of a stage; None where its size is not known."""
        if name not in self._outlines:
            found = self._job.inputs.get(name)
            self._outlines[name] = (
                outline_input(found, self._job.weights) if found else self._store.outline(self._digests[name])
            )
        return self._outlines[name]
