"""The command sweep, with every option."""

import csv
import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

SWEEP = """\
sweep:
  grid: {amount: [0.25, 0.5], steps: [2, 3]}
  name: "b${params.amount}-${params.steps}"
"""


@pytest.fixture
def recipe(home: Path) -> Path:
    text = (home / "recipe.yaml").read_text()
    (home / "recipe.yaml").write_text("\n".join(line for line in text.splitlines() if "unneeded" not in line) + "\n" + SWEEP)
    return home / "recipe.yaml"


def folder_of(said) -> Path:
    return Path(said.out.strip()).parent


def test_sweep_prints_the_contact_sheet_and_leaves_a_picture_for_each_variant(cli, recipe):
    said = cli("sweep", recipe.name)
    assert said.code == 0
    assert re.fullmatch(r"outputs/toy/[\w-]+/00-contact-sheet\.png\n", said.out)
    lines = said.err.splitlines()
    assert lines[0] == "run: 4 variants of 12 stages, 10 distinct"
    assert "[1/10] bright@0.25: it has not run before" in lines
    names = {path.name for path in folder_of(said).iterdir()}
    assert {f"b{amount}-{steps}.png" for amount in (0.25, 0.5) for steps in (2, 3)} <= names
    assert {
        "00-contact-sheet.png",
        "report.html",
        "results.csv",
        "results.json",
        "record.json",
        "recipe.yaml",
        "resolved.yaml",
    } <= names
    html = (folder_of(said) / "report.html").read_text()
    assert "stylepipe sweep recipe.yaml" in html
    assert 'alt="b0.5-3"' in html
    rows = list(csv.DictReader((folder_of(said) / "results.csv").open()))
    assert [(row["variant"], row["loss dark"]) for row in rows][:2] == [("b0.25-2", "0.5"), ("b0.25-3", str(1 / 3))]


def test_the_resolved_recipe_of_a_sweep_is_cached_as_a_whole(cli, recipe):
    first = cli("sweep", recipe.name, "-q")
    resolved = Path("again.yaml")
    resolved.write_bytes((folder_of(first) / "resolved.yaml").read_bytes())
    said = cli("sweep", resolved, "-q")
    assert said.err == ""
    assert (folder_of(said) / "results.csv").read_bytes() == (folder_of(first) / "results.csv").read_bytes()
    record = json.loads((folder_of(said) / "record.json").read_text())
    assert all(stage["cached"] for stage in record["stages"].values())


def test_lists_on_the_command_line_are_swept(cli, recipe):
    said = cli("sweep", recipe.name, "-p", "amount=[0.1, 0.2, 0.3]", "-p", "steps=2", "--json", "-q")
    assert [variant["name"] for variant in said.data["results"]["variants"]] == ["b0.1-2", "b0.2-2", "b0.3-2"]
    assert said.data["results"] == json.loads((Path(said.data["folder"]) / "results.json").read_text())
    assert cli("show", "toy", "--json").data["params"]["amount"] == [0.1, 0.2, 0.3]


def test_a_dry_run_shows_the_variants_and_what_of_them_would_run(cli, recipe):
    record = cli("run", recipe.name, "-p", "steps=2", "--json").data["record"]
    seconds = {name: stage["seconds"] for name, stage in record["stages"].items()}
    said = cli("sweep", recipe.name, "--dry-run")
    assert [re.split(r"  +", line) for line in said.out.splitlines()] == [
        ["variant", "stages", "cached", "to run, beside those above"],
        ["b0.25-2", "3", "3"],
        ["b0.25-3", "3", "1", "dark@0.25_3, bright_again@0.25_3"],
        ["b0.5-2", "3", "0", "bright@0.5, dark@0.5_2, bright_again@0.5_2"],
        ["b0.5-3", "3", "0", "dark@0.5_3, bright_again@0.5_3"],
        [
            "4 variants of 12 stages, 10 distinct: 3 cached, 7 to run,"
            f" in about {seconds['bright'] + 3 * seconds['dark'] + 3 * seconds['bright_again']:.1f} s."
        ],
    ]
    data = cli("sweep", recipe.name, "--dry-run", "--json").data
    assert data["variants"][1]["stages"] == {
        "bright": "bright@0.25",
        "dark": "dark@0.25_3",
        "bright_again": "bright_again@0.25_3",
    }
    assert [stage["state"] for stage in data["stages"]].count("cached") == 3
    assert data["predicted"]["unknown_stages"] == 0
    assert cli("plan", recipe.name).out == said.out
    assert cli("plan", recipe.name, "--until", "dark").out.startswith("name")
    assert cli("run", recipe.name, "--dry-run").out.startswith("name")
    assert len(list(Path("outputs/toy").iterdir())) == 1


