"""Recipes built in Python: the same as those of files."""

from pathlib import Path

import pytest

import stylepipe
from stylepipe.errors import RecipeError

STAGES = {
    "small": {"use": "resize", "image": "$photo", "long_side": "$params.side"},
    "sharp": {"use": "sharpen", "image": "$small", "amount": "$params.amount"},
}


def built(**changes) -> stylepipe.Recipe:
    keys = {
        "name": "look",
        "params": {"side": 6, "amount": 0.5},
        "inputs": {"photo": {"image": Path("photo.png")}},
        "stages": STAGES,
        "output": "$sharp",
    }
    return stylepipe.Recipe(**{**keys, **changes})


def test_a_built_recipe_runs_as_that_of_a_file_does(home):
    result = stylepipe.run(built(), amount=1.0)
    assert result.record.outputs == stylepipe.run("look.yaml", amount=1.0).record.outputs
    assert result.record.command == ("stylepipe", "run", "look.yaml", "-p", "amount=1.0")
    assert [stage.state for stage in stylepipe.plan(built(), amount=1.0).stages] == ["cached", "cached"]
    assert len(stylepipe.sweep(built(), amount=[0.1, 1.0]).results.variants) == 2


def test_its_text_is_a_recipe(home):
    Path("built.yaml").write_text(built().to_yaml())
    loaded = stylepipe.Recipe.load("built.yaml")
    assert (loaded.name, loaded.params) == ("look", {"side": 6, "amount": 0.5})
    assert loaded.check().document == built().check().document


def test_all_mistakes_are_found_at_once(home):
    with pytest.raises(RecipeError) as caught:
        built(stages={"small": {"use": "resise"}, "sharp": {"use": "sharpen", "amount": -1}})
    text = str(caught.value)
    assert "There is no stage 'resise'" in text
    assert "amount" in text


def test_a_shipped_recipe_is_loaded_by_its_name(home):
    assert stylepipe.Recipe.load("ancient_city").name == "ancient-city"
