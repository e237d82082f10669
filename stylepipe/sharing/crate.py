"""A run as a Workflow Run RO-Crate for research archives: the bundle, the results, and their relations.

RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) in the profile Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5): the
recipe is the workflow, and the run an action from the inputs to the results. The record has no author and no license, so the
crate names none.
"""

import hashlib
import json
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stylepipe.engine.runs.records import RECORD, RunRecord
from stylepipe.sharing.bundle import RECIPE, RESOLVED, Contents, file_of

METADATA = "ro-crate-metadata.json"
LANGUAGE = "#stylepipe-recipes"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
WORKFLOW_PROFILE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
PARAMETER_PROFILE = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
NO_LICENSE = "The run's record names no license: ask who made it."

Entity = dict[str, Any]
Members = Mapping[str, Path | bytes]


def crate_of(contents: Contents, folder: Path) -> dict[str, Path | bytes]:
    """Returns the files of the crate of a run by name. Raises UsageError as `file_of` does for a missing result."""
    results = {output.file: file_of(folder, output.file, label="The result") for output in contents.record.outputs.values()}
    members = {**contents.members, **results}
    graph = list(_graph(contents, members))
    document = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return {**members, METADATA: (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()}


def _graph(contents: Contents, members: Members) -> Iterator[Entity]:
    record = contents.record
    inputs, results = _inputs(contents, members), _results(record, members)
    files = [
        _file(RECIPE, members, name="The recipe, as its author wrote it"),
        _file(RECORD, members, name="The record of the run"),
    ]
    held = [member for member in members if any(member.startswith(f"{folder}/") for folder in contents.references.values())]
    files += [_file(member, members, name=Path(member).name) for member in held]
    described = [*inputs.values(), *results.values()]
    parts = [each for each in (*described, *files) if each["@type"] == "File"]
    yield {
        "@id": METADATA,
        "@type": "CreativeWork",
        "conformsTo": [_to("https://w3id.org/ro/crate/1.1"), _to("https://w3id.org/workflowhub/workflow-ro-crate/1.0")],
        "about": _to("./"),
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": f"A run of the recipe {record.recipe}",
        "description": f"The run {record.id} of the recipe {record.recipe}: the recipe, inputs, results and record.",
        "datePublished": _ended(record).date().isoformat(),
        "license": NO_LICENSE,
        "conformsTo": [_to(profile) for profile in PROFILES],
        "hasPart": [_to(RESOLVED), *(_to(each["@id"]) for each in parts)],
        "mainEntity": _to(RESOLVED),
        "mentions": _all([f"#{record.id}", *(each["@id"] for each in described if each["@type"] == "Collection")]),
    }
    for profile, (name, version) in PROFILES.items():
        yield {"@id": profile, "@type": "CreativeWork", "name": name, "version": version}
    yield {"@id": LANGUAGE, "@type": "ComputerLanguage", "name": "stylepipe recipe", "version": "1"}
    yield _workflow(record, members, [*inputs], [*results])
    for role, entities in (("input", inputs), ("output", results)):
        for name, entity in entities.items():
            yield _parameter(name, role, entity)
    yield from (*described, *files)
    yield _action(record, [*inputs.values()], [*results.values()])


def _workflow(record: RunRecord, members: Members, inputs: list[str], outputs: list[str]) -> Entity:
    text = members[RESOLVED]
    return {
        **_file(RESOLVED, members, name=record.recipe),
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "conformsTo": _to(WORKFLOW_PROFILE),
        "version": hashlib.sha256(text if isinstance(text, bytes) else text.read_bytes()).hexdigest()[:12],
        "programmingLanguage": _to(LANGUAGE),
        "runtimePlatform": ", ".join(f"{name} {value}" for name, value in record.environment.items()),
        "input": _all(_parameter_id(name, "input") for name in inputs),
        "output": _all(_parameter_id(name, "output") for name in outputs),
    }


def _inputs(contents: Contents, members: Members) -> dict[str, Entity]:
    """Returns an entity for each input: a file, a collection of files, or the name and digest of weights."""
    entities: dict[str, Entity] = {}
    for name, input_record in contents.record.inputs.items():
        example = {"exampleOfWork": _to(_parameter_id(name, "input"))}
        if input_record.kind == "weights":
            value = f"{input_record.reference}, SHA-256 {input_record.sha256}"
            entities[name] = {"@id": f"#weights-{name}", "@type": "PropertyValue", "name": name, "value": value, **example}
        elif input_record.kind == "folder":
            members_inside = [quote(member) for member in members if member.startswith(f"{contents.references[name]}/")]
            parts = {"mainEntity": _to(members_inside[0]), "hasPart": _all(members_inside)}
            entities[name] = {
                "@id": f"#folder-{name}",
                "@type": "Collection",
                "name": input_record.reference,
                **parts,
                **example,
            }
        else:
            entities[name] = {**_file(contents.references[name], members, name=input_record.reference), **example}
    return entities


def _results(record: RunRecord, members: Members) -> dict[str, Entity]:
    return {
        name: {**_file(output.file, members, name=name), "exampleOfWork": _to(_parameter_id(name, "output"))}
        for name, output in record.outputs.items()
    }


def _file(member: str, members: Members, *, name: str) -> Entity:
    source = members[member]
    return {
        "@id": quote(member),
        "@type": "File",
        "name": name,
        "encodingFormat": mimetypes.guess_type(member)[0] or "application/octet-stream",
        "contentSize": str(len(source) if isinstance(source, bytes) else source.stat().st_size),
    }


def _parameter(name: str, role: str, entity: Entity) -> Entity:
    kind = entity["@type"]
    return {
        "@id": _parameter_id(name, role),
        "@type": "FormalParameter",
        "conformsTo": _to(PARAMETER_PROFILE),
        "additionalType": "Text" if kind == "PropertyValue" else kind,
        "name": name,
        "workExample": _to(entity["@id"]),
    }


def _action(record: RunRecord, inputs: list[Entity], results: list[Entity]) -> Entity:
    done = record.status == "done"
    return {
        "@id": f"#{record.id}",
        "@type": "CreateAction",
        "name": f"Run {record.id}",
        "description": " ".join(record.command) or f"A run of the recipe {record.recipe}.",
        "instrument": _to(RESOLVED),
        "object": _all(each["@id"] for each in inputs),
        "result": _all(each["@id"] for each in results),
        "startTime": record.started,
        "endTime": _ended(record).isoformat(timespec="milliseconds"),
        "actionStatus": f"http://schema.org/{'Completed' if done else 'Failed'}ActionStatus",
        **({"error": record.error.message} if record.error else {}),
    }


def _ended(record: RunRecord) -> datetime:
    return datetime.fromisoformat(record.started) + timedelta(seconds=record.seconds)


def _parameter_id(name: str, role: str) -> str:
    return f"#{role}-{name}"


def _to(identifier: str) -> Entity:
    return {"@id": identifier}


def _all(identifiers: Iterable[str]) -> Entity | list[Entity]:
    """Returns a list of references, or the only reference itself."""
    references = [_to(identifier) for identifier in identifiers]
    return references[0] if len(references) == 1 else references
