"""Embeds the provenance into the pictures of a run when it ends."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from stylepipe.engine.events import EngineNote, Event, Observer, RunEnded, RunStarted
from stylepipe.engine.inputs import InputSource
from stylepipe.engine.runs.records import load_run
from stylepipe.engine.runs.run_folder import add_note
from stylepipe.errors import reason_of
from stylepipe.recipe.resolved import InputFile, ResolvedRecipe
from stylepipe.sharing.png_provenance import MAX_BYTES, embed
from stylepipe.sharing.provenance import provenance_of


@dataclass(frozen=True)
class Origin:
    """The origin of a picture: a recipe, and the name of the output there."""

    recipe: ResolvedRecipe
    output: str


def embedding(observe: Observer, origins: Mapping[str, Origin], sources: Collection[InputSource]) -> Observer:
    """Passes events on to `observe`, and embeds the provenance into the pictures when the run ends.

    `origins` has the origin of each output by name, `sources` all inputs of the run.
    """
    folder = Path()

    def pass_on(event: Event) -> None:
        nonlocal folder
        match event:
            case RunStarted(started, _):
                folder = started
            case RunEnded():
                try:
                    _embed(folder, origins, sources, observe)
                except Exception as error:  # the run itself has its result, or another error
                    observe(EngineNote(f"The pictures do not carry their recipe. {reason_of(error)}"))
        observe(event)

    return pass_on


def _embed(folder: Path, origins: Mapping[str, Origin], sources: Collection[InputSource], observe: Observer) -> None:
    record = load_run(folder)
    by_file = {_identity(each.file): each for each in sources}
    for name, output in record.outputs.items():
        if name not in origins or not output.file.endswith(".png"):
            continue
        origin = origins[name]
        inputs = {own: by_file[_identity(file)] for own, file in origin.recipe.inputs.items() if _identity(file) in by_file}
        computed = record.stages[output.stage].environment or record.environment
        provenance = provenance_of(origin.recipe, inputs, environment=computed, outputs={origin.output: output.digest})
        try:
            embed(folder / output.file, provenance)
        except ValueError:
            observe(add_note(folder, f"'{output.file}' does not carry its recipe, which is larger than {MAX_BYTES} bytes."))


def _identity(file: InputFile) -> tuple[str, Path, str, str | None, bool]:
    """Returns the identity of an input, independent of its name in the recipe."""
    return file.kind, file.root, file.reference, file.channel, file.invert
