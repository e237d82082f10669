"""The command diff: the differences between two runs."""

import json as jsonlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, user_path
from stylepipe.cli.commands.runs import RunReference
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import Json, Outputs
from stylepipe.errors import UsageError
from stylepipe.escapes import visible_line
from stylepipe.formatting import short_digest

if TYPE_CHECKING:
    from stylepipe.report.comparison import RunComparison, StageChange


def diff(
    one: RunReference,
    other: RunReference,
    picture: Annotated[
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

    from stylepipe.engine.cache.atomic_files import output_errors
    from stylepipe.engine.runs.records import find_run
    from stylepipe.report.comparison import compare_runs

    folders = (find_run(outputs, one), find_run(outputs, other))
    with output_errors(outputs):
        comparison = compare_runs(*folders)
    if picture:
        _draw(*folders, picture)
        Console().say(f"picture {picture}")
    data = {"runs": [str(folder) for folder in folders], **asdict(comparison)}
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


def _draw(one: Path, other: Path, picture: Path) -> None:
    """Writes the pictures that both runs have as results. Raises UsageError when there is none, or none can be written."""
    from stylepipe.engine.runs.records import load_run
    from stylepipe.image.files.preview import NoPreview
    from stylepipe.report.side_by_side import side_by_side

    if picture.suffix.lower() != ".png":
        raise UsageError(f"'{picture}' does not end in .png.", hint=f"Name it {picture.stem}.png.")
    records = load_run(one), load_run(other)
    shared = [
        (name, one / output.file, other / records[1].outputs[name].file)
        for name, output in records[0].outputs.items()
        if name in records[1].outputs and output.file.endswith(".png")
    ]
    if not shared:
        raise UsageError("The runs have no picture of the same name.", hint="Leave out -o.")
    titles = [(f"{name} of {records[0].id}", f"{name} of {records[1].id}") for name, _, _ in shared]
    try:
        drawing = side_by_side([(first, second) for _, first, second in shared], titles)
        with picture.open("xb") as file:
            drawing.save(file, "PNG")
    except NoPreview as error:
        raise UsageError(f"A result cannot be drawn: {error}.", hint="Leave out -o.") from error
    except FileExistsError as error:
        raise UsageError(f"'{picture}' exists already.", hint="Name another file, or move it away.") from error
    except OSError as error:
        raise UsageError(f"'{picture}' cannot be written: {error.strerror or error}.", hint="Check the folder.") from error


def _value(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)


def _digest(value: str | None) -> str:
    return short_digest(value) if value else "none"
