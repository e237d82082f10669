"""Plans runs and sweeps: the functions behind `stylepipe plan`, `stylepipe explain` and `stylepipe.plan`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stylepipe.api.commands.worker_pools import worker_pool
from stylepipe.api.sources.jobs import load_job, load_sweep_job, open_store_to_run
from stylepipe.api.sources.opened import Opened, opened
from stylepipe.api.sources.recipe_objects import Recipe
from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS
from stylepipe.api.sources.values import as_overrides
from stylepipe.engine.cache.store import Store
from stylepipe.engine.graph import stages_named
from stylepipe.engine.job import Job
from stylepipe.engine.plan import Plan, PlannedStage
from stylepipe.engine.plan import plan as plan_job
from stylepipe.engine.sweeps.merge import SweepJob
from stylepipe.image.files.io import Notify, ignore
from stylepipe.recipe.extends import read_recipe
from stylepipe.recipe.load_variants import MAX_VARIANTS, has_sweep
from stylepipe.sharing.limits import demands
from stylepipe.sharing.unpacking import is_shared


@dataclass(frozen=True)
class SweepPlan:
    """The plan of a sweep: of its `stages`, each once, and the `sweep` itself with the stages of each variant."""

    plan: Plan
    sweep: SweepJob


def plan(
    recipe: str | Path | Recipe,
    /,
    *,
    params: Mapping[str, str] | None = None,
    start: str | None = None,
    until: str | None = None,
    force: Collection[str] = (),
    outputs: str | Path = DEFAULT_OUTPUTS,
    cache: str | Path | None = None,
    note: Notify = ignore,
    **values: Any,
) -> Plan | SweepPlan:
    """Returns what a run would compute, what is cached, and why; of a recipe with a sweep, what the sweep would compute.

    The arguments are as in `run`. Stages that would be refused are in the plan's `errors`. `note` receives what a picture or
    bundle demands. Raises as `run` does.
    """
    with (
        as_overrides(values, params) as overrides,
        opened(recipe, overrides, note=note, outputs=outputs, limited=False) as source,
    ):
        store = open_store_to_run(cache)
        if is_shared(source.source):
            note(f"It asks for {demands(load_job(source.recipe, source.overrides))}.")
        document = read_recipe(source.recipe) if isinstance(source.recipe, Path) else source.recipe
        if has_sweep(document) and not (start or until):
            _, swept = load_sweep_job(document, source.overrides, force=force)
            return SweepPlan(_planned(swept.job, store, source), swept)
        job = load_job(document, source.overrides, force=force, start=start, until=until)
        return _planned(job, store, source)


def plan_run(
    recipe: str | Path | Recipe,
    /,
    *,
    params: Mapping[str, str] | None = None,
    start: str | None = None,
    until: str | None = None,
    force: Collection[str] = (),
    outputs: str | Path = DEFAULT_OUTPUTS,
    cache: str | Path | None = None,
    note: Notify = ignore,
    **values: Any,
) -> Plan:
    """Returns what `run` would compute with the same arguments."""
    with (
        as_overrides(values, params) as overrides,
        opened(recipe, overrides, note=note, outputs=outputs, limited=False) as source,
    ):
        job = load_job(source.recipe, source.overrides, force=force, start=start, until=until)
        return _planned(job, open_store_to_run(cache), source)


def plan_sweep(
    recipe: str | Path | Recipe,
    /,
    *,
    params: Mapping[str, str] | None = None,
    force: Collection[str] = (),
    max_variants: int | None = None,
    executor: str | None = None,
    outputs: str | Path = DEFAULT_OUTPUTS,
    cache: str | Path | None = None,
    note: Notify = ignore,
    **values: Any,
) -> SweepPlan:
    """Returns what `sweep` would compute with the same arguments."""
    with (
        as_overrides(values, params) as overrides,
        opened(recipe, overrides, note=note, outputs=outputs, limited=False) as source,
    ):
        _, swept = load_sweep_job(source.recipe, source.overrides, force=force, max_variants=max_variants or MAX_VARIANTS)
        store = open_store_to_run(cache)
        with worker_pool(1, executor, store) as pool:
            job = replace(swept.job, device=pool.device) if pool else swept.job
            return SweepPlan(_planned(job, store, source), replace(swept, job=job))


def explain(
    recipe: str | Path | Recipe,
    stage: str,
    /,
    *,
    params: Mapping[str, str] | None = None,
    outputs: str | Path = DEFAULT_OUTPUTS,
    cache: str | Path | None = None,
    note: Notify = ignore,
    **values: Any,
) -> tuple[PlannedStage, ...]:
    """Returns why a stage would run, or that it is cached: for each item of a `foreach`. Raises as `plan` does."""
    with (
        as_overrides(values, params) as overrides,
        opened(recipe, overrides, note=note, outputs=outputs, limited=False) as source,
    ):
        job = load_job(source.recipe, source.overrides, until=stage)
        planned = _planned(job, open_store_to_run(cache), source)
    return tuple(planned[name] for name in stages_named(job.recipe, stage))


def _planned(job: Job, store: Store, source: Opened) -> Plan:
    """Returns the plan of a job, whose errors and places name the user's file."""
    plan = plan_job(job, store)
    for error in plan.errors.values():
        error.message = source.named(error.message)
    places = {name: replace(place, file=source.named(place.file)) for name, place in plan.places.items()}
    return replace(plan, places=places)
