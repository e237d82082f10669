"""Run folders: written, read back, found again."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from stylepipe.engine.runs.records import file_name, find_run, list_runs, load_run
from stylepipe.engine.runs.redaction import Redactor
from stylepipe.engine.runs.run_folder import RunFolder
from stylepipe.errors import StoreError, UsageError


def test_a_record_is_read_back_as_it_was_written(lab):
    result = lab.run(lab.chain())
    assert load_run(result.folder) == result.record


def test_the_record_says_all_that_bears_on_the_result(lab):
    recipe = lab.recipe(
        [lab.image("content", 1), lab.image("style", 2), lab.input("vgg", "weights", "vgg")],
        [
            lab.node("mixed", "mix", {"first": "content", "second": "style"}),
            lab.node("joined", "join", {"images": ("mixed", "style"), "extractor": "vgg"}),
        ],
        seed=5,
        **{"big picture": "joined"},
    )
    shutil.copyfile(*_weights(lab))
    record = lab.run(recipe).record
    assert (record.format, record.recipe, record.status, record.seed) == (1, "trial", "done", 5)
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", record.id)
    assert set(record.environment) == {
        "python", "stylepipe", "jax", "jaxlib", "numpy", "pillow", "platform", "backend", "device", "devices", "threads",
    }  # fmt: skip
    assert {name: (i.kind, i.reference, i.file) for name, i in record.inputs.items()} == {
        "content": ("image", "content.png", "01-content.png"),
        "style": ("image", "style.png", "02-style.png"),
        "vgg": ("weights", "vgg", None),
    }
    assert all(len(i.sha256) == 64 for i in record.inputs.values())
    joined = record.stages["joined"]
    assert (joined.stage, joined.cached, joined.reasons, joined.file) == (
        "join",
        False,
        ("it has not run before",),
        "04-joined.png",
    )
    assert joined.inputs == {"images": ("mixed", "style"), "extractor": "vgg"}
    assert record.stages["mixed"].params == {"amount": 0.0}
    assert joined.environment is None
    output = record.outputs["big picture"]
    assert (output.stage, output.digest, output.file) == ("joined", joined.output, "big_picture.png")


def _weights(lab) -> tuple[Path, Path]:
    trained = lab.run(lab.recipe([lab.image("content", 1)], [lab.node("t", "train", {"image": "content"})]))
    return trained.outputs["result"], lab.folder / "vgg.weights"


def test_another_machine_s_results_say_where_they_were_computed(lab):
    result = lab.run(lab.chain())
    action = lab.store.find(result.record.stages["brighter"].key)
    elsewhere = {**action.environment, "threads": 99}
    with lab.store.session() as session:
        session.commit(action.model_copy(update={"environment": elsewhere}))
    stages = lab.run(lab.chain()).record.stages
    assert stages["brighter"].environment == elsewhere
    assert stages["rounded"].environment is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stylized@384", "stylized@384"),
        ("a b/c:d", "a_b_c_d"),
        ("../up", "_up"),
        (".hidden", "hidden"),
        ("été", "été"),
        ("...", "_"),
    ],
)
def test_names_become_file_names(name, expected):
    assert file_name(name) == expected


def test_runs_are_listed_with_the_newest_first_and_without_what_is_none(lab):
    folders = [lab.run(lab.chain()).folder for _ in range(3)]
    started = ["2026-01-03T10:00:00+02:00", "2026-01-03T09:30:00+01:00", "2026-01-03T09:30:00+02:00"]
    for folder, time in zip(folders, started, strict=True):
        data = json.loads((folder / "record.json").read_text())
        (folder / "record.json").write_text(json.dumps({**data, "started": time, "of the future": 1}))
    (folders[0].parent / "other").mkdir()
    (folders[0].parent / "broken").mkdir()
    (folders[0].parent / "broken" / "record.json").write_text("{")
    (lab.outputs / "README.md").touch()
    assert [folder for folder, _ in list_runs(lab.outputs)] == [folders[1], folders[0], folders[2]]
    assert find_run(lab.outputs, "trial") == folders[1]
    assert list_runs(lab.outputs / "nowhere") == []


def test_a_run_is_found_by_its_path_or_the_end_of_its_id(lab):
    folder = lab.run(lab.chain()).folder
    lab.run(lab.chain())
    assert find_run(lab.outputs, str(folder)) == folder
    assert find_run(lab.outputs, folder.name) == folder
    assert find_run(lab.outputs, folder.name[-6:]) == folder
    with pytest.raises(UsageError, match=r"There is no run 'zzz' in '.*'\. `stylepipe runs` lists them\."):
        find_run(lab.outputs, "zzz")
    with pytest.raises(UsageError, match="There are 2 runs ''"):
        find_run(lab.outputs, "")


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"format": 1}', '{"format": "x"}'])
def test_a_folder_without_a_readable_record_is_none_of_a_run(tmp_path, text):
    if text is not None:
        (tmp_path / "record.json").write_text(text)
    with pytest.raises(StoreError, match=r"is not the folder of a run: its record\.json cannot be read\."):
        load_run(tmp_path)


def test_a_newer_format_is_refused(lab):
    folder = lab.run(lab.chain()).folder
    data = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps({**data, "format": 2}))
    with pytest.raises(StoreError, match=r"is of the newer format 2\. Update stylepipe\."):
        load_run(folder)


def test_a_run_without_a_process_was_killed(lab):
    folder = RunFolder(lab.outputs, lab.job(lab.chain()), Redactor([]))
    assert load_run(folder.path).status == "running"
    folder.close()
    assert load_run(folder.path).status == "killed"
    folder.end("done")
    assert load_run(folder.path).status == "done"


def test_what_the_command_line_names_from_outside_is_known_by_its_name(lab, tmp_path):
    recipe = lab.chain()
    outside = tmp_path / "elsewhere" / "city.png"
    outside.parent.mkdir()
    shutil.move(lab.folder / "content.png", outside)
    content = replace(recipe.inputs["content"], reference=str(outside), confined=False)
    document = {**recipe.document, "inputs": {"content": {"image": str(outside)}}}
    result = lab.run(replace(recipe, inputs={"content": content}, document=document, params={"picture": str(outside)}))
    assert result.record.inputs["content"].reference == "city.png"
    assert result.record.params == {"picture": "city.png"}
    assert "image: city.png" in (result.folder / "resolved.yaml").read_text()
