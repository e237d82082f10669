"""Runs recipes: the function behind `stylepipe run` and `stylepipe.run`."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from stylepipe.api.commands.observing import observing
from stylepipe.api.results.run_results import Run
from stylepipe.api.sources.command_line import shareable_command
from stylepipe.api.sources.jobs import load_job, open_store_to_run
from stylepipe.api.sources.opened import opened
from stylepipe.api.sources.recipe_objects import Recipe
from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, user_path
from stylepipe.api.sources.values import as_overrides
from stylepipe.engine import runner
from stylepipe.engine.events import Observer
from stylepipe.engine.runs.output_file import output_files
from stylepipe.engine.runs.run_folder import Previews
from stylepipe.image.files.io import Notify, ignore
from stylepipe.report.reporting import reporting
from stylepipe.sharing.embedding import Origin, embedding
from stylepipe.sharing.limits import check_demands
from stylepipe.sharing.unpacking import is_shared


def run(
    recipe: str | Path | Recipe,
    /,
    *,
    params: Mapping[str, str] | None = None,
    start: str | None = None,
    until: str | None = None,
    force: Collection[str] = (),
    output: str | Path | None = None,
    quality: int | None = None,
    overwrite: bool = False,
    animation: Literal["webp", "gif"] = "webp",
    frames: bool = False,
    embed: bool = True,
    limits: bool = True,
    outputs: str | Path = DEFAULT_OUTPUTS,
    cache: str | Path | None = None,
    observe: Observer | None = None,
    note: Notify = ignore,
    **values: Any,
) -> Run:
    """Runs a recipe, and takes earlier results from the cache.

    `recipe` is a `Recipe`, the path of one, the name of a shipped one, a run's folder or id, or the path of a result or bundle.
    `values` are values for its params; pictures may be paths, PIL images, or arrays of shape (height, width, 3 or 4) in [0, 1]
    or uint8. `params` has values as text, as `-p` takes them, and those whose names are options of this function.

    - `start`, `until`: the first and the last stage to run; earlier ones must be cached.
    - `force`: stages to compute although they are cached; "all" is every stage.
    - `output`, `quality`, `overwrite`: a file to write the result to as well, the quality of a JPEG or WebP file, and whether
      an existing file may be replaced.
    - `animation`, `frames`: the format of animations of previews, and whether single frames are kept.
    - `embed`: whether results carry their recipe.
    - `limits`: whether the demands of pictures and bundles are limited.
    - `outputs`, `cache`: the folder of runs, and that of the cache.
    - `observe`: receives each event; by default a progress bar is shown in terminals and notebooks.
    - `note`: receives warnings and other messages before the run starts.

    Ctrl-C saves the state of the running stage and raises Interrupted; the same call resumes. Raises as `engine.runner.run`
    does, RecipeError with all problems of the recipe, and UsageError for options that do not fit it.
    """
    with (
        as_overrides(values, params) as overrides,
        opened(recipe, overrides, note=note, outputs=outputs, limited=limits) as source,
    ):
        job = load_job(source.recipe, source.overrides, force=force, start=start, until=until)
        if is_shared(source.source) and limits:
            check_demands(job)
        target = output_files(user_path(output), job, quality=quality, overwrite=overwrite) if output else None
        for warning in job.recipe.warnings:
            note(f"warning: {source.named(warning)}")
        store = open_store_to_run(cache, note=note)
        origins = {name: Origin(job.recipe, name) for name in job.recipe.outputs if embed}
        with observing(observe) as watch:
            result = runner.run(
                job,
                store=store,
                outputs=user_path(outputs),
                observe=reporting(embedding(watch, origins, job.inputs.values())),
                command=shareable_command(source.source, job.recipe, params=overrides, until=until),
                previews=Previews(animation, frames),
            )
        written = target.write(result.outputs) if target else {}
    return Run(result.folder, result.record, {name: Path(path) for name, path in written.items()})
