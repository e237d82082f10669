"""Runs all variants of a recipe: the function behind `stylepipe sweep` and `stylepipe.sweep`."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stylepipe.api.commands.observing import observing
from stylepipe.api.commands.worker_pools import worker_pool
from stylepipe.api.results.sweep_results import FinishedSweep
from stylepipe.api.sources.command_line import shareable_command
from stylepipe.api.sources.jobs import load_sweep_job, open_store_to_run
from stylepipe.api.sources.opened import opened
from stylepipe.api.sources.recipe_objects import Recipe
from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, user_path
from stylepipe.api.sources.values import as_overrides
from stylepipe.engine.events import EngineNote, Observer
from stylepipe.engine.sweeps.run_sweep import run_sweep
from stylepipe.engine.workers.scheduler import Workers
from stylepipe.image.files.io import Notify, ignore
from stylepipe.recipe.load_variants import MAX_VARIANTS
from stylepipe.report.quality import measuring
from stylepipe.report.reporting import reporting
from stylepipe.sharing.embedding import Origin, embedding
from stylepipe.sharing.limits import check_demands
from stylepipe.sharing.unpacking import is_shared


def sweep(
    recipe: str | Path | Recipe,
    /,
    *,
    params: Mapping[str, str] | None = None,
    force: Collection[str] = (),
    keep_going: bool = True,
    max_variants: int | None = None,
    jobs: int = 1,
    executor: str | None = None,
    retries: int = 2,
    embed: bool = True,
    limits: bool = True,
    outputs: str | Path = DEFAULT_OUTPUTS,
    cache: str | Path | None = None,
    observe: Observer | None = None,
    note: Notify = ignore,
    **values: Any,
) -> FinishedSweep:
    """Runs all variants of a recipe, and computes shared stages once.

    Variants are those of the recipe's `sweep`, and of lists among the `values` in place of single values:
    `sweep("gatys", style_weight=[1, 10, 100])`. The rest is as in `run`, and:

    - `keep_going`: whether variants that do not depend on a failure keep running.
    - `max_variants`: the largest number of variants, 256 by default.
    - `jobs`: the number of worker processes, each with its share of the cores; 1 computes in this process.
    - `executor`: the address of a Dask cluster, `dask://HOST:PORT`, whose workers compute.
    - `retries`: retries of a stage after its worker dies.

    Failed variants do not raise; the status of each says so. Raises otherwise as `run` does.
    """
    with (
        as_overrides(values, params) as overrides,
        opened(recipe, overrides, note=note, outputs=outputs, limited=limits) as source,
    ):
        most = max_variants or MAX_VARIANTS
        loaded, swept = load_sweep_job(source.recipe, source.overrides, force=force, max_variants=most)
        if is_shared(source.source) and limits:
            check_demands(swept.job)
        for warning in loaded.base.warnings:
            note(f"warning: {source.named(warning)}")
        command = shareable_command(source.source, swept.job.recipe, params=overrides, command="sweep")
        origins = {
            named: Origin(variant.recipe, output)
            for merged, variant in zip(swept.variants, loaded.variants, strict=True)
            for output, named in merged.outputs.items()
            if embed
        }
        store = open_store_to_run(cache, note=note)
        with worker_pool(jobs, executor, store) as pool, observing(observe) as watch:
            watch(EngineNote(swept.summary))
            if pool:
                swept = replace(swept, job=replace(swept.job, device=pool.device))
            result = run_sweep(
                swept,
                store=store,
                outputs=user_path(outputs),
                keep_going=keep_going,
                observe=reporting(embedding(watch, origins, swept.job.inputs.values())),
                measure=measuring(store),
                command=(*command, *(("--max-variants", str(max_variants)) if max_variants else ())),
                workers=Workers(pool, swept.job, store, retries=retries, keep_going=keep_going) if pool else None,
            )
    return FinishedSweep(result.folder, result.results)
