"""The command diff."""

import re
from pathlib import Path

from PIL import Image as Pillow


def run(cli, *options: object) -> str:
    """The id of a run of the toy recipe."""
    return cli("run", "recipe.yaml", "-q", "--json", *options).data["record"]["id"]


def test_diff_says_what_sets_two_runs_apart(cli, home):
    one, other = run(cli, "-p", "steps=2"), run(cli, "-p", "steps=4")
    said = cli("diff", one, other, "-o", "both.png")
    assert said.code == 0
    assert said.err == "picture both.png\n"
    lines = [re.split(r"  +", line) for line in said.out.splitlines()]
    assert lines[0] == ["param", "steps: 2 → 4"]
    assert re.fullmatch(r"bright_again: [0-9a-f]{12} → [0-9a-f]{12}", lines[1][1])
    assert lines[2:] == [
        ["stage", "key", "result", "last loss", "differs in"],
        ["dark", "other", "other", "0.5 → 0.25", "steps: 2 → 4"],
        ["bright_again", "other", "other"],
        ["1 stage is the same."],
    ]
    with Pillow.open("both.png") as picture:
        assert picture.width > 2 * 8
    assert cli("diff", one, other, "-o", "both.png").err.startswith("error: 'both.png' exists already.")
    data = cli("diff", one, other, "--json").data
    assert [stage["name"] for stage in data["stages"]] == ["dark", "bright_again"]
    assert [Path(folder).name for folder in data["runs"]] == [one, other]


def test_runs_of_the_same_differ_in_nothing(cli, home):
    said = cli("diff", run(cli), run(cli))
    assert said.out == "3 stages are the same, and all else.\n"


def test_what_cannot_be_compared_is_refused(cli, home):
    one = run(cli, "--until", "dark")
    assert cli("diff", one, "gone").code == 2
    assert "The runs have no picture of the same name." in cli("diff", one, one, "-o", "both.png").err
    assert "does not end in .png" in cli("diff", one, one, "-o", "both.tiff").err