def test_one_variant_of_one_stage(cli, home):
    said = cli("sweep", "recipe.yaml", "--dry-run", "-p", "amount=[0.1]", "-p", "steps=[2]")
    assert said.out.splitlines()[-1].startswith("1 variant of 3 stages, 3 distinct: ")


def test_a_plan_says_what_it_does_not_know(cli, recipe):
    last = "4 variants of 12 stages, 10 distinct: 0 cached, 10 to run, of unknown duration.\n"
    assert cli("plan", recipe.name).out.endswith(last)
    cli("run", recipe.name, "-q", "--until", "bright")
    assert cli("plan", recipe.name).out.endswith(" s and 8 of unknown duration.\n")
    cli("sweep", recipe.name, "-q")
    assert cli("plan", recipe.name).out.endswith("10 cached, 0 to run.\n")


FAILING = """\
stylepipe: 1
name: toy
params: {reason: No light., amount: 0.1}
inputs: {photo: {image: photo.png}}
stages:
  bright: {use: brighten, image: $photo, amount: $params.amount}
  gone: {use: give_up, image: $bright, reason: $params.reason}
outputs: {bright: $bright, gone: $gone}
sweep: {grid: {reason: [Too dark., ""], amount: [0.1, 0.2]}}
"""


@pytest.mark.parametrize(("option", "attempts"), [((), 4), (("--keep-going",), 4), (("--fail-fast",), 1)])
def test_a_failure_is_told_for_each_variant_and_the_exit_code_is_3(cli, home, option, attempts):
    (home / "fails.yaml").write_text(FAILING)
    said = cli("sweep", "fails.yaml", "--json", *option)
    assert said.code == 3
    statuses = [variant["status"] for variant in said.data["results"]["variants"]]
    assert statuses == ["failed"] * attempts + ["not run"] * (4 - attempts)
    assert "failed: reason=Too_dark._amount=0.1: Stage 'gone@Too-dark._0.1': Too dark." in said.err.splitlines()
    assert said.err.count("[2/6] gone@Too-dark._0.1: failed. Stage 'gone@Too-dark._0.1': Too dark.") == (attempts == 4)
    assert said.err.count("hint: Try something else.") == 1
    assert len(said.data["results"]["variants"][0]["outputs"]) == 1
    assert said.data["results"]["sheets"] == ["00-contact-sheet-bright.png"]


def test_a_sweep_of_too_many_variants_is_refused(cli, recipe):
    said = cli("sweep", recipe.name, "--max-variants", "3")
    assert said.code == 2
    assert said.err == (
        "error: recipe.yaml:10:1: The sweep has 4 variants. At most 3 are allowed; --max-variants allows more.\n"
    )
    assert cli("sweep", recipe.name, "--max-variants", "4", "--dry-run").code == 0


def test_stages_are_forced_in_all_variants(cli, recipe):
    cli("sweep", recipe.name, "-q")
    said = cli("sweep", recipe.name, "--force", "bright_again", "--json")
    record = json.loads((Path(said.data["folder"]) / "record.json").read_text())
    assert [name for name, stage in record["stages"].items() if not stage["cached"]] == [
        f"bright_again@{amount}_{steps}" for amount in (0.25, 0.5) for steps in (2, 3)
    ]


def test_nothing_in_a_sweeps_folder_names_this_machine(cli, recipe, tmp_path):
    for name in ("mine", "yours"):
        (tmp_path / f"{name}.png").write_bytes((recipe.parent / "photo.png").read_bytes())
    photos = f"photo=[{tmp_path}/mine.png, {tmp_path}/yours.png]"
    said = cli("sweep", recipe.name, "-p", photos, "-p", "steps=2", "-p", "amount=[0.1, 7e-1]", "-q")
    assert said.code == 2  # the template of its names tells the photos not apart
    recipe.write_text(recipe.read_text().replace('"b$', '"${params.photo}-b$'))
    said = cli("sweep", recipe.name, "-p", photos, "-p", "steps=2", "-p", "amount=[0.1, 7e-1]", "-q")
    files = list(folder_of(said).iterdir())
    assert {"mine.png-b0.7-2.png", "yours.png-b0.1-2.png"} <= {path.name for path in files}
    for path in files:
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    assert (folder_of(said) / "results.csv").read_text().splitlines()[1].startswith("mine.png-b0.1-2,done,mine.png,0.1,0.5,")


