"""The quality of a sweep's results in its tables: measured without being asked for, once, and fairly."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Image
from stylepipe.engine.runs.records import OutputRecord, RunRecord, StageRecord
from stylepipe.image.files.io import write_image
from stylepipe.report.quality import comparison, seen_layers

RECIPE = """\
stylepipe: 1
name: imitation
params: {share: 1.0, amount: 0.0}
inputs: {photo: {image: photo.png}, painting: {image: painting.png}}
stages:
  mixed:
    use: imitate
    content: $photo
    styles: [$painting]
    share: $params.share
    losses: [{kind: gram, layers: {relu2_1: 1, relu4_1: 1}}, {kind: smooth}]
  brighter: {use: brighten, image: $mixed, amount: $params.amount}
output: $brighter
sweep: {grid: {share: [0, 0.5, 1]}}
"""


@pytest.fixture
def recipe(home: Path) -> Path:
    """Sweeps from a photo to a painting, both of 8-bit pixels, so that a picture's file says all of it."""
    rows, columns = np.mgrid[:64, :64].astype(np.float32)
    for name, (a, b) in {"photo": (3, 17), "painting": (5, 4)}.items():
        waves = [np.sin(columns / a), np.cos(rows / b), np.sin((rows - columns) / a)]
        pixels = np.round(np.stack(waves, axis=-1) * 127 + 128) / 255
        write_image(Image(pixels.astype(np.float32)), home / f"{name}.png")
    (home / "imitation.yaml").write_text(RECIPE)
    return home / "imitation.yaml"


def table(folder: str) -> list[dict[str, str]]:
    with (Path(folder) / "results.csv").open() as file:
        return list(csv.DictReader(file))


MEASURES = ("content fidelity", "global effects", "local patterns")


def test_a_sweep_is_measured_once_at_layers_that_no_loss_has_seen(cli, recipe, monkeypatch):
    said = cli("sweep", recipe.name, "--json", "-q")
    assert (said.code, said.err) == (0, "")
    results = said.data["results"]
    assert results["measures"] == {
        "content fidelity": "relu4_2, relu5_1",
        "global effects": "relu2_2, relu3_1, relu4_2, relu5_1, RGB histograms",
        "local patterns": "relu3_1, relu4_2",
    }
    rows = table(said.data["folder"])
    fidelity, effects, patterns = ([float(row[name]) for row in rows] for name in MEASURES)
    assert fidelity[0] == effects[2] == patterns[2] == 1  # the photo is like itself, and so is the painting
    assert fidelity[0] > fidelity[1] > fidelity[2]
    assert max(effects[:2] + patterns[:2]) < 0.95
    assert [variant["quality"]["brighter"]["global effects"] for variant in results["variants"]] == effects
    page = (Path(said.data["folder"]) / "report.html").read_text()
    assert all(f">{name}</button>" in page for name in MEASURES)

    monkeypatch.setattr("stylepipe.neural.evaluation.measured_pictures.measured_picture", None)  # all is known
    again = cli("sweep", recipe.name, "--json", "-q")
    assert again.data["results"]["variants"] == results["variants"]


def test_what_cannot_be_measured_is_said_and_the_rest_is_there(cli, recipe, home):
    write_image(Image(np.zeros((4, 400, 3), np.float32)), home / "photo.png")
    write_image(Image(np.ones((4, 400, 3), np.float32)), home / "painting.png")
    said = cli("sweep", recipe.name, "--json")
    assert said.code == 0
    note = "The quality of a picture so narrow cannot be measured: brought to a long side of 256 pixels it has 256×3"
    assert said.err.count(f"run: {note}") == 1
    assert {row["local patterns"] for row in table(said.data["folder"])} == {""}
    assert note in (Path(said.data["folder"]) / "report.html").read_text()


def test_losses_that_have_seen_all_layers_leave_no_measure(cli, recipe):
    recipe.write_text(RECIPE.replace("{relu2_1: 1, relu4_1: 1}", "all"))
    said = cli("sweep", recipe.name, "--json")
    assert "run: The quality of the results is not measured: their losses use every layer" in said.err
    assert said.data["results"]["measures"] == {}
    assert list(table(said.data["folder"])[0])[:4] == ["variant", "status", "share", "seconds"]


def test_sweeps_of_something_else_are_not_measured(cli, home):
    said = cli("sweep", "recipe.yaml", "-p", "amount=[0.1, 0.2]", "--json")
    assert "quality" not in said.err
    assert said.data["results"]["measures"] == {}


# --- what is compared with what ------------------------------------------------------------------------------------------


def digest_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def stage(name: str, **inputs: str | tuple[str, ...]) -> StageRecord:
    losses = [{"kind": "gram", "layers": {f"relu{len(name)}_1": 1.0}}, {"kind": "total_variation"}]
    return StageRecord(
        stage="any",
        params={"losses": losses},
        inputs=inputs,
        key="0a",
        cached=False,
        reasons=(),
        computed="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        iterations=None,
        output=digest_of(name),
        file=f"{name}.png",
    )


def record(**stages: StageRecord) -> RunRecord:
    last = list(stages)[-1]
    inputs = {
        name: {"kind": "image", "reference": name, "sha256": digest_of(f"file {name}"), "file": f"{name}.png"}
        for name in "abcd"
    }
    return RunRecord(
        id="r",
        recipe="r",
        status="done",
        started="2026-01-01T00:00:00+00:00",
        seed=0,
        params={},
        environment={},
        inputs=inputs,
        stages=stages,
        outputs={"result": OutputRecord(stage=last, digest=digest_of(last), file="result.png")},
    )


def test_a_result_is_compared_with_the_inputs_of_the_nearest_stage_that_takes_styles():
    run = record(
        a1=stage("a1", content="a", styles=("b",)),
        sized=stage("sized", image="c"),
        styled=stage("styled", content="sized", styles=("c", "d"), init="a1"),
        mixed=stage("mixed", first="styled", second="a1"),
    )
    found = comparison(run, "result")
    assert found is not None
    assert (found.result.file, found.result.digest) == ("result.png", digest_of("mixed"))
    assert found.content is not None
    assert (found.content.file, found.content.digest) == ("sized.png", digest_of("sized"))
    assert [style.digest for style in found.styles] == [digest_of("file c"), digest_of("file d")]
    assert seen_layers(run) == ["relu2_1", "relu6_1"]  # of the two stages that take styles


@pytest.mark.parametrize("losses", [None, "some", {"layers": {"relu1_1": 1}}, [None, 3, {"layers": 4}, "all"]])
def test_params_that_others_call_losses_are_left_alone(losses):
    made = stage("made", styles=("b",))
    run = record(made=made.model_copy(update={"params": {"losses": losses}}))
    assert seen_layers(run) == []


def test_textures_have_no_content_and_other_results_are_not_compared():
    found = comparison(record(made=stage("made", styles=("b",))), "result")
    assert found is not None
    assert found.content is None
    assert comparison(record(bright=stage("bright", image="a")), "result") is None
    weights = record(made=stage("made", styles=("b",)))
    outputs = {"result": OutputRecord(stage="made", digest="d", file="result.safetensors")}
    assert comparison(weights.model_copy(update={"outputs": outputs}), "result") is None
