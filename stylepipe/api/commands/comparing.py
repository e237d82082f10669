"""Compares two runs: the function behind `stylepipe diff` and `stylepipe.diff`."""

from pathlib import Path

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, user_path
from stylepipe.engine.cache.atomic_files import output_errors
from stylepipe.engine.runs.records import find_run, load_run
from stylepipe.errors import UsageError
from stylepipe.image.files.preview import NoPreview
from stylepipe.report.comparison import RunComparison, compare_runs
from stylepipe.report.side_by_side import side_by_side


def diff(
    one: str | Path, other: str | Path, /, *, output: str | Path | None = None, outputs: str | Path = DEFAULT_OUTPUTS
) -> RunComparison:
    """Returns the differences between two runs: in parameters, inputs, versions, stages, losses and results.

    Runs are named by folder, id or the end of the id, or by a recipe's name for its newest run. `output` is a PNG file to draw
    the results of both runs into, side by side. Raises UsageError where there is no such run, and where nothing can be drawn.
    """
    folder = user_path(outputs)
    runs = find_run(folder, str(one)), find_run(folder, str(other))
    with output_errors(folder):
        comparison = compare_runs(*runs)
    if output:
        _draw(*runs, user_path(output))
    return comparison


def _draw(one: Path, other: Path, picture: Path) -> None:
    """Writes the pictures that both runs have as results. Raises UsageError when there is none, or none can be written."""
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