def test_validate_checks_the_variants_too(cli, recipe):
    assert cli("validate", recipe.name).out == "recipe.yaml: 3 stages, 4 variants, no problems.\n"
    assert cli("validate", recipe.name, "-p", "amount=0.3", "--json").data["variants"] == ["b0.3-2", "b0.3-3"]
    recipe.write_text(recipe.read_text().replace("[0.25, 0.5]", "[0.25, 5]"))
    said = cli("validate", recipe.name)
    assert said.code == 2
    assert said.err.splitlines() == [
        f"error: recipe.yaml:6:50: Variant 'b5-{steps}': stages.bright.amount is 5 (from $params.amount);"
        " expected a number from -1 to 1."
        for steps in (2, 3)
    ]


# --- in several processes ---------------------------------------------------------------------------------------------


def told(folder: Path) -> dict[str, list[str]]:
    """The events of each stage, without what is a matter of time."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return {
        stage: [event["event"] for event in events if event.get("stage") == stage]
        for stage in {event["stage"] for event in events if event.get("stage")}
    }


@pytest.mark.slow
def test_several_processes_come_to_the_same_as_one(cli, recipe, tmp_path):
    alone = cli("sweep", recipe.name, "--json", "-q")
    several = cli("sweep", recipe.name, "--json", "-q", "--jobs", "2", "--cache", tmp_path / "cache2")
    assert several.code == 0, several.err
    assert several.err == ""
    one, other = (Path(said.data["folder"]) for said in (alone, several))
    rows = [list(csv.DictReader((folder / "results.csv").open())) for folder in (one, other)]
    for row in [*rows[0], *rows[1]]:
        row.pop("seconds")
    assert rows[0] == rows[1]
    assert told(one) == told(other)
    records = [json.loads((folder / "record.json").read_text()) for folder in (one, other)]
    for key in ("key", "output", "cached", "reasons", "iterations", "file"):
        found = [{name: stage[key] for name, stage in record["stages"].items()} for record in records]
        assert found[0] == found[1]
    assert all(event.count("stage started") == 1 for event in told(other).values())


@pytest.mark.slow
def test_what_fails_in_another_process_is_told_as_if_it_had_not(cli, home):
    (home / "fails.yaml").write_text(FAILING)
    alone = cli("sweep", "fails.yaml", "--json", "-q")
    several = cli("sweep", "fails.yaml", "--json", "-q", "--jobs", "2", "--force", "all")
    assert several.code == alone.code == 3
    one, other = (said.data["results"]["variants"] for said in (alone, several))
    assert [variant["error"] for variant in other] == [variant["error"] for variant in one]
    folder = Path(several.data["folder"])
    assert (folder / one[0]["error"]["last_frame"]).is_file()
    assert "ZeroDivisionError: division by zero" in (folder / "traceback.txt").read_text()
    assert all(events.count("stage failed") <= 1 for events in told(folder).values())


def workers() -> list[int]:
    """The processes that this one has started and not yet waited for."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(number) for task in tasks for number in task.read_text().split()]


def kill_workers_at_work() -> None:
    """Kills all workers as soon as one of them has done a step."""
    while not any('"progress"' in path.read_text() for path in Path("outputs").glob("*/*/events.jsonl")):
        time.sleep(0.02)
    for process in workers():
        os.kill(process, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize(("retries", "code"), [(2, 0), (0, 3)])
def test_stages_of_a_process_that_was_killed_are_computed_again_in_another(cli, recipe, retries, code):
    recipe.write_text(recipe.read_text().replace("steps: $params.steps", "steps: $params.steps, seconds: 0.5"))
    killer = threading.Thread(target=kill_workers_at_work, daemon=True)
    killer.start()
    options = ("-p", "amount=0.25", "--jobs", "2", "--retries", str(retries), "--json", "-q")
    said = cli("sweep", recipe.name, *options)
    killer.join()
    assert said.code == code, said.err
    text = (Path(said.data["folder"]) / "events.jsonl").read_text()
    if retries:
        assert "Its worker died. Another worker resumes it." in text
        digests = [variant["outputs"]["bright_again"]["digest"] for variant in said.data["results"]["variants"]]
        again = cli("sweep", recipe.name, "-p", "amount=0.25", "--force", "all", "--json", "-q").data["results"]["variants"]
        assert digests == [variant["outputs"]["bright_again"]["digest"] for variant in again]
    else:
        errors = [variant["error"]["message"] for variant in said.data["results"]["variants"] if variant["error"]]
        assert errors
        assert all("its worker died 1 time." in error for error in errors)
    assert workers() == []
