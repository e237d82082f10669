"""The command that a report quotes, and opening a report in the browser."""

import json
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stylepipe.cli.options import overrides
from stylepipe.engine.runs.redaction import shareable
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.shipped import shipped_name
from stylepipe.report.page import write_report


def shareable_command(
    path: Path, recipe: ResolvedRecipe, *, params: Sequence[str] | None, until: str | None = None, command: str = "run"
) -> tuple[str, ...]:
    """Returns the command that repeats the run or sweep; outside files appear by name only."""
    outside = path.is_absolute() or ".." in path.parts
    name = shipped_name(path) or (path.name if outside else str(path))
    values = shareable(recipe, recipe.params)
    options = [part for name in overrides(params) for part in ("-p", f"{name}={_as_typed(values[name])}")]
    return ("stylepipe", command, name, *options, *(("--until", until) if until else ()))


def _as_typed(value: Any) -> str:
    """Formats a param's value for `-p`, which takes text literally unless it begins like a quoted text or a list."""
    plain = isinstance(value, str) and not value.startswith(("'", '"', "["))
    return value if plain else json.dumps(value, ensure_ascii=False)


def open_report(folder: Path) -> Path:
    """Updates the report of a run and opens it in the browser; returns its path."""
    report = write_report(folder)
    webbrowser.open(report.resolve().as_uri())
    return report
