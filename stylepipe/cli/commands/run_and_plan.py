"""Commands that run recipes: run, plan, explain."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, user_path
from stylepipe.cache_folder import expand_home
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import (
    CacheFolder,
    Force,
    From,
    Json,
    NoEmbed,
    NoLimits,
    Outputs,
    Overrides,
    Source,
    Until,
    overrides,
)
from stylepipe.escapes import visible_line

if TYPE_CHECKING:
    from stylepipe.engine.plan import Plan, PlannedStage

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
    recipe: Source,
    params: Overrides = None,
    start: From = None,
    until: Until = None,
    force: Force = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Shows what would run, as `plan` does.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Shows no progress.")] = False,
    animation: Annotated[Animation, typer.Option(help="The format of the animation of a stage's previews.")] = "webp",
    frames: Annotated[bool, typer.Option("--frames", help="Also keeps the previews of a stage as single pictures.")] = False,
    no_embed: NoEmbed = False,
    no_limits: NoLimits = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            parser=user_path,
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
    from stylepipe.api.commands.planning import plan_run
    from stylepipe.api.commands.running import run as run_recipe
    from stylepipe.neural.xla.allocator import keep_freed_memory
    from stylepipe.report.progress import observer

    console, texts = Console(as_json=json), overrides(params)
    if dry_run:
        planned = plan_run(
            recipe, params=texts, start=start, until=until, force=force or (), outputs=outputs, cache=cache, note=console.say
        )
        _show_plan(planned, console)
        return
    keep_freed_memory()  # before JAX starts its threads
    with observer(quiet=quiet) as observe:
        result = run_recipe(
            recipe,
            params=texts,
            start=start,
            until=until,
            force=force or (),
            output=output,
            quality=quality,
            overwrite=overwrite,
            animation=animation,
            frames=frames,
            embed=not no_embed,
            limits=not no_limits,
            outputs=outputs,
            cache=cache,
            observe=observe,
            note=console.say,
        )
    files, written = ({name: str(path) for name, path in each.items()} for each in (result.files, result.written))
    data = {"folder": str(result.path), "outputs": files, "record": result.record.model_dump(mode="json")}
    lines = (written or files).values() or [str(result.path)]
    console.result("\n".join(map(visible_line, lines)), {**data, "written": written} if output else data)


def plan(
    recipe: Source,
    params: Overrides = None,
    start: From = None,
    until: Until = None,
    force: Force = None,
    outputs: Outputs = DEFAULT_OUTPUTS,
    cache: CacheFolder = None,
    json: Json = False,
) -> None:
    """Shows what would be computed, what is cached, and why.

    It shows each stage's last duration and its estimated peak memory, where they are known. For a recipe with a sweep, it shows
    the plan of the sweep.
    """
    from stylepipe.api.commands.planning import SweepPlan
    from stylepipe.api.commands.planning import plan as plan_recipe
    from stylepipe.cli.commands.sweep import show_sweep_plan

    console = Console(as_json=json)
    planned = plan_recipe(
        recipe,
        params=overrides(params),
        start=start,
        until=until,
        force=force or (),
        outputs=outputs,
        cache=cache,
        note=console.say,
    )
    if isinstance(planned, SweepPlan):
        show_sweep_plan(planned, console)
    else:
        _show_plan(planned, console)


def _show_plan(planned: "Plan", console: Console) -> None:
    """Prints a plan. Raises RecipeError with its problems."""
    from dataclasses import asdict

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
    recipe: Source,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="The stage to explain.", show_default=False)],
    params: Overrides = None,
    outputs: Outputs = DEFAULT_OUTPUTS,
    cache: CacheFolder = None,
    json: Json = False,
) -> None:
    """Shows why a stage would run, or that it is cached."""
    from dataclasses import asdict

    from stylepipe.api.commands.planning import explain as explain_stage

    console = Console(as_json=json)
    stages = explain_stage(recipe, stage, params=overrides(params), outputs=outputs, cache=cache, note=console.say)
    lines = []
    for each in stages:
        heading = {"cached": "is cached", "run": "would run", "depends": "depends on stages that would run"}[each.state]
        lines += [f"'{each.name}' {heading}{':' if each.reasons else '.'}", *(f"  - {reason}" for reason in each.reasons)]
    console.result("\n".join(lines), [asdict(each) for each in stages])


def _memory(stage: "PlannedStage") -> str:
    """Returns the estimated memory of a stage as text; empty for cached stages."""
    text = "—" if stage.memory is None else f"{stage.memory / 1e9:.2g} GB"
    return "" if stage.state == "cached" else text


def seconds_of(seconds: float | None) -> str:
    """Returns a duration as text; empty where it is unknown."""
    return "" if seconds is None else f"{seconds:.1f} s"
