"""The command diff: the differences between two runs."""

import json as jsonlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, user_path
from stylepipe.cli.commands.run_and_plan import RunReference
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import Json, Outputs
from stylepipe.escapes import visible_line
from stylepipe.formatting import short_digest

if TYPE_CHECKING:
    from stylepipe.report.comparison import RunComparison, StageChange


def diff(
    one: RunReference,
    other: RunReference,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", parser=user_path, metavar="FILE", help="Writes the results of both runs side by side as a PNG."
        ),
    ] = None,
    outputs: Outputs = DEFAULT_OUTPUTS,
    json: Json = False,
) -> None:
    """Shows the differences between two runs.

    It compares parameters, inputs, versions, stages by key and digest, losses, and results.
    """
    from dataclasses import asdict

    from stylepipe.api.commands.comparing import diff as compare_runs

    comparison = compare_runs(one, other, output=output, outputs=outputs)
    if output:
        Console().say(f"picture {output}")
    data = {**asdict(comparison), "runs": list(map(str, comparison.runs))}
    Console(as_json=json).result(_text(comparison), data)


def _text(comparison: "RunComparison") -> str:
    lines = [f"param    {change.name}: {_value(change.before)} → {_value(change.after)}" for change in comparison.params]
    lines += [f"input    {change.name}: {_digest(change.before)} → {_digest(change.after)}" for change in comparison.inputs]
    lines += [f"version  {change.name}: {_value(change.before)} → {_value(change.after)}" for change in comparison.versions]
    lines += [f"result   {change.name}: {_digest(change.before)} → {_digest(change.after)}" for change in comparison.outputs]
    columns = ("stage", "key", "result", "last loss", "differs in")
    rows = [_row(stage) for stage in comparison.stages]
    lines = [*map(visible_line, lines), *([table(columns, rows, empty="")] if rows else [])]
    same = f"{comparison.same_stages} stages are the same" if comparison.same_stages != 1 else "1 stage is the same"
    return "\n".join([*lines, f"{same}{', and all else' if not lines else ''}."])


def _row(stage: "StageChange") -> Sequence[str]:
    losses = [f"{loss:.4g}" if loss is not None else "none" for loss in stage.losses]
    changed = " → ".join(losses) if stage.losses[0] != stage.losses[1] else losses[0].replace("none", "")
    words = {True: "same", False: "other"}
    return stage.name, words[stage.same_key], words[stage.same_result], changed, "; ".join(stage.reasons)


def _value(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)


def _digest(value: str | None) -> str:
    return short_digest(value) if value else "none"
