"""The command sweep: all variants of a recipe, as one run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylepipe.cli.console import Console, table
from stylepipe.cli.options import (
    DEFAULT_OUTPUTS,
    CacheFolder,
    Force,
    Json,
    NoEmbed,
    NoLimits,
    Outputs,
    Overrides,
    SharedPath,
    note_read_only_cache,
    open_store_to_run,
    overrides,
)
from stylepipe.errors import UsageError
from stylepipe.escapes import visible_line
from stylepipe.formatting import counted

if TYPE_CHECKING:
    from stylepipe.engine.cache.store import Store
    from stylepipe.engine.sweeps.merge import SweepJob
    from stylepipe.engine.sweeps.results import SweepResults
    from stylepipe.engine.workers.scheduler import Pool
    from stylepipe.recipe.load_variants import ResolvedSweep

PARTLY_FAILED = 3


def sweep(
    recipe: SharedPath,
    param: Overrides = None,
    force: Force = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going/--fail-fast", help="After a failure, keeps running variants that do not depend on it.")
    ] = True,
    max_variants: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The largest number of variants. [default: 256]", show_default=False)
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Computes in this many processes, each with its share of the cores. "
            "In each, `memory: auto` takes most of the free memory: set a budget for large pictures.",
        ),
    ] = 1,
    executor: Annotated[
        str | None,
        typer.Option(metavar="dask://HOST:PORT", help="Computes on the workers of a Dask cluster.", show_default=False),
    ] = None,
    retries: Annotated[int, typer.Option(min=0, metavar="N", help="Retries of a stage after its worker dies.")] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Shows the variants and which of their stages would run.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Shows no progress.")] = False,
    no_embed: NoEmbed = False,
    no_limits: NoLimits = False,
    outputs: Outputs = DEFAULT_OUTPUTS,
    cache: CacheFolder = None,
    json: Json = False,
) -> None:
    """Runs all variants of a recipe; computes shared stages once.

    The variants are those of its `sweep`, and of lists in place of single values: -p size='[256, 512]'.
    """
    from stylepipe.cli.progress import observer
    from stylepipe.cli.reports import shareable_command
    from stylepipe.cli.shared_recipes import unpacked
    from stylepipe.engine.sweeps.run_sweep import run_sweep
    from stylepipe.engine.workers.scheduler import Workers
    from stylepipe.neural.xla.allocator import keep_freed_memory
    from stylepipe.report.quality import measuring
    from stylepipe.report.reporting import reporting
    from stylepipe.sharing.embedding import Origin, embedding
    from stylepipe.sharing.limits import check_demands
    from stylepipe.sharing.unpacking import in_place, is_shared

    keep_freed_memory()  # before JAX starts its threads
    console = Console(as_json=json)
    limited = not (no_limits or dry_run)
    with unpacked(recipe, param, outputs=outputs, limited=limited) as (file, params):
        loaded, job = _load(file, params, force=force, max_variants=max_variants)
        if is_shared(recipe) and limited:
            check_demands(job.job)
        for warning in loaded.base.warnings:
            console.say(f"warning: {in_place(warning, recipe, file)}")
        if not (quiet or dry_run):
            console.say(_size(job))
        command = shareable_command(recipe, job.job.recipe, params=param, command="sweep")
        if max_variants:
            command += ("--max-variants", str(max_variants))
        origins = {
            name: Origin(variant.recipe, output)
            for merged, variant in zip(job.variants, loaded.variants, strict=True)
            for output, name in merged.outputs.items()
            if not no_embed
        }
        store = open_store_to_run(cache)
        note_read_only_cache(store, console)
        with _pool(1 if dry_run else jobs, executor, store) as pool:
            if pool:
                job = replace(job, job=replace(job.job, device=pool.device))
            if dry_run:
                console.result(*_planned(job, store))
                return
            with observer(quiet=quiet) as observe:
                result = run_sweep(
                    job,
                    store=store,
                    outputs=outputs,
                    keep_going=keep_going,
                    observe=reporting(embedding(observe, origins, job.job.inputs.values())),
                    measure=measuring(store),
                    command=command,
                    workers=Workers(pool, job.job, store, retries=retries, keep_going=keep_going) if pool else None,
                )
    results = result.results
    _print_unfinished(results, console)
    sheets = [str(result.folder / sheet) for sheet in results.sheets]
    data = {"folder": str(result.folder), "results": results.model_dump(mode="json")}
    console.result("\n".join(map(visible_line, sheets or [str(result.folder)])), data)
    if not results.complete:
        raise typer.Exit(PARTLY_FAILED)


def _print_unfinished(results: "SweepResults", console: Console) -> None:
    """Prints the unfinished variants with their reasons, each hint once."""
    unfinished = [variant for variant in results.variants if variant.status != "done"]
    for variant in unfinished:
        console.say(f"{variant.status}: {variant.name}" + (f": {variant.error.message}" if variant.error else ""))
    for hint in dict.fromkeys(variant.error.hint for variant in unfinished if variant.error and variant.error.hint):
        console.say(f"hint: {hint}")


def plan_sweep(recipe: Path, param: Sequence[str], *, force: Sequence[str] | None, store: "Store") -> tuple[str, Any]:
    """Returns the plan of a sweep as text and as JSON data. Raises as `load_sweep` and `prepare_sweep` do."""
    _, job = _load(recipe, param, force=force, max_variants=None)
    return _planned(job, store)


def _load(
    recipe: Path, param: Sequence[str] | None, *, force: Sequence[str] | None, max_variants: int | None
) -> tuple["ResolvedSweep", "SweepJob"]:
    from stylepipe.cli.shared_recipes import weights_source
    from stylepipe.engine.cache.input_index import own_input_index
    from stylepipe.engine.inputs import find_input
    from stylepipe.engine.sweeps.merge import prepare_sweep
    from stylepipe.recipe.load_variants import MAX_VARIANTS, load_sweep

    loaded = load_sweep(recipe, overrides=overrides(param), max_variants=max_variants or MAX_VARIANTS)
    forced = "all" in (force or ()) or (force or ())
    with own_input_index() as index:
        find = partial(find_input, index=index)
        return loaded, prepare_sweep(loaded, weights=weights_source(), force=forced, find=find)


@contextmanager
def _pool(jobs: int, executor: str | None, store: "Store") -> Iterator["Pool | None"]:
    """Returns the pool of workers: local processes, a Dask cluster, or None."""
    from stylepipe.hardware.devices import backend
    from stylepipe.neural.xla.allocator import keep_freed_memory

    if executor and jobs > 1:
        raise UsageError(f"--jobs {jobs} and --executor {executor} are both given.", hint="Give one of them.")
    if jobs > 1 and backend() != "cpu":
        raise UsageError(
            f"--jobs {jobs}: the device is a {backend()}, which only one process can use.", hint="Leave --jobs out."
        )
    if executor:
        from stylepipe.engine.workers.dask_pool import Cluster

        with Cluster(executor, store, prepare=keep_freed_memory) as cluster:
            yield cluster
    elif jobs > 1:
        from stylepipe.engine.workers.process_pool import Processes

        with Processes(jobs, store, prepare=keep_freed_memory) as processes:
            yield processes
    else:
        yield None


def _size(job: "SweepJob") -> str:
    stages = sum(len(variant.stages) for variant in job.variants)
    distinct = len(job.job.selection.stages)
    return f"{counted(len(job.variants), 'variant')} of {counted(stages, 'stage')}, {distinct} distinct"


def _planned(job: "SweepJob", store: "Store") -> tuple[str, Any]:
    """Returns the plan as text and as JSON data."""
    from dataclasses import asdict

    from stylepipe.engine.plan import plan

    planned = plan(job.job, store)
    states = {stage.name: stage.state for stage in planned.stages}
    rows: list[tuple[str, ...]] = []
    listed: set[str] = set()
    for variant in job.variants:
        missing = [name for name in variant.stages.values() if states[name] != "cached"]
        own = ", ".join(name for name in missing if name not in listed)
        rows.append((variant.name, str(len(variant.stages)), str(len(variant.stages) - len(missing)), own))
        listed.update(missing)
    waiting = [stage.seconds for stage in planned.stages if stage.state != "cached"]
    durations = [seconds for seconds in waiting if seconds is not None]
    summary = f"{_size(job)}: {len(states) - len(waiting)} cached, {len(waiting)} to run{_prediction(len(waiting), durations)}."
    text = f"{table(('variant', 'stages', 'cached', 'to run, beside those above'), rows, empty='No variants.')}\n{summary}"
    variants = [{"name": each.name, "params": each.values, "stages": each.stages} for each in job.variants]
    predicted = {"seconds": round(sum(durations), 3), "unknown_stages": len(waiting) - len(durations)}
    return text, {"variants": variants, "stages": [asdict(stage) for stage in planned.stages], "predicted": predicted}


def _prediction(stages: int, durations: Sequence[float]) -> str:
    """Returns the estimated duration of the stages that would run, from their last runs."""
    if not stages:
        return ""
    if not durations:
        return ", of unknown duration"
    rest = stages - len(durations)
    return f", in about {sum(durations):.1f} s" + (f" and {rest} of unknown duration" if rest else "")
