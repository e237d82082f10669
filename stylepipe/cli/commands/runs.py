"""Commands that run recipes: run, plan, explain."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stylepipe.cache_folder import expand_home
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import (
    DEFAULT_OUTPUTS,
    CacheFolder,
    Force,
    From,
    Json,
    NoEmbed,
    NoLimits,
    Outputs,
    Overrides,
    SharedPath,
    Until,
    load_job,
    note_read_only_cache,
    open_store_to_run,
    typed_path,
)
from stylepipe.escapes import visible_line

if TYPE_CHECKING:
    from stylepipe.engine.cache.store import Store
    from stylepipe.engine.job import Job
    from stylepipe.engine.plan import PlannedStage

RunReference = Annotated[
    str,
    typer.Argument(
        parser=expand_home,
        metavar="RUN",
        help="A run (folder, id, or end of the id), or a recipe's name for its newest run.",
    ),
]
Animation = Literal["webp", "gif"]


def run(
    recipe: SharedPath,
    param: Overrides = None,
    start: From = None,
    until: Until = None,
    force: Force = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Shows what would run, as `plan` does.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Shows no progress.")] = False,
    animation: Annotated[Animation, typer.Option(help="The format of the animation of a stage's previews.")] = "webp",
    frames: Annotated[bool, typer.Option("--frames", help="Also keeps the previews of a stage as single pictures.")] = False,
    no_embed: NoEmbed = False,
    no_limits: NoLimits = False,
    target: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            parser=typed_path,
            metavar="FILE",
            help="Also writes the result here: PNG, JPEG, WebP or TIFF by its ending; several results into the folder FILE. "
            "Only PNG carries the recipe.",
            show_default=False,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            metavar="N",
            help="Quality of a JPEG or WebP file of -o, 1 to 100. [default: 95; lossless WebP]",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Lets -o replace an existing file.")] = False,
    outputs: Outputs = DEFAULT_OUTPUTS,
    cache: CacheFolder = None,
    json: Json = False,
) -> None:
    """Runs a recipe; takes earlier results from the cache."""
    from stylepipe.cli.progress import observer
    from stylepipe.cli.reports import shareable_command
    from stylepipe.cli.shared_recipes import unpacked
    from stylepipe.engine import runner
    from stylepipe.engine.runs.output_file import output_files
    from stylepipe.engine.runs.run_folder import Previews
    from stylepipe.neural.xla.allocator import keep_freed_memory
    from stylepipe.report.reporting import reporting
    from stylepipe.sharing.embedding import Origin, embedding
    from stylepipe.sharing.limits import check_demands
    from stylepipe.sharing.unpacking import in_place, is_shared

    if dry_run:
        with unpacked(recipe, param, outputs=outputs, limited=False) as (file, params):
            _plan(
                load_job(file, params, force=force, start=start, until=until), open_store_to_run(cache), Console(as_json=json)
            )
        return
    keep_freed_memory()  # before JAX starts its threads
    console = Console(as_json=json)
    with unpacked(recipe, param, outputs=outputs, limited=not no_limits) as (file, params):
        job = load_job(file, params, force=force, start=start, until=until)
        if is_shared(recipe) and not no_limits:
            check_demands(job)
        files_to_write = output_files(target, job, quality=quality, overwrite=overwrite) if target else None
        for warning in job.recipe.warnings:
            console.say(f"warning: {in_place(warning, recipe, file)}")
        command = shareable_command(recipe, job.recipe, params=param, until=until)
        origins = {} if no_embed else {output: Origin(job.recipe, output) for output in job.recipe.outputs}
        store = open_store_to_run(cache)
        note_read_only_cache(store, console)
        with observer(quiet=quiet) as observe:
            watch = reporting(embedding(observe, origins, job.inputs.values()))
            result = runner.run(
                job,
                store=store,
                outputs=outputs,
                observe=watch,
                command=command,
                previews=Previews(animation, frames),
            )
    files = {name: str(path) for name, path in result.outputs.items()}
    written = files_to_write.write(result.outputs) if files_to_write else {}
    data = {"folder": str(result.folder), "outputs": files, "record": result.record.model_dump(mode="json")}
    console.result(
        "\n".join(map(visible_line, (written or files).values() or [str(result.folder)])),
        {**data, "written": written} if files_to_write else data,
    )


def plan(
    recipe: SharedPath,
    param: Overrides = None,
    start: From = None,
    until: Until = None,
    force: Force = None,
    cache: CacheFolder = None,
    json: Json = False,
) -> None:
    """Shows what would be computed, what is cached, and why.

    It shows each stage's last duration and its estimated peak memory, where they are known. For a recipe with a sweep, it shows
    the plan of the sweep.
    """
    from stylepipe.cli.commands.sweep import plan_sweep
    from stylepipe.cli.shared_recipes import unpacked
    from stylepipe.recipe.load_variants import has_sweep
    from stylepipe.sharing.limits import demands
    from stylepipe.sharing.unpacking import is_shared

    console = Console(as_json=json)
    with unpacked(recipe, param, limited=False) as (file, params):
        if is_shared(recipe):
            console.say(f"It asks for {demands(load_job(file, params))}.")
        if has_sweep(file) and not (start or until):
            console.result(*plan_sweep(file, params, force=force, store=open_store_to_run(cache)))
        else:
            _plan(load_job(file, params, force=force, start=start, until=until), open_store_to_run(cache), console)


def _plan(job: "Job", store: "Store", console: Console) -> None:
    from dataclasses import asdict

    from stylepipe.engine.plan import plan as plan_job

    planned = plan_job(job, store)
    for name in planned.left_out:
        console.say(f"'{name}' is not needed and does not run.")
    words = {"cached": "cached", "run": "runs", "depends": "may run"}
    rows = [
        (
            stage.name,
            stage.stage,
            words[stage.state],
            seconds_of(stage.seconds) or "—",
            _memory(stage),
            "; ".join(stage.reasons),
        )
        for stage in planned.stages
    ]
    data = [asdict(stage) for stage in planned.stages]
    columns = ("name", "stage", "state", "last took", "memory", "because")
    if not (planned.problems and console.as_json):  # as JSON, the problems are the only document
        console.result(table(columns, rows, empty="No stage is needed."), data)
    planned.require_sound()


def explain(
    recipe: SharedPath,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="The stage to explain.", show_default=False)],
    param: Overrides = None,
    cache: CacheFolder = None,
    json: Json = False,
) -> None:
    """Shows why a stage would run, or that it is cached."""
    from dataclasses import asdict

    from stylepipe.cli.shared_recipes import unpacked
    from stylepipe.engine.graph import stages_named
    from stylepipe.engine.plan import plan as plan_job

    with unpacked(recipe, param, limited=False) as (file, params):
        job = load_job(file, params, until=stage)
        planned = plan_job(job, open_store_to_run(cache))
    explained = [planned[name] for name in stages_named(job.recipe, stage)]
    lines = []
    for each in explained:
        heading = {"cached": "is cached", "run": "would run", "depends": "depends on stages that would run"}[each.state]
        lines += [f"'{each.name}' {heading}{':' if each.reasons else '.'}", *(f"  - {reason}" for reason in each.reasons)]
    Console(as_json=json).result("\n".join(lines), [asdict(each) for each in explained])


def _memory(stage: "PlannedStage") -> str:
    """Returns the estimated memory of a stage as text; empty for cached stages."""
    text = "—" if stage.memory is None else f"{stage.memory / 1e9:.2g} GB"
    return "" if stage.state == "cached" else text


def seconds_of(seconds: float | None) -> str:
    """Returns a duration as text; empty where it is unknown."""
    return "" if seconds is None else f"{seconds:.1f} s"
