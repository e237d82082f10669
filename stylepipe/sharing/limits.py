"""The demands of a recipe, and the limits for recipes of others."""

from dataclasses import dataclass
from math import prod

from stylepipe.artifacts import Image, Mask
from stylepipe.engine.estimates import Estimates
from stylepipe.engine.job import Job
from stylepipe.errors import UsageError
from stylepipe.formatting import counted
from stylepipe.recipe.resolved import ResolvedRecipe

MAX_STAGES = 100
MAX_PIXELS = 100_000_000
MAX_MEMORY = 4_000_000_000
MAX_WORK = 1800.0

_HINT = "--no-limits runs it nevertheless."


@dataclass(frozen=True)
class Demands:
    """The estimated demands of a recipe.

    `pixels` are those of the largest result of a stage, `memory` is the peak memory of the process in bytes, and `work` the
    seconds of one core of a typical processor for all stages. Stages without an estimate count only by their number.
    """

    stages: int
    pixels: int
    memory: int
    work: float

    def __str__(self) -> str:
        minutes = max(1, round(self.work / 60))
        return (
            f"{counted(self.stages, 'stage')}, pictures of up to {self.pixels / 1e6:.1f} million pixels, "
            f"{self.memory / 1e9:.2g} GB of memory, {counted(minutes, 'minute')} of a processor core"
        )


def demands(job: Job) -> Demands:
    """Estimates the demands of all stages of a job without the cache; reads only the headers of pictures."""
    estimates = Estimates(job, None, job.input_digests())
    each = [estimates.of(name) for name in job.selection.stages]
    return Demands(
        len(each),
        max((prod(stage.output.size) for stage in each if isinstance(stage.output, Image | Mask)), default=0),
        max((stage.memory or 0 for stage in each), default=0),
        sum(stage.work or 0.0 for stage in each),
    )


def check_stages(recipe: ResolvedRecipe) -> None:
    """Raises UsageError for a recipe with too many stages, before reading anything else of it."""
    if len(recipe.stages) > MAX_STAGES:
        most = f"recipes of others are limited to {MAX_STAGES}"
        raise UsageError(f"It asks for {counted(len(recipe.stages), 'stage')}; {most}.", hint=_HINT)


def check_demands(job: Job) -> None:
    """Raises UsageError for a job beyond the limits."""
    asked = demands(job)
    if asked.pixels > MAX_PIXELS or asked.memory > MAX_MEMORY or asked.work > MAX_WORK:
        most = Demands(MAX_STAGES, MAX_PIXELS, MAX_MEMORY, MAX_WORK)
        raise UsageError(f"It asks for {asked}; recipes of others are limited to {most}.", hint=_HINT)
