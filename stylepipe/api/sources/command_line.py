"""The command line that repeats a run, which its record and report quote."""

from collections.abc import Iterable
from pathlib import Path

from stylepipe.api.sources.values import as_text
from stylepipe.engine.runs.redaction import shareable
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.shipped import shipped_name


def shareable_command(
    source: Path, recipe: ResolvedRecipe, *, params: Iterable[str], until: str | None = None, command: str = "run"
) -> tuple[str, ...]:
    """Returns the command that repeats the run or sweep, with these `params`; outside files appear by name only."""
    outside = source.is_absolute() or ".." in source.parts
    name = shipped_name(source) or (source.name if outside else str(source))
    values = shareable(recipe, recipe.params)
    options = [part for name in params for part in ("-p", f"{name}={as_text(values[name])}")]
    return ("stylepipe", command, name, *options, *(("--until", until) if until else ()))
