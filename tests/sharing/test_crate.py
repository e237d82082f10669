"""RO-Crates: what the metadata say of a run, and that they are valid by an existing validator, where that is at hand."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from stylepipe.engine.runs.records import InputRecord, OutputRecord, RunRecord
from stylepipe.errors import UsageError
from stylepipe.sharing.archive import write_archive, write_folder
from stylepipe.sharing.bundle import Contents
from stylepipe.sharing.crate import crate_of

from .hostile import RECIPE, png


@pytest.fixture
def contents() -> Contents:
    """A run with one input of each kind, a picture and weights as results; some names must be quoted in addresses."""
    record = RunRecord(
        id="20260101-120000-abcdef",
        recipe="look",
        status="done",
        command=("stylepipe", "run", "look.yaml"),
        started="2026-01-01T12:00:00.000+01:00",
        seconds=90.5,
        seed=0,
        params={},
        environment={"stylepipe": "0.1", "threads": 2},
        inputs={
            "photo": InputRecord(kind="image", reference="a photo.png", sha256="ab" * 32),
            "photos": InputRecord(kind="folder", reference="photos", sha256="cd" * 32),
            "net": InputRecord(kind="weights", reference="vgg19-slim", sha256="ef" * 32),
        },
        outputs={
            "sharp": OutputRecord(stage="sharp", digest="01" * 32, file="sharp.png"),
            "trained": OutputRecord(stage="trained", digest="23" * 32, file="größe.safetensors"),
        },
    )
    members = {
        "recipe.yaml": RECIPE.encode(),
        "resolved.yaml": RECIPE.encode(),
        "record.json": record.model_dump_json().encode(),
        "inputs/photo.png": png(),
        "inputs/photos/a b.png": png(),
        "inputs/photos/c.png": png(),
    }
    return Contents(record, {"photo": "inputs/photo.png", "photos": "inputs/photos"}, members)


@pytest.fixture
def crate(contents, tmp_path) -> dict[str, Path | bytes]:
    (tmp_path / "run").mkdir()
    for output in contents.record.outputs.values():
        (tmp_path / "run" / output.file).write_bytes(png())
    return crate_of(contents, tmp_path / "run")


def graph(crate) -> dict[str, dict]:
    document = json.loads(crate["ro-crate-metadata.json"])
    assert document["@context"] == "https://w3id.org/ro/crate/1.1/context"
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    return entities


def test_every_reference_leads_to_an_entity(crate):
    entities = graph(crate)
    outside = ("https://w3id.org/ro/crate/1.1", "https://bioschemas.org/")

    def references(value):
        match value:
            case {"@id": identifier} if len(value) == 1:
                yield identifier
            case dict():
                for inner in value.values():
                    yield from references(inner)
            case list():
                for inner in value:
                    yield from references(inner)

    found = {identifier for entity in entities.values() for identifier in references(list(entity.values()))}
    assert {identifier for identifier in found - entities.keys() if not identifier.startswith(outside)} == set()


def test_the_run_is_an_action_of_the_recipe(crate):
    entities = graph(crate)
    assert entities["#20260101-120000-abcdef"] == {
        "@id": "#20260101-120000-abcdef",
        "@type": "CreateAction",
        "name": "Run 20260101-120000-abcdef",
        "description": "stylepipe run look.yaml",
        "instrument": {"@id": "resolved.yaml"},
        "object": [{"@id": "inputs/photo.png"}, {"@id": "#folder-photos"}, {"@id": "#weights-net"}],
        "result": [{"@id": "sharp.png"}, {"@id": "gr%C3%B6%C3%9Fe.safetensors"}],
        "startTime": "2026-01-01T12:00:00.000+01:00",
        "endTime": "2026-01-01T12:01:30.500+01:00",
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    assert entities["./"]["mainEntity"] == {"@id": "resolved.yaml"}
    assert entities["./"]["datePublished"] == "2026-01-01"
    assert entities["resolved.yaml"]["input"] == [{"@id": f"#input-{name}"} for name in ("photo", "photos", "net")]
    assert entities["#folder-photos"]["hasPart"] == [{"@id": "inputs/photos/a%20b.png"}, {"@id": "inputs/photos/c.png"}]
    assert entities["#weights-net"]["value"] == f"vgg19-slim, SHA-256 {'ef' * 32}"


def test_a_run_that_failed(contents, tmp_path):
    record = contents.record.model_copy(update={"status": "failed", "outputs": {}})
    entities = graph(crate_of(Contents(record, contents.references, contents.members), tmp_path))
    assert entities["#20260101-120000-abcdef"]["actionStatus"] == "http://schema.org/FailedActionStatus"


def test_results_must_be_there(contents, tmp_path):
    with pytest.raises(UsageError, match=r"The result 'sharp\.png' is no longer in the run's folder"):
        crate_of(contents, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["crate", "crate.zip"])
def test_the_crate_is_valid(crate, tmp_path, target):
    python = os.environ.get("STYLEPIPE_CRATE_VALIDATOR")
    if python is None:
        pytest.skip("STYLEPIPE_CRATE_VALIDATOR names no Python with roc-validator; validate_crate.py says how to make one")
    (write_archive if target.endswith(".zip") else write_folder)(tmp_path / target, crate)
    script = Path(__file__).with_name("validate_crate.py")
    environment = {**os.environ, "HOME": str(tmp_path)}  # where it keeps what it fetched
    done = subprocess.run(
        [python, script, tmp_path / target, "REQUIRED"], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
