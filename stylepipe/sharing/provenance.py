"""The provenance of a result: the recipe, its inputs, and the environment that computed it."""

from collections.abc import Collection, Mapping
from itertools import chain, count, takewhile
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stylepipe.engine.inputs import InputSource
from stylepipe.engine.runs.records import BoundedText, Count, Digest, Environment, InputRecord
from stylepipe.engine.runs.redaction import shareable
from stylepipe.errors import InputError, UsageError
from stylepipe.models import StoredModel
from stylepipe.recipe.model import KINDS
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.syntax.scalars import dump
from stylepipe.recipe.templating.references import escape, references_in

FORMAT = 1


class Provenance(StoredModel):
    """The provenance of results.

    `recipe` is the text of a recipe whose params have the values of the run, and in which the path of each input is a param;
    `inputs` are the input records, `environment` is that of the run, and `outputs` has the digest of each result by name. It
    holds no times and no folders, so the same run elsewhere has the same provenance.
    """

    format: Count = FORMAT
    name: BoundedText
    recipe: str
    inputs: Mapping[BoundedText, InputRecord]
    environment: Environment
    outputs: Mapping[BoundedText, Digest]


def provenance_of(
    recipe: ResolvedRecipe,
    sources: Mapping[str, InputSource],
    *,
    environment: Mapping[str, str | int],
    outputs: Mapping[str, str],
) -> Provenance:
    """Returns the provenance of results of a recipe with these inputs."""
    inputs = {
        name: InputRecord(
            kind=each.file.kind,
            reference=shareable(recipe, each.file.reference),
            sha256=each.sha256,
            **each.file.mask_options,
        )
        for name, each in sources.items()
    }
    files = {name: each.reference for name, each in inputs.items()}
    text = dump(portable(shareable(recipe, recipe.document), files))
    return Provenance(name=recipe.name, recipe=text, inputs=inputs, environment=environment, outputs=outputs)


def portable(document: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Returns the recipe with a param for the path of each input, so that others can be set.

    `document` is a recipe as plain data; `files` holds the inputs' paths by name; other inputs stay as they are. An input
    keeps its param, if only inputs depend on that; else it gets one of its own name. Raises
    UsageError when the document is damaged.
    """
    try:
        blocks = TypeAdapter(dict[str, dict[str, Any]]).validate_python(document.get("inputs") or {})
        params = TypeAdapter(dict[str, Any]).validate_python(document.get("params") or {})
    except ValidationError as error:
        raise UsageError("The recipe of the run is damaged.", hint="Run the recipe again.") from error
    references = references_in([document.get("seed"), document.get("stages")])
    elsewhere = {each.inner[0] for each in references if each.name == "params" and each.inner}
    inputs = dict(blocks)
    for name, block in blocks.items():
        kind = next((key for key in block if key in KINDS), None)
        if kind and (paths := [files[each] for each in _names(name, kind, files)]):
            param = _whole_param(block[kind])
            if param is None or param in elsewhere:
                param = _free_name(name, params)
            params[param] = escape(paths if kind == "images" else paths[0])
            inputs[name] = {**block, kind: f"$params.{param}"}
    return {**document, "params": params, "inputs": inputs}


def params_of_inputs(document: Mapping[str, Any], names: Collection[str]) -> dict[str, str]:
    """Returns the params that hold the paths of inputs, by input name, for a portable recipe."""
    paths = [(name, kind, path) for name, block in document["inputs"].items() for kind, path in block.items() if kind in KINDS]
    return {each: param for name, kind, path in paths if (param := _whole_param(path)) for each in _names(name, kind, names)}


def _names(name: str, kind: str, inputs: Collection[str]) -> list[str]:
    """Returns the inputs of an entry of `inputs:`: itself, or each of a list of images, in order."""
    if kind != "images":
        return [name] if name in inputs else []
    return list(takewhile(inputs.__contains__, (f"{name}-{number}" for number in count(1))))


def _whole_param(path: Any) -> str | None:
    """Returns the param that a path refers to, if any."""
    reference = next(references_in(path), None)
    whole = reference and reference.name == "params" and len(reference.inner) == 1 and str(reference) == path
    return reference.inner[0] if reference and whole else None


def _free_name(name: str, taken: Collection[str]) -> str:
    """Returns the name, or the name with the first number that makes it unique among the params."""
    numbered = (f"{name}_{number}" for number in count(2))
    return next(free for free in chain([name], numbered) if free not in taken)


def parse_provenance(text: str, *, file: str) -> Provenance:
    """Parses the provenance of a `file`. Raises InputError when it is invalid or of a newer format."""
    try:
        provenance = Provenance.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            f"The provenance in '{file}' cannot be read.", hint="It was damaged, or not written by stylepipe."
        ) from error
    if provenance.format > FORMAT:
        raise InputError(
            f"'{file}' is of the newer format {provenance.format}; this stylepipe reads format {FORMAT}.",
            hint="Install a newer stylepipe.",
        )
    return provenance
