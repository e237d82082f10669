"""The commands init, validate, schema, stages and losses."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from stylepipe.image.files.io import read_image, write_image
from stylepipe.neural.losses.loss_kinds import loss_kinds
from stylepipe.recipe.language_reference import reference


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("recipe.yaml", "recipe"),
        ("My Look.yaml", "my-look"),
        ("2024_summer.yml", "summer"),
        ("éclair.yaml", "clair"),
        ("№ 5.yaml", "first-look"),
        ("a" * 80 + ".yaml", "a" * 64),
    ],
)
def test_init_writes_a_recipe_that_is_valid_and_named_like_its_file(cli, home, file, name):
    (home / "recipe.yaml").unlink()
    said = cli("init") if file == "recipe.yaml" else cli("init", file)
    assert (said.code, said.out) == (0, "")
    assert said.err == f"Wrote {file}. Put content.jpg and style.jpg beside it, then: stylepipe run {file}\n"
    checked = cli("validate", file, "--json")
    assert (checked.data["recipe"], checked.data["warnings"]) == (name, [])


def test_the_starter_recipe_needs_only_the_pictures(cli, home):
    cli("init", "look.yaml")
    said = cli("plan", "look.yaml")
    assert said.err.startswith("error: look.yaml:15:20: input 'content' names 'content.jpg': there is no such file.\n")
    for name in ("content.jpg", "style.jpg"):
        write_image(read_image(home / "photo.png"), home / name)
    said = cli("plan", "look.yaml")
    assert (said.code, said.err) == (0, "")


def test_validate(cli, home):
    said = cli("validate", "recipe.yaml")
    assert (said.code, said.out) == (0, "recipe.yaml: 4 stages, no problems.\n")
    assert said.err == "warning: recipe.yaml:9:3: no output needs unneeded; it does not run.\n"
    assert cli("validate", "recipe.yaml", "--json").data == {
        "recipe": "toy",
        "stages": ["bright", "dark", "bright_again", "unneeded"],
        "outputs": {"bright_again": "bright_again"},
        "variants": [],
        "warnings": ["recipe.yaml:9:3: no output needs unneeded; it does not run."],
    }
    one = "stylepipe: 1\nname: one\ninputs: {photo: {image: no.png}}\nstages: {a: {use: brighten, image: $photo}}\noutput: $a\n"
    (home / "one.yaml").write_text(one)
    assert cli("validate", "one.yaml").out == "one.yaml: 1 stage, no problems.\n"


def test_validate_checks_what_is_given_with_p(cli):
    assert cli("validate", "recipe.yaml", "-p", "amount=1").code == 0
    assert cli("validate", "recipe.yaml", "-p", "amount=2").code == 2


BAD = """\
stylepipe: 1
name: toy
inputs: {photo: {image: photo.png}}
stages:
  bright: {use: brihten, image: $photo}
  dark: {use: walk, image: $foto}
