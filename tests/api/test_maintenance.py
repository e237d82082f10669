"""Commands about recipes, runs, weights and the cache, from Python."""

import json
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest
from PIL import Image as Pillow

import stylepipe
from stylepipe.errors import InputError, RecipeError, UsageError, WeightsError
from stylepipe.sharing.provenance import Provenance


def test_a_recipe_is_begun_checked_and_drawn(home):
    assert stylepipe.init("begun.yaml") == Path("begun.yaml")
    assert stylepipe.validate("begun.yaml").recipe.name == "begun"
    with pytest.raises(UsageError, match="exists already"):
        stylepipe.init("begun.yaml")
    assert stylepipe.init(name="gatys") == Path("gatys.yaml")
    assert stylepipe.validate("look.yaml", amount=2.0).variants == ()
    look = Path("look.yaml").read_text()
    Path("swept.yaml").write_text(f"{look}sweep: {{grid: {{amount: [0.1, 0.2]}}}}\n")
    assert len(stylepipe.validate("swept.yaml").variants) == 2
    with pytest.raises(RecipeError, match="no param 'amont'"):
        stylepipe.validate(stylepipe.Recipe.load("look.yaml"), amont=1)
    drawing = stylepipe.graph("look.yaml", output="look.svg")
    assert [node.name for node in drawing.nodes] == ["photo", "small", "sharp"]
    assert xml.fromstring(Path("look.svg").read_text()).tag.endswith("svg")
    assert drawing == stylepipe.Recipe.load("look.yaml").graph()


def test_what_recipes_are_made_of(home):
    assert "ancient_city" in stylepipe.recipes()
    assert list(stylepipe.stages("sharpen")) == ["sharpen"]
    assert {"sharpen", "stylize"} <= stylepipe.stages().keys()
    assert stylepipe.losses.kinds("gram") == {"gram": stylepipe.losses.Gram}
    assert "sharpen" in json.dumps(stylepipe.schema())
    for listing, name in ((stylepipe.stages, "sharpn"), (stylepipe.losses.kinds, "gran")):
        with pytest.raises(UsageError, match=f"'{name}'"):
            listing(name)


def test_runs_are_listed_shown_compared_and_removed(home):
    made = stylepipe.run("look.yaml")
    other = stylepipe.run("look.yaml", amount=2.0)
    assert [run.path for run in stylepipe.runs.list()] == [other.path, made.path]
    assert [run.path for run in stylepipe.runs.list(limit=1)] == [other.path]
    shown = stylepipe.show(made.record.id)
    assert (shown.record, shown.files) == (made.record, made.files)
    compared = stylepipe.diff(made.path, other.record.id, output="both.png")
    assert [(change.name, change.before, change.after) for change in compared.params] == [("amount", 0.5, 2.0)]
    with Pillow.open("both.png") as drawn:
        assert drawn.width > 2 * made.image.width
    asked = []
    with pytest.raises(UsageError, match="Nothing was removed"):
        stylepipe.runs.rm(made.path, confirm=asked.append)
    assert stylepipe.runs.rm(made.path, made.record.id, confirm=lambda chosen: True) == asked[0]
    assert [run.path for run in stylepipe.runs.list()] == [other.path]


def test_pictures_and_recipes_are_shown(home):
    made = stylepipe.run("look.yaml")
    provenance = stylepipe.show(made.files["sharp"])
    assert isinstance(provenance, Provenance)
    assert provenance.outputs == {"sharp": made.record.outputs["sharp"].digest}
    described = stylepipe.show("look.yaml")
    assert [(param.name, param.type) for param in described.params] == [
        ("photo", "a picture"),
        ("side", "a whole number"),
        ("amount", "a number"),
        ("styles", "a list of texts"),
    ]
    with pytest.raises(InputError, match="does not say how it was made"):
        made.image.save("saved.jpg")
        stylepipe.show("saved.jpg")


def test_the_cache_is_listed_verified_and_emptied(home):
    stylepipe.run("look.yaml")
    assert {entry.action.node for entry in stylepipe.cache.ls().actions} == {"photo", "small", "sharp"}
    assert stylepipe.cache.verify().damaged == ()
    with pytest.raises(UsageError, match="--size 2 cats"):
        stylepipe.cache.gc(size="2 cats")
    assert stylepipe.cache.gc(size=10**9, cache="elsewhere").actions == 0


def test_weights_are_listed_found_and_verified(home, monkeypatch):
    monkeypatch.delenv("STYLEPIPE_WEIGHTS", raising=False)
    files = {weights.name: weights.file for weights in stylepipe.weights.list()}
    assert stylepipe.weights.path("vgg19-slim") == files["vgg19-slim"] == stylepipe.weights.pull("vgg19-slim")
    assert "relu5_1" in stylepipe.weights.verify("vgg19-slim").layers
    copy = stylepipe.weights.convert(files["vgg19-slim"], "copy.safetensors")
    assert stylepipe.weights.verify(copy) == stylepipe.weights.verify("vgg19-slim")
    with pytest.raises(WeightsError, match="downloads are turned off"):
        stylepipe.weights.pull("vgg19", offline=True)


def test_the_installation_is_described(home):
    installed = stylepipe.doctor()
    assert "sharpen" in installed.stages
    assert installed.environment["stylepipe"] == stylepipe.__version__
    assert installed.cache_free > 0
