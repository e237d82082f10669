"""How a result came to be, so that it can be made again: the recipe, what it was given, and what computed it."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from stylepipe.engine.inputs import FoundInput
from stylepipe.engine.privacy import shareable
from stylepipe.engine.records import Count, Digest, Environment, InputRecord, Name
from stylepipe.errors import InputError, UsageError
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.scalars import dump
from stylepipe.recipe.template import escape

FORMAT = 1


class Provenance(BaseModel):
    """What is passed on about results.

    `recipe` is the text of a recipe, in which all is resolved and each input is a param of the same name; `inputs` says what
    they were, `environment` what computed, and `outputs` has the digest of each result's content by name. There is no time in
    it and no folder, so that the same run elsewhere has the same.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Count = FORMAT
    name: Name
    recipe: str
    inputs: Mapping[Name, InputRecord]
    environment: Environment
    outputs: Mapping[Name, Digest]


def provenance_of(
    recipe: ResolvedRecipe,
    found: Mapping[str, FoundInput],
    *,
    environment: Mapping[str, str | int],
    outputs: Mapping[str, str],
) -> Provenance:
    """The provenance of results of a recipe, whose inputs were `found`."""
    inputs = {
        name: InputRecord(kind=each.file.kind, reference=shareable(recipe, each.file.reference), sha256=each.sha256)
        for name, each in found.items()
    }
    text = dump(portable(shareable(recipe, recipe.document), {}))
    return Provenance(name=recipe.name, recipe=text, inputs=inputs, environment=environment, outputs=outputs)


def portable(document: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """A resolved recipe whose inputs are params, so that others can be given for them; `files` are new references by name.

    Raises UsageError when the inputs are not as a resolved recipe has them.
    """
    try:
        blocks = TypeAdapter(dict[str, dict[str, str]]).validate_python(document.get("inputs", {}))
    except ValidationError as error:
        raise UsageError("The resolved recipe's inputs are damaged.", hint="Run the recipe again.") from error
    references = {name: (kind, reference) for name, block in blocks.items() for kind, reference in block.items()}
    params = {name: escape(files[name]) if name in files else reference for name, (_, reference) in references.items()}
    inputs = {name: {kind: f"$params.{name}"} for name, (kind, _) in references.items()}
    return {**document, "params": params, "inputs": inputs}


def parse_provenance(text: str, *, file: str) -> Provenance:
    """The provenance that a `file` says it has. Raises InputError when it is none, or of a newer format."""
    try:
        provenance = Provenance.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            f"What '{file}' says of how it was made cannot be read.", hint="It was damaged, or not written by stylepipe."
        ) from error
    if provenance.format > FORMAT:
        raise InputError(
            f"'{file}' is of the newer format {provenance.format}; this stylepipe reads format {FORMAT}.",
            hint="Install a newer stylepipe.",
        )
    return provenance
