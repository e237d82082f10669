"""The command sweep: all variants of a recipe, as one run."""

from typing import TYPE_CHECKING, Annotated

import typer

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import CacheFolder, Force, Json, NoEmbed, NoLimits, Outputs, Overrides, Source, overrides
from stylepipe.escapes import visible_line

if TYPE_CHECKING:
    from stylepipe.api.commands.planning import SweepPlan
    from stylepipe.engine.sweeps.results import SweepResults

PARTLY_FAILED = 3


def sweep(
    recipe: Source,
    params: Overrides = None,
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
    from stylepipe.api.commands.planning import plan_sweep
    from stylepipe.api.commands.sweeping import sweep as sweep_recipe
    from stylepipe.neural.xla.allocator import keep_freed_memory
    from stylepipe.report.progress import observer

    keep_freed_memory()  # before JAX starts its threads
    console, texts = Console(as_json=json), overrides(params)
    if dry_run:
        planned = plan_sweep(
            recipe,
            params=texts,
            force=force or (),
            max_variants=max_variants,
            executor=executor,
            outputs=outputs,
            cache=cache,
            note=console.say,
        )
        show_sweep_plan(planned, console)
        return
    with observer(quiet=quiet) as observe:
        result = sweep_recipe(
            recipe,
            params=texts,
            force=force or (),
            keep_going=keep_going,
            max_variants=max_variants,
            jobs=jobs,
            executor=executor,
            retries=retries,
            embed=not no_embed,
            limits=not no_limits,
            outputs=outputs,
            cache=cache,
            observe=observe,
            note=console.say,
        )
    results = result.results
    _print_unfinished(results, console)
    data = {"folder": str(result.path), "results": results.model_dump(mode="json")}
    lines = list(map(str, result.sheets or [result.path]))
    console.result("\n".join(map(visible_line, lines)), data)
    if not results.complete:
        raise typer.Exit(PARTLY_FAILED)


def _print_unfinished(results: "SweepResults", console: Console) -> None:
    """Prints the unfinished variants with their reasons, each hint once."""
    unfinished = [variant for variant in results.variants if variant.status != "done"]
    for variant in unfinished:
        console.say(f"{variant.status}: {variant.name}" + (f": {variant.error.message}" if variant.error else ""))
    for hint in dict.fromkeys(variant.error.hint for variant in unfinished if variant.error and variant.error.hint):
        console.say(f"hint: {hint}")


def show_sweep_plan(sweep_plan: "SweepPlan", console: Console) -> None:
    """Prints the plan of a sweep."""
    from dataclasses import asdict

    planned, swept = sweep_plan.plan, sweep_plan.sweep
    waiting = {stage.name for stage in planned.waiting}
    unknown = sum(stage.seconds is None for stage in planned.waiting)
    rows: list[tuple[str, ...]] = []
    listed: set[str] = set()
    for variant in swept.variants:
        missing = [name for name in variant.stages.values() if name in waiting]
        own = ", ".join(name for name in missing if name not in listed)
        rows.append((variant.name, str(len(variant.stages)), str(len(variant.stages) - len(missing)), own))
        listed.update(missing)
    counts = f"{len(planned.stages) - len(waiting)} cached, {len(waiting)} to run"
    summary = f"{swept.summary}: {counts}{_prediction(len(waiting), unknown, planned.seconds)}."
    text = f"{table(('variant', 'stages', 'cached', 'to run, beside those above'), rows, empty='No variants.')}\n{summary}"
    variants = [{"name": each.name, "params": each.values, "stages": each.stages} for each in swept.variants]
    predicted = {"seconds": round(planned.seconds, 3), "unknown_stages": unknown}
    stages = [asdict(stage) for stage in planned.stages]
    console.result(text, {"variants": variants, "stages": stages, "predicted": predicted})


def _prediction(stages: int, unknown: int, seconds: float) -> str:
    """Formats the estimated duration of the stages that would run."""
    if not stages:
        return ""
    if stages == unknown:
        return ", of unknown duration"
    return f", in about {seconds:.1f} s" + (f" and {unknown} of unknown duration" if unknown else "")
