"""The command line that repeats a run, which its record and report quote."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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


def as_text(value: Any) -> str:
    """Formats a param's value for `-p`, which takes text literally unless it begins like a quoted text or a list."""
    plain = isinstance(value, str) and not value.startswith(("'", '"', "["))
    return value if plain else json.dumps(value, ensure_ascii=False)