output: $dark
"""


def test_validate_reports_all_problems_one_a_line(cli, home):
    (home / "recipe.yaml").write_text(BAD)
    said = cli("validate", "recipe.yaml")
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        "error: recipe.yaml:5:17: There is no stage 'brihten'. Did you mean 'brighten'?",
        "error: recipe.yaml:6:28: stages.dark.image: there is no input or stage $foto. Did you mean 'photo'?",
    ]


def test_validate_gives_programs_the_problems_with_their_places(cli, home):
    (home / "recipe.yaml").write_text(BAD)
    said = cli("validate", "recipe.yaml", "--json")
    assert said.code == 2
    assert said.data["error"]["exit_code"] == 2
    assert said.data["error"]["problems"][0] == {
        "message": "There is no stage 'brihten'.",
        "place": {"file": "recipe.yaml", "line": 5, "column": 17},
        "hint": "Did you mean 'brighten'?",
    }
    assert said.err.count("error: ") == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "recipe.yaml: The file holds no recipe. 'stylepipe init' writes one to start from."),
        (b"\xff\xfe\x00", "recipe.yaml:1:1: The byte 0xff is not UTF-8 text. Save the recipe in the encoding UTF-8."),
        (
            b"\x89PNG\r\n\x1a\n",
            "recipe.yaml: recipe.yaml is a picture, not a recipe. Give it to a recipe, as -p content=PICTURE; "
            "'stylepipe recipes' lists some.",
        ),
        (b"# " + b"x" * 1_000_000, "recipe.yaml: The file is larger than 1 MB, the most a recipe may have."),
        (
            b"stylepipe: 9\n",
            "recipe.yaml:1:12: The recipe is written in version 9 of the language; this stylepipe reads version 1. "
            "Install a newer stylepipe.",
        ),
    ],
    ids=["empty", "not text", "a picture", "too large", "of the future"],
)
def test_files_that_are_no_recipes(cli, home, data, said):
    (home / "recipe.yaml").write_bytes(data)
    answer = cli("validate", "recipe.yaml")
    assert (answer.code, answer.out, answer.err) == (2, "", f"error: {said}\n")


def test_the_schema_accepts_the_recipe_and_knows_the_stages(cli, home):
    schema = cli("schema").data
    recipe = yaml.safe_load((home / "recipe.yaml").read_text())
    jsonschema.Draft202012Validator(schema).validate(recipe)
    recipe["stages"]["bright"]["use"] = "brihten"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(recipe)


def test_stages(cli):
    said = cli("stages")
    rows = [line.split(maxsplit=1) for line in said.out.splitlines()]
    assert rows[0] == ["stage", "does"]
    assert ["brighten", "Adds light."] in rows
    assert {"name": "brighten", "summary": "Adds light.", "module": "toys.brighten"} in cli("stages", "--json").data
    assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])


def test_one_stage(cli):
    said = cli("stages", "brighten")
    assert said.out.startswith("## brighten\n\nAdds light.\n")
    assert "| `amount` | a number from -1 to 1 | `0.1` | What is added to each pixel. |" in said.out
    assert cli("stages", "brighten", "--json").data["properties"]["amount"]["maximum"] == 1


def test_the_reference(cli):
    assert cli("stages", "--reference").out == reference()
    assert cli("stages", "--reference", "--json").data == reference()


def test_losses(cli):
    said = cli("losses")
    listed = dict(block.split("\n", 1) for block in said.out.rstrip().split("\n\n"))
    assert list(listed) == sorted(loss_kinds().models)
    assert listed["gram"].splitlines() == [
        "  Compares Gram matrices: which features occur together, regardless of position.",
        "  parameters: weight, normalize, layers, geometric, shift",
        "  source: Gatys, Ecker and Bethge 2015, arXiv 1508.06576",
    ]
    for told in cli("losses", "--json").data:
        assert told["summary"].endswith(".")
        assert any(character.isdigit() for character in told["source"])


def test_one_loss(cli):
    said = cli("losses", "gram")
    assert said.out.startswith("## gram\n\nCompares Gram matrices")
    assert "| `shift` | a number from -10000 to 10000 | `0.0` |" in said.out
    assert said.out.endswith("\nSource: Gatys, Ecker and Bethge 2015, arXiv 1508.06576.\n")
    assert cli("losses", "gram", "--json").data["properties"]["shift"]["maximum"] == 1e4
    unknown = cli("losses", "grams")
    assert (unknown.code, unknown.err) == (2, "error: There is no loss 'grams'.\nhint: Did you mean 'gram'?\n")


def test_a_broken_stage_and_a_broken_pack_break_nothing_else(cli, install_pack):
    site = install_pack("broken", {"torn": "def torn(:\n", "brighten": ""})
    (site / "nothing-1.0.dist-info").mkdir()
    (site / "nothing-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: nothing\nVersion: 1.0\n")
    (site / "nothing-1.0.dist-info" / "entry_points.txt").write_text("[stylepipe.stages]\nnothing = no_such_package\n")
    Path("own.yaml").write_text(
        "stylepipe: 1\nname: own\ninputs: {photo: {image: photo.png}}\nstages: {a: {use: sharpen, image: $photo}}\noutput: $a\n"
    )
    for command in (("stages",), ("stages", "--json"), ("schema",), ("stages", "--reference")):
        said = cli(*command)
        assert said.code == 0
        assert "sharpen" in said.out
        assert "warning: The stage 'torn' cannot be imported from 'broken.torn': SyntaxError" in said.err
        assert "warning: The stage pack 'nothing' names 'no_such_package', which is not a package." in said.err
        assert "warning: The stage 'brighten' is offered by both 'broken.brighten' and 'toys.brighten'." in said.err
    for command in (("stages", "sharpen"), ("validate", "own.yaml"), ("plan", "own.yaml"), ("run", "own.yaml", "-q")):
        assert (cli(*command).code, cli(*command).err) == (0, "")
    said = cli("validate", "recipe.yaml")
    assert said.code == 2
    assert "recipe.yaml:6:17: The stage 'brighten' is offered by both" in said.err
    assert cli("doctor").err.count("error: ") >= 3


FRAGILE = """
from pydantic import field_validator

from stylepipe.artifacts import Image
from stylepipe.stage import Params, stage


class FragileParams(Params):
    amount: float = 1.0

    @field_validator("amount")
    @classmethod
    def check(cls, amount: float) -> float:
        raise KeyError("amount")


@stage(version=1)
def fragile(image: Image, params: FragileParams) -> Image:
    return image
"""


def test_a_check_of_another_package_that_fails_is_a_problem_of_the_recipe(cli, install_pack):
    install_pack("glass", {"fragile": FRAGILE})
    Path("own.yaml").write_text(
        "stylepipe: 1\nname: own\ninputs: {photo: {image: photo.png}}\n"
        "stages: {a: {use: fragile, image: $photo, amount: 2}}\noutput: $a\n"
    )
    said = cli("validate", "own.yaml")
    assert (said.code, said.err) == (2, "error: own.yaml:4:13: stages.a cannot be checked: KeyError: 'amount'.\n")
