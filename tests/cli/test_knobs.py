"""What a result keeps of its recipe: the recipe's own params, for runs, pictures and bundles alike."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Image
from stylepipe.engine.runs.records import load_run
from stylepipe.image.files.io import write_image

LISTS = """\
stylepipe: 1
name: many
params: {photos: [photo.png]}
inputs: {photos: {images: $params.photos}}
stages: {whole: {use: mean, images: $photos}}
output: $whole
"""


@pytest.fixture(params=["folder", "id", "end of the id", "picture", "bundle"])
def result(request, cli, home) -> str:
    """A run of the toy recipe with a param of its own, as one names it."""
    picture = Path(cli("run", "recipe.yaml", "-q", "-p", "steps=7").out.strip())
    match request.param:
        case "folder":
            return str(picture.parent)
        case "id":
            return picture.parent.name
        case "end of the id":
            return picture.parent.name[-6:]
        case "bundle":
            assert cli("export", "toy", "-o", "toy.stylepipe").code == 0
            return "toy.stylepipe"
    return str(picture)


def test_it_runs_again_from_the_cache(cli, result):
    record = cli("run", result, "--json").data["record"]
    assert all(stage["cached"] for stage in record["stages"].values())
    assert record["params"] == {"photo": record["params"]["photo"], "amount": 0.25, "steps": 7}


def test_its_params_can_be_changed(cli, result):
    record = cli("run", result, "--json", "-p", "amount=0.5").data["record"]
    assert (record["params"]["amount"], record["params"]["steps"]) == (0.5, 7)
    assert record["stages"]["bright"]["params"]["amount"] == 0.5
    assert record["stages"]["dark"]["params"]["steps"] == 7


def test_what_it_made_keeps_them_too(cli, result):
    changed = cli("run", result, "-q", "-p", "amount=0.5").out.strip()
    record = cli("run", changed, "--json", "-p", "steps=9").data["record"]
    assert (record["params"]["amount"], record["params"]["steps"]) == (0.5, 9)


def test_its_params_can_be_swept(cli, result):
    data = cli("sweep", result, "--json", "-p", "amount=[0.25, 0.5]").data
    assert [(variant["name"], variant["status"]) for variant in data["results"]["variants"]] == [
        ("amount=0.25", "done"),
        ("amount=0.5", "done"),
    ]
    record = load_run(Path(data["folder"]))
    assert (record.params["amount"], record.params["steps"]) == ([0.25, 0.5], 7)
    assert record.stages["bright@0.25"].cached
    assert not record.stages["bright@0.5"].cached


def test_its_pictures_can_be_swept(cli, result, home):
    shutil.copy("photo.png", "first.png")
    write_image(Image(np.zeros((6, 8, 3), np.float32)), home / "second.png")
    (home / "photo.png").unlink()
    said = cli("sweep", result, "--dry-run", "-p", "photo=[first.png, second.png]")
    assert said.code == 0, said.err
    assert "\n2 variants of 6 stages, 6 distinct: 3 cached, 3 to run, in about " in said.out


def test_a_sweep_of_what_was_passed_on_has_the_bounds_of_a_run(cli, home, monkeypatch):
    result = cli("run", "recipe.yaml", "-q").out.strip()
    monkeypatch.setattr("stylepipe.sharing.limits.MAX_STAGES", 2)
    for arguments in (["sweep", result, "-p", "amount=[0.25, 0.5]"], ["run", result]):
        said = cli(*arguments, "-q")
        assert (said.code, "limited to 2." in said.err) == (2, True), said.err
        assert cli(*arguments, "-q", "--no-limits").code == 0
    assert cli("sweep", Path(result).parent.name, "-q", "-p", "amount=[0.25, 0.5]").code == 0  # a run is the user's own


def test_its_plan_says_what_would_change(cli, result):
    (bright, *_) = cli("plan", result, "--json", "-p", "amount=0.5").data
    assert (bright["name"], bright["state"], bright["reasons"]) == ("bright", "run", ["amount: 0.25 → 0.5"])


def test_a_param_that_it_does_not_have(cli, result):
    said = cli("run", result, "-p", "amoumt=0.5")
    assert said.code == 2
    assert "The recipe has no param 'amoumt'." in said.err
    assert "Did you mean 'amount'?" in said.err


def test_a_param_of_an_input_is_the_recipes_own(cli, home):
    (home / "recipe.yaml").write_text(
        (home / "recipe.yaml")
        .read_text()
        .replace("params.photo", "params.picture")
        .replace("params: {photo:", "params: {picture:")
    )
    made = cli("run", "recipe.yaml", "-q").out.strip()
    shutil.copy("photo.png", "other.png")
    (home / "photo.png").unlink()
    assert cli("run", made, "-q", "-p", "picture=other.png").code == 0
    assert cli("verify", "toy", "-q", "-p", "picture=other.png").out.startswith("exact: bright_again")


def test_verify_takes_no_other_values(cli, home):
    cli("run", "recipe.yaml", "-q")
    said = cli("verify", "toy", "-q", "-p", "amount=0.5")
    assert (said.code, said.err) == (
        2,
        "error: -p 'amount' is not a param that holds the path of an input.\nhint: Those are photo.\n",
    )


def test_neither_a_file_nor_a_recipe_nor_a_run(cli, home):
    said = cli("run", "gaty")
    assert said.code == 2
    assert "There is no file 'gaty', no recipe of that name comes with stylepipe, and it is not a run in 'outputs'." in said.err
    assert "Did you mean 'gatys'?" in said.err


def test_a_sweep_has_many_recipes(cli, home):
    cli("sweep", "recipe.yaml", "-q", "-p", "amount=[0.1, 0.2]")
    (folder,) = (home / "outputs" / "toy").iterdir()
    said = cli("run", folder)
    assert (said.code, said.err.splitlines()[0]) == (2, "error: This is a sweep.")
    (picture, *_) = sorted(folder.glob("amount=*.png"))
    record = cli("run", picture, "--json", "-p", "steps=3").data["record"]
    assert (record["params"]["amount"], record["params"]["steps"]) == (0.1, 3)


def test_lists_of_pictures_are_kept_too(cli, home):
    (home / "many.yaml").write_text(LISTS)
    (home / "pictures").mkdir()
    for number in range(3):
        pixels = np.full((4, 4, 3), number / 4, np.float32)
        write_image(Image(pixels), home / "pictures" / f"{number}.png")
    made = cli("run", "many.yaml", "-q", "-p", "photos=[pictures/2.png, pictures/0.png]").out.strip()
    again = cli("run", made, "--json", "-p", "photos=pictures/")
    assert again.code == 0
    assert len(again.data["record"]["inputs"]) == 3
    assert cli("export", "many", "-o", "many.stylepipe", "-p", "photos=pictures").code == 0
    shutil.rmtree(home / "pictures")
    same = cli("run", "many.stylepipe", "--json").data["record"]
    assert all(stage["cached"] for stage in same["stages"].values())
